//! Signs requests with AWS Signature Version 4, as the page "Authenticating Requests (AWS Signature Version 4)" of the
//! S3 API reference has it.

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

type HmacSha256 = Hmac<Sha256>;

/// The hash that stands for a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The SHA-256 of nothing.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs for one access key, region and day. Deriving the key costs four HMACs; a signer does it once.
#[derive(Clone)]
pub struct Signer {
    access_key: String,
    scope: String,
    key: [u8; 32],
}

/// What of a request is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its `Host`.
    pub host: &'a str,
    /// Encoded, as it is sent.
    pub path: &'a str,
    /// Sorted and encoded, as it is sent.
    pub query: &'a str,
    /// `20130524T000000Z`.
    pub date: &'a str,
    /// Hex, or [`UNSIGNED_PAYLOAD`].
    pub payload_hash: &'a str,
    /// Further headers, whose names begin with `x-amz-`: in lower case, with values as they are sent.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Signer {
    /// `day` is the date's first eight digits.
    pub fn new(access_key: &str, secret_key: &str, region: &str, day: &str) -> Self {
        let scope = format!("{day}/{region}/s3/aws4_request");
        let start = [b"AWS4", secret_key.as_bytes()].concat();
        let key = scope.split('/').fold(start, |key, part| hmac(&key, part.as_bytes()).to_vec());
        let key = key.try_into().expect("an HMAC-SHA-256 has 32 bytes");
        Self { access_key: access_key.to_owned(), scope, key }
    }

    /// Whether this signer's key is that of `date`'s day.
    pub fn is_of_day(&self, date: &str) -> bool {
        self.scope.get(..8) == date.get(..8)
    }

    /// The value of the header `authorization`.
    pub fn authorization(&self, request: &Signable<'_>) -> String {
        let Signable { method, host, path, query, date, payload_hash, headers } = request;
        let own = [("host", *host), ("x-amz-content-sha256", *payload_hash), ("x-amz-date", *date)];
        let mut all: Vec<(&str, &str)> = own.into_iter().chain(headers.iter().copied()).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        let signed = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = format!("{method}\n{path}\n{query}\n");
        for (name, value) in &all {
            // Writing to a String does not fail. White space around a value and doubled inside it does not count.
            let _ = write!(canonical, "{name}:");
            for (at, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
                canonical.push_str(if at == 0 { "" } else { " " });
                canonical.push_str(word);
            }
            canonical.push('\n');
        }
        let _ = write!(canonical, "\n{signed}\n{payload_hash}");
        let mut to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{}\n", self.scope);
        push_hex(&mut to_sign, &Sha256::digest(canonical.as_bytes()));
        let mut value = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={signed}, Signature=",
            self.access_key, self.scope
        );
        push_hex(&mut value, &hmac(&self.key, to_sign.as_bytes()));
        value
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "GET Bucket (List Objects)" of the S3 API reference's page on the authorization header, with its keys.
    #[test]
    fn signs_the_example_of_the_reference() {
        let signer =
            Signer::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "20130524");
        let empty = hex::encode(Sha256::digest(b""));
        let authorization = signer.authorization(&Signable {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/",
            query: "max-keys=2&prefix=J",
            date: "20130524T000000Z",
            payload_hash: &empty,
            headers: &[],
        });
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(authorization.ends_with(&format!("Signature={expected}")), "{authorization}");
        assert!(signer.is_of_day("20130524T235959Z"));
        assert!(!signer.is_of_day("20130525T000000Z"));
    }
}
