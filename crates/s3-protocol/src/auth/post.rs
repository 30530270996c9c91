//! Signatures of form uploads (S3 API reference, "Browser-Based Uploads Using POST"): over the policy document, as it
//! stands in base64 in the form.

use types::Timestamp;

use super::{Carrier, SignatureFacts, SignatureVersion};
use super::{Scope, SigningKeyCache, same_signature, sigv2, sigv4};
use crate::{ErrorCode, S3Error};

/// Who claims to send a form. Nothing is proven yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PostCredentials<'a> {
    /// Nobody in particular: no signature.
    Anonymous,
    /// Signature version 4.
    V4 {
        /// What the signature is bound to, with the access key.
        scope: Scope<'a>,
        /// `x-amz-date`.
        signed_at: Timestamp,
        /// `x-amz-signature`.
        signature: &'a str,
    },
    /// Signature version 2.
    V2 {
        /// `AWSAccessKeyId`.
        access_key: &'a str,
        /// `signature`.
        signature: &'a str,
    },
}

impl<'a> PostCredentials<'a> {
    /// Reads the claim from the form's fields; `field` finds one by its lower-case name. `Anonymous` where there
    /// is neither a policy nor a signature.
    ///
    /// # Errors
    /// `InvalidArgument` where one of the fields is missing or malformed.
    pub fn parse(field: impl Fn(&str) -> Option<&'a str>) -> Result<Self, S3Error> {
        let required = |name: &'static str| {
            field(&name.to_ascii_lowercase()).filter(|value| !value.is_empty()).ok_or_else(|| {
                let message = format!(
                    "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of \
                     the fields."
                );
                S3Error::invalid_argument(name, "", message)
            })
        };
        let has = |name| field(name).is_some();
        if has("x-amz-algorithm") || has("x-amz-signature") || has("x-amz-credential") {
            required("policy")?;
            let algorithm = required("X-Amz-Algorithm")?;
            if algorithm != sigv4::ALGORITHM {
                let message = "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"";
                return Err(S3Error::invalid_argument("X-Amz-Algorithm", algorithm, message));
            }
            let (credential, date) = (required("X-Amz-Credential")?, required("X-Amz-Date")?);
            let scope = Scope::parse(credential).ok_or_else(|| {
                S3Error::invalid_argument("X-Amz-Credential", credential, "the Credential is mal-formed")
            })?;
            let signed_at = Timestamp::parse_amz_date(date)
                .or_else(|| Timestamp::parse_iso8601(date))
                .ok_or_else(|| S3Error::invalid_argument("X-Amz-Date", date, "the date is mal-formed"))?;
            let signature = required("X-Amz-Signature")?;
            return Ok(Self::V4 { scope, signed_at, signature });
        }
        if has("awsaccesskeyid") || has("signature") || has("policy") {
            required("policy")?;
            let access_key = required("AWSAccessKeyId")?;
            return Ok(Self::V2 { access_key, signature: required("signature")? });
        }
        Ok(Self::Anonymous)
    }

    /// The access key that is claimed.
    pub fn access_key(&self) -> Option<&'a str> {
        match self {
            Self::Anonymous => None,
            Self::V4 { scope, .. } => Some(scope.access_key),
            Self::V2 { access_key, .. } => Some(access_key),
        }
    }

    /// Proves the claim over `policy`, the field's text in base64. `None` for anonymous forms. How long the signature
    /// is good is the policy's to say.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`.
    pub fn verify(
        &self,
        secret: &str,
        policy: &str,
        signing_keys: &SigningKeyCache,
    ) -> Result<Option<SignatureFacts>, S3Error> {
        let (version, signed_at, is_ours, theirs) = match self {
            Self::Anonymous => return Ok(None),
            Self::V4 { scope, signed_at, signature } => {
                let ours = signing_keys.key(secret, scope).sign(policy.as_bytes());
                (SignatureVersion::V4, Some(*signed_at), same_signature(ours.as_str(), signature), *signature)
            }
            Self::V2 { signature, .. } => {
                let ours = sigv2::sign(secret, policy.as_bytes());
                (SignatureVersion::V2, None, same_signature(&ours, signature), *signature)
            }
        };
        if !is_ours {
            return Err(S3Error::new(ErrorCode::SignatureDoesNotMatch)
                .with_field("AWSAccessKeyId", self.access_key().unwrap_or_default())
                .with_field("SignatureProvided", theirs));
        }
        Ok(Some(SignatureFacts { version, carrier: Carrier::Form, signed_at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(fields: &[(&str, &'a str)]) -> Result<PostCredentials<'a>, S3Error> {
        PostCredentials::parse(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value))
    }

    #[test]
    fn forms_say_who_they_are_from() {
        assert_eq!(parse(&[("key", "k")]), Ok(PostCredentials::Anonymous));
        let v2 = [("awsaccesskeyid", "AKID"), ("policy", "e30="), ("signature", "s")];
        assert_eq!(parse(&v2).expect("v2").access_key(), Some("AKID"));
        let v4 = [
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", "AKID/20151229/us-east-1/s3/aws4_request"),
            ("x-amz-date", "20151229T000000Z"),
            ("policy", "e30="),
            ("x-amz-signature", "s"),
        ];
        assert_eq!(parse(&v4).expect("v4").access_key(), Some("AKID"));
        for fields in [&v2[..], &v4[..]] {
            for missing in 0..fields.len() {
                let mut fewer = fields.to_vec();
                fewer.remove(missing);
                let error = parse(&fewer).expect_err("a missing field");
                assert_eq!(error.code(), ErrorCode::InvalidArgument, "{:?}", fields[missing]);
            }
        }
    }

    /// Policy and signature of the S3 API reference, "Example: Browser-Based Upload using HTTP POST".
    #[test]
    fn signatures_are_the_documented_ones() {
        let policy = include_str!("post_example_policy.txt").trim();
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
        let scope = Scope::parse("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request").expect("a scope");
        let verify = |signature: &str| {
            let claim = PostCredentials::V4 { scope, signed_at: Timestamp::default(), signature };
            claim.verify(secret, policy, &SigningKeyCache::new(4))
        };
        assert!(verify(signature).is_ok());
        let error = verify(&signature.replace('8', "9")).expect_err("a forged one");
        assert_eq!(error.code(), ErrorCode::SignatureDoesNotMatch);
    }
}
