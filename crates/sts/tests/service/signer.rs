//! SigV4 as clients of services other than S3 make it, written from the SigV4 guide and not from the verifier.

use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use types::Timestamp;

/// What SigV4 leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An access key as a client holds it, with the token of its session.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The headers of a signed POST to `/`, but for the host.
pub(crate) fn headers(key: &Key, now: Timestamp, service: &str, host: &str, body: &[u8]) -> Vec<(String, String)> {
    let date = now.to_amz_date();
    let mut headers = vec![("x-amz-date".to_owned(), date.clone())];
    headers.extend(key.token.clone().map(|token| ("x-amz-security-token".to_owned(), token)));
    let mut signed = headers.clone();
    signed.push(("host".to_owned(), host.to_owned()));
    signed.sort();
    let names = signed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", hex::encode(Sha256::digest(body)));
    let scope = format!("{}/us-east-1/{service}/aws4_request", &date[..8]);
    let signature = signature(key, &date, &scope, service, &canonical);
    let credential = format!("{}/{scope}", key.id);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    headers.push(("authorization".to_owned(), authorization));
    headers
}

/// A presigned GET of `/` with this query, for the service `sts`.
pub(crate) fn presigned(key: &Key, now: Timestamp, host: &str, query: &str) -> String {
    let date = now.to_amz_date();
    let scope = format!("{}/us-east-1/sts/aws4_request", &date[..8]);
    let credential = encode(&format!("{}/{scope}", key.id));
    let query = format!(
        "{query}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires=60\
         &X-Amz-SignedHeaders=host"
    );
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let empty = hex::encode(Sha256::digest(b""));
    let canonical = format!("GET\n/\n{}\nhost:{host}\n\nhost\n{empty}", pairs.join("&"));
    format!("/?{query}&X-Amz-Signature={}", signature(key, &date, &scope, "sts", &canonical))
}

fn signature(key: &Key, date: &str, scope: &str, service: &str, canonical: &str) -> String {
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let day = hmac(format!("AWS4{}", key.secret).as_bytes(), &date[..8]);
    let signing_key = ["us-east-1", service, "aws4_request"].iter().fold(day, |key, part| hmac(&key, part));
    hex::encode(hmac(&signing_key, &to_sign))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
