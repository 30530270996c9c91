//! A signer of its own, so that the tests do not check the server's signatures with the server's code.
//!
//! Source: S3 API reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use testkit::AccessKey;
use types::{Clock, SystemClock};

const REGION: &str = "us-east-1";
const PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The head of a signed request, its content to follow unsigned. A query is as it is signed: encoded and in order.
pub(crate) fn signed_head(key: &AccessKey, method: &str, host: &str, path: &str, more: &[(&str, &str)]) -> String {
    let date = SystemClock.now().to_amz_date();
    let mut headers: Vec<(String, String)> = more.iter().map(|(n, v)| (n.to_lowercase(), (*v).to_owned())).collect();
    headers.push(("host".to_owned(), host.to_owned()));
    headers.push(("x-amz-content-sha256".to_owned(), PAYLOAD.to_owned()));
    headers.push(("x-amz-date".to_owned(), date.clone()));
    headers.sort();
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let (resource, query) = path.split_once('?').unwrap_or((path, ""));
    let request = format!("{method}\n{resource}\n{query}\n{canonical}\n{names}\n{PAYLOAD}");
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
    let signature = signature(key, &date, &text);
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in &headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let credential = format!("{}/{scope}", key.id);
    head.push_str(&format!(
        "authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}\r\n\r\n"
    ));
    head
}

/// The signed fields of a form that this key lets upload anything to `bucket`, and the policy that says so.
///
/// Source: S3 API reference, "Browser-Based Uploads Using POST (AWS Signature Version 4)".
pub(crate) fn form_fields(key: &AccessKey, bucket: &str) -> Vec<(&'static str, String)> {
    let now = SystemClock.now();
    let (date, expires) = (now.to_amz_date(), now.plus_secs(600).to_iso8601());
    let credential = format!("{}/{}/{REGION}/s3/aws4_request", key.id, &date[..8]);
    let any = r#"["starts-with","$key",""],["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-credential",""],
        ["starts-with","$x-amz-date",""]"#;
    let policy = format!(r#"{{"expiration":"{expires}","conditions":[{{"bucket":"{bucket}"}},{any}]}}"#);
    let policy = STANDARD.encode(policy);
    let signature = signature(key, &date, &policy);
    vec![
        ("policy", policy),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
        ("x-amz-signature", signature),
    ]
}

fn signature(key: &AccessKey, date: &str, text: &str) -> String {
    let secret = format!("AWS4{}", key.secret).into_bytes();
    let signing = [&date[..8], REGION, "s3", "aws4_request"].iter().fold(secret, |key, part| hmac(&key, part));
    hex::encode(hmac(&signing, text))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}
