//! Signs requests with AWS Signature Version 4, as the page "Authenticating Requests (AWS Signature Version 4)" of the
//! S3 API reference has it.

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

type HmacSha256 = Hmac<Sha256>;

/// The hash that stands for a body that is not signed.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const SIGNED_HEADERS: &str = "host;x-amz-content-sha256;x-amz-date";
const SIGNED_HEADERS_OF_COPY: &str = "host;x-amz-content-sha256;x-amz-copy-source;x-amz-date";

/// Signs for one access key, region and day. Deriving the key costs four HMACs; a signer does it once.
#[derive(Clone)]
pub(crate) struct Signer {
    access_key: String,
    scope: String,
    key: [u8; 32],
}

/// What of a request is signed.
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    /// Encoded, as it is sent.
    pub(crate) path: &'a str,
    /// Sorted and encoded, as it is sent.
    pub(crate) query: &'a str,
    /// `20130524T000000Z`.
    pub(crate) date: &'a str,
    /// Hex, or [`UNSIGNED_PAYLOAD`].
    pub(crate) payload_hash: &'a str,
    /// The value of `x-amz-copy-source`, where it is sent.
    pub(crate) copy_source: Option<&'a str>,
}

impl Signer {
    /// `day` is the date's first eight digits.
    pub(crate) fn new(access_key: &str, secret_key: &str, region: &str, day: &str) -> Self {
        let scope = format!("{day}/{region}/s3/aws4_request");
        let start = [b"AWS4", secret_key.as_bytes()].concat();
        let key = scope.split('/').fold(start, |key, part| hmac(&key, part.as_bytes()).to_vec());
        let key = key.try_into().expect("an HMAC-SHA-256 has 32 bytes");
        Self { access_key: access_key.to_owned(), scope, key }
    }

    /// Whether this signer's key is that of `date`'s day.
    pub(crate) fn is_of_day(&self, date: &str) -> bool {
        self.scope.get(..8) == date.get(..8)
    }

    /// The value of the header `authorization`.
    pub(crate) fn authorization(&self, request: &Signable<'_>) -> String {
        let Signable { method, host, path, query, date, payload_hash, copy_source } = request;
        let (signed, copy) = match copy_source {
            None => (SIGNED_HEADERS, String::new()),
            Some(source) => (SIGNED_HEADERS_OF_COPY, format!("x-amz-copy-source:{source}\n")),
        };
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{payload_hash}\n{copy}x-amz-date:{date}\n\n\
             {signed}\n{payload_hash}"
        );
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
            copy_source: None,
        });
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(authorization.ends_with(&format!("Signature={expected}")), "{authorization}");
        assert!(signer.is_of_day("20130524T235959Z"));
        assert!(!signer.is_of_day("20130525T000000Z"));
    }
}
