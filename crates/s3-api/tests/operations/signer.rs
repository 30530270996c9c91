//! A second opinion on SigV4, written from the API reference ("Signature Calculations for the Authorization Header" and
//! "Authenticating Requests: Using Query Parameters") and not from the verifier.

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use types::Timestamp;

/// An access key as a client holds it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The public half.
    pub(crate) id: String,
    /// The secret half.
    pub(crate) secret: String,
}

const REGION: &str = "us-east-1";

/// The SHA-256 of `data` in hex.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

/// Adds `x-amz-date`, `x-amz-content-sha256` and `Authorization` to `headers`, which hold `host` already. `path` is
/// percent-encoded as it is sent; `query` is without the question mark.
pub(crate) fn sign_headers(
    key: &Key,
    now: Timestamp,
    method: &str,
    (path, query): (&str, &str),
    headers: &mut Vec<(String, String)>,
    payload_hash: &str,
) {
    let date = now.to_amz_date();
    headers.push(("x-amz-date".into(), date.clone()));
    headers.push(("x-amz-content-sha256".into(), payload_hash.to_owned()));
    let mut signed: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .filter(|(name, _)| name == "host" || name == "content-md5" || name.starts_with("x-amz-"))
        .collect();
    signed.sort();
    let names = signed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("{method}\n{path}\n{}\n{lines}\n{names}\n{payload_hash}", canonical_query(query));
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let signature = signature(key, &date, &scope, &canonical);
    headers.push((
        "authorization".into(),
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", key.id),
    ));
}

/// The query string of a presigned URL for `path` and `query` on `host`, good for `expires` seconds.
pub(crate) fn presign(
    key: &Key,
    now: Timestamp,
    method: &str,
    host: &str,
    (path, query): (&str, &str),
    expires: u64,
) -> String {
    let date = now.to_amz_date();
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let separator = if query.is_empty() { "" } else { "&" };
    let query = format!(
        "{query}{separator}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{}&X-Amz-Date={date}\
         &X-Amz-Expires={expires}&X-Amz-SignedHeaders=host",
        key.id,
        scope.replace('/', "%2F"),
    );
    let canonical = format!("{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD", canonical_query(&query));
    format!("{query}&X-Amz-Signature={}", signature(key, &date, &scope, &canonical))
}

/// The signature of a POST policy (base64 text) with a credential of `now`: (x-amz-credential, x-amz-date, signature).
pub(crate) fn sign_policy(key: &Key, now: Timestamp, policy: &str) -> (String, String, String) {
    let date = now.to_amz_date();
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let signature = hex::encode(hmac(&signing_key(key, &date), policy.as_bytes()));
    (format!("{}/{scope}", key.id), date, signature)
}

fn signature(key: &Key, date: &str, scope: &str, canonical: &str) -> String {
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    hex::encode(hmac(&signing_key(key, date), to_sign.as_bytes()))
}

fn signing_key(key: &Key, date: &str) -> Vec<u8> {
    let day = hmac(format!("AWS4{}", key.secret).as_bytes(), &date.as_bytes()[..8]);
    [REGION, "s3", "aws4_request"].iter().fold(day, |key, part| hmac(&key, part.as_bytes()))
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Sorted parameters; the tests send names and values that are encoded already.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
