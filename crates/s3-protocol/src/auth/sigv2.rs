//! Signature version 2 (S3 user guide, "Signing and authenticating REST requests").
//!
//! Every `x-amz-*` header is signed by definition. Of the query only sub-resources are, and the signature must cover
//! all that select an operation, so that none can be added to a signed request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use http::header::{CONTENT_TYPE, DATE};
use sha1::Sha1;
use types::Timestamp;

use super::canonical::{Spaces, header_values};
use super::{
    AMZ_DATE, Carrier, PayloadMode, SECURITY_TOKEN, SignatureFacts, SignatureVersion, Verified, check_skew, expired,
    request_time, same_signature,
};
use crate::{ErrorCode, Query, RequestHead, S3Error, route};

const SECURITY_TOKEN_NAME: &str = "x-amz-security-token";

/// Parameters that are signed although they select nothing.
const ALSO_SIGNED: &[&str] = &[
    "defaultObjectAcl",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "select-type",
    "storageClass",
    "versionId",
];

/// A claim, not proven yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    /// The public half of the key.
    pub access_key: &'a str,
    signature: &'a str,
    form: Form<'a>,
    /// The token of a session in the query of a presigned URL.
    token: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form<'a> {
    Header {
        signed_at: Timestamp,
    },
    /// A presigned URL. The text of `expires` is part of what is signed.
    Query {
        expires: &'a str,
        until: Timestamp,
    },
}

impl<'a> Claim<'a> {
    /// Reads what follows `AWS ` in `Authorization`.
    pub(super) fn from_header(rest: &'a str, head: &RequestHead<'_>) -> Result<Self, S3Error> {
        let (access_key, signature) = rest
            .trim()
            .rsplit_once(':')
            .filter(|(access_key, signature)| !access_key.is_empty() && !signature.is_empty())
            .ok_or_else(|| {
                let message = "AWS authorization header is invalid. Expected AwsAccessKeyId:signature";
                S3Error::invalid_argument("Authorization", &format!("AWS {rest}"), message)
            })?;
        let form = Form::Header { signed_at: request_time(head)? };
        Ok(Self { access_key, signature, form, token: None })
    }

    /// Reads the parameters of a presigned URL.
    pub(super) fn from_query(query: &'a Query) -> Result<Self, S3Error> {
        let required = |name| {
            query.get_nonempty(name).ok_or_else(|| {
                S3Error::new(ErrorCode::AccessDenied).with_message(
                    "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
                )
            })
        };
        let expires = required("Expires")?;
        let until: i64 = expires.parse().map_err(|_| {
            S3Error::new(ErrorCode::AccessDenied)
                .with_message(format!("Invalid date (should be seconds since epoch): {expires}"))
        })?;
        let until = Timestamp::from_secs(u64::try_from(until).unwrap_or(0));
        Ok(Self {
            access_key: required("AWSAccessKeyId")?,
            signature: required("Signature")?,
            form: Form::Query { expires, until },
            token: query.first_of_any_case(SECURITY_TOKEN_NAME),
        })
    }

    /// Proves the claim; [`super::Credentials::verify`] says how it fails.
    pub(super) fn verify(&self, secret: &str, head: &RequestHead<'_>, now: Timestamp) -> Result<Verified, S3Error> {
        let (carrier, signed_at) = match &self.form {
            Form::Header { signed_at } => {
                check_skew(*signed_at, now)?;
                (Carrier::Header, Some(*signed_at))
            }
            Form::Query { until, .. } if now.as_secs() >= until.as_secs() => return Err(expired(*until, now)),
            Form::Query { .. } => (Carrier::Query, None),
        };
        if !self.is_signed_by(secret, head)? {
            return Err(S3Error::new(ErrorCode::SignatureDoesNotMatch)
                .with_field("AWSAccessKeyId", self.access_key)
                .with_field("SignatureProvided", self.signature));
        }
        Ok(Verified {
            signature: Some(SignatureFacts { version: SignatureVersion::V2, carrier, signed_at }),
            payload: PayloadMode::without_key(head)?,
        })
    }

    /// Clients write two things of the resource in two ways, all of which bind the same request: a bucket with or without
    /// its closing slash (botocore adds it), and a sub-resource with an empty value with or without `=` (minio-go leaves it
    /// out).
    fn is_signed_by(&self, secret: &str, head: &RequestHead<'_>) -> Result<bool, S3Error> {
        let mut text = self.string_before_resource(head);
        let length = text.len();
        for empty in [EmptyValue::Bare, EmptyValue::EqualsSign] {
            for closing in [Closing::AsReceived, Closing::Slash] {
                text.truncate(length);
                canonical_resource(head, closing, empty, &mut text)?;
                if same_signature(&sign(secret, &text), self.signature) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    pub(super) fn carrier(&self) -> Carrier {
        match self.form {
            Form::Header { .. } => Carrier::Header,
            Form::Query { .. } => Carrier::Query,
        }
    }

    fn string_before_resource(&self, head: &RequestHead<'_>) -> Vec<u8> {
        let mut text = Vec::with_capacity(256);
        text.extend_from_slice(head.method().as_str().as_bytes());
        text.push(b'\n');
        for name in ["content-md5", CONTENT_TYPE.as_str()] {
            header_values(head.headers(), name, Spaces::Keep, &mut text);
            text.push(b'\n');
        }
        match &self.form {
            Form::Query { expires, .. } => text.extend_from_slice(expires.as_bytes()),
            // With x-amz-date, which is among the headers below, the place of the date stays empty.
            Form::Header { .. } if head.headers().contains_key(AMZ_DATE) => {}
            Form::Header { .. } => header_values(head.headers(), DATE.as_str(), Spaces::Keep, &mut text),
        }
        text.push(b'\n');
        let mut names: Vec<&str> = head.headers().keys().map(http::HeaderName::as_str).collect();
        names.retain(|name| name.starts_with("x-amz-"));
        // A presigned URL carries the session's token in its query, and it is signed as the header that it stands for.
        let token = self.token.filter(|_| !head.headers().contains_key(SECURITY_TOKEN));
        names.extend(token.map(|_| SECURITY_TOKEN_NAME));
        names.sort_unstable();
        for name in names {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            match token.filter(|_| name == SECURITY_TOKEN_NAME) {
                Some(token) => text.extend_from_slice(token.as_bytes()),
                None => header_values(head.headers(), name, Spaces::Keep, &mut text),
            }
            text.push(b'\n');
        }
        text
    }
}

/// How a client wrote the path of a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    AsReceived,
    Slash,
}

/// How a client wrote a signed parameter whose value is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyValue {
    Bare,
    EqualsSign,
}

/// Appends bucket, raw path, and the signed parameters, decoded.
fn canonical_resource(
    head: &RequestHead<'_>,
    closing: Closing,
    empty: EmptyValue,
    text: &mut Vec<u8>,
) -> Result<(), S3Error> {
    if let Some(bucket) = head.host_bucket {
        text.push(b'/');
        text.extend_from_slice(bucket.as_bytes());
    }
    let path = head.raw_path();
    text.extend_from_slice(path.as_bytes());
    let is_bucket = head.host_bucket.is_none() && path.len() > 1 && !path[1..].contains('/');
    if is_bucket && closing == Closing::Slash {
        text.push(b'/');
    }
    let query = Query::parse(head.raw_query())?;
    let is_signed = |name: &str| route::is_sub_resource(name) || ALSO_SIGNED.contains(&name);
    let mut signed: Vec<(&str, Option<&str>)> = query.iter().filter(|(name, _)| is_signed(name)).collect();
    signed.sort_unstable();
    for (index, (name, value)) in signed.into_iter().enumerate() {
        text.push(if index == 0 { b'?' } else { b'&' });
        text.extend_from_slice(name.as_bytes());
        if let Some(value) = value.filter(|value| !value.is_empty() || empty == EmptyValue::EqualsSign) {
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
        }
    }
    Ok(())
}

/// HMAC-SHA1 in base64.
pub(super) fn sign(secret: &str, text: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text);
    BASE64.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests;
