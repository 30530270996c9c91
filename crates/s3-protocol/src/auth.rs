//! Who sends a request, and proof of it.
//!
//! Two steps, with the caller between them: [`Credentials::parse`] reads the claim without proving anything; the caller
//! looks up the secret of [`Credentials::access_key`]; [`Credentials::verify`] proves the claim. [`sigv4`] and
//! [`sigv2`] hold the two signature schemes, each in a header or in the query (a presigned URL); [`post`] the ones of
//! form uploads; [`presign`] makes the URLs that carry one. The result is a [`Verified`], whose [`PayloadMode`] tells [`crate::body::Payload`] what was promised
//! about the body.

mod canonical;
mod payload_mode;
pub mod post;
mod presign;
mod signing_key;
pub mod sigv2;
pub mod sigv4;

pub(crate) use payload_mode::DECODED_LENGTH;
pub use payload_mode::{ChunkSigning, Framing, PayloadMode};
pub use presign::presign;
pub use signing_key::{Scope, SigningKey, SigningKeyCache};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq as _;
use types::Timestamp;

use crate::{ErrorCode, Query, RequestHead, S3Error};

/// The token of a session: what a request is signed with besides the access key.
pub const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// How far the clock of a client may be off, in seconds (S3 API reference, `RequestTimeTooSkewed`).
pub const MAX_SKEW_S: u64 = 15 * 60;

/// Who claims to send a request. Nothing is proven yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credentials<'a> {
    /// Nobody in particular.
    Anonymous,
    /// Signature version 4.
    V4(sigv4::Claim<'a>),
    /// Signature version 2.
    V2(sigv2::Claim<'a>),
}

/// Where a signature stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// In `Authorization`.
    Header,
    /// In the query: a presigned URL.
    Query,
    /// In the fields of a form.
    Form,
}

/// Which scheme made a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureVersion {
    /// `AWS`.
    V2,
    /// `AWS4-HMAC-SHA256`.
    V4,
}

/// What the signature of a verified request was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureFacts {
    /// Which scheme.
    pub version: SignatureVersion,
    /// Where it stood.
    pub carrier: Carrier,
    /// When it was made; unknown for presigned URLs and forms of version 2.
    pub signed_at: Option<Timestamp>,
}

/// A request whose signature holds, or that has none.
#[derive(Clone, Debug)]
pub struct Verified {
    /// How it was signed; `None` for anonymous requests.
    pub signature: Option<SignatureFacts>,
    /// What is promised about the body.
    pub payload: PayloadMode,
}

impl<'a> Credentials<'a> {
    /// Reads the claim out of the head and its decoded query. The date and what is signed are checked by
    /// [`Credentials::verify`].
    ///
    /// # Errors
    /// `InvalidArgument` for an unknown scheme or for two at once, `AuthorizationHeaderMalformed`,
    /// `AuthorizationQueryParametersError`, `AccessDenied` for an incomplete presigned URL of version 2.
    pub fn parse(head: &RequestHead<'a>, query: &'a Query) -> Result<Self, S3Error> {
        let header = head.headers().get(AUTHORIZATION).filter(|value| !value.is_empty());
        let in_query_v4 = query.has("X-Amz-Algorithm") || query.has("X-Amz-Credential");
        let in_query_v2 = query.has("AWSAccessKeyId") || query.has("Signature");
        if [header.is_some(), in_query_v4, in_query_v2].iter().filter(|present| **present).count() > 1 {
            return Err(S3Error::invalid_argument(
                "Authorization",
                "",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                 parameter or the Authorization header should be specified",
            ));
        }
        if in_query_v4 {
            return Ok(Self::V4(sigv4::Claim::from_query(query)?));
        }
        if in_query_v2 {
            return Ok(Self::V2(sigv2::Claim::from_query(query)?));
        }
        let Some(header) = header else { return Ok(Self::Anonymous) };
        let header = header.to_str().map_err(|_| S3Error::new(ErrorCode::AuthorizationHeaderMalformed))?.trim();
        match header.split_once(' ') {
            Some((sigv4::ALGORITHM, rest)) => Ok(Self::V4(sigv4::Claim::from_header(rest, head)?)),
            Some(("AWS", rest)) => Ok(Self::V2(sigv2::Claim::from_header(rest, head)?)),
            _ => Err(S3Error::invalid_argument("Authorization", header, "Unsupported Authorization Type")),
        }
    }

    /// The access key that is claimed; `None` for anonymous requests.
    pub fn access_key(&self) -> Option<&'a str> {
        match self {
            Self::Anonymous => None,
            Self::V4(claim) => Some(claim.scope.access_key),
            Self::V2(claim) => Some(claim.access_key),
        }
    }

    /// The token of the session that the access key belongs to, where the request brings one: in a header beside a
    /// signature in a header, in the query beside one there. The signature covers it.
    ///
    /// # Errors
    /// `InvalidToken` for one in a header that is no text.
    pub fn security_token<'b>(&self, head: &RequestHead<'b>, query: &'b Query) -> Result<Option<&'b str>, S3Error> {
        let in_query = match self {
            Self::Anonymous => return Ok(None),
            Self::V4(claim) => claim.carrier() == Carrier::Query,
            Self::V2(claim) => claim.carrier() == Carrier::Query,
        };
        if in_query && let Some(token) = query.first_of_any_case(SECURITY_TOKEN.as_str()) {
            return Ok(Some(token));
        }
        let token = head.headers().get(SECURITY_TOKEN).map(http::HeaderValue::to_str);
        token.transpose().map_err(|_| S3Error::new(ErrorCode::InvalidToken))
    }

    /// Which scheme is used; `None` for anonymous requests. A tenancy may refuse version 2.
    pub fn version(&self) -> Option<SignatureVersion> {
        match self {
            Self::Anonymous => None,
            Self::V4(_) => Some(SignatureVersion::V4),
            Self::V2(_) => Some(SignatureVersion::V2),
        }
    }

    /// The headers that a presigned URL of version 4 carries in its query, as some clients write them
    /// (`x-amz-acl=private`). The signature covers them. The caller adds them to the request's own headers, which come
    /// first, once the claim is proven.
    ///
    /// # Errors
    /// `InvalidURI` where the query can not be read.
    pub fn hoisted_headers(&self, head: &RequestHead<'_>) -> Result<HeaderMap, S3Error> {
        match self {
            Self::V4(claim) => claim.hoisted_headers(head),
            Self::Anonymous | Self::V2(_) => Ok(HeaderMap::new()),
        }
    }

    /// Proves the claim with the secret of [`Credentials::access_key`] (any text for anonymous requests).
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`; `RequestTimeTooSkewed`, or `AccessDenied` for what has expired; `AccessDenied` where
    /// headers are not signed that must be; `InvalidArgument` and `InvalidRequest` for a bad `x-amz-content-sha256`.
    pub fn verify(
        &self,
        secret: &str,
        head: &RequestHead<'_>,
        now: Timestamp,
        signing_keys: &SigningKeyCache,
    ) -> Result<Verified, S3Error> {
        match self {
            Self::Anonymous => Ok(Verified { signature: None, payload: PayloadMode::without_key(head)? }),
            Self::V4(claim) => claim.verify(secret, head, now, signing_keys),
            Self::V2(claim) => claim.verify(secret, head, now),
        }
    }
}

impl Credentials<'_> {
    /// Proves the claim over a request whose body is known, as services other than S3 sign it (SigV4 guide, "Create a
    /// canonical request"): the signature covers the body, whatever the headers say.
    ///
    /// # Errors
    /// As [`Credentials::verify`], and `AccessDenied` for version 2, which covers no body, and for nobody's request.
    pub fn verify_with_body(
        &self,
        secret: &str,
        head: &RequestHead<'_>,
        body: &[u8],
        now: Timestamp,
        signing_keys: &SigningKeyCache,
    ) -> Result<SignatureFacts, S3Error> {
        match self {
            Self::V4(claim) => claim.verify_with_body(secret, head, body, now, signing_keys),
            Self::Anonymous | Self::V2(_) => {
                Err(S3Error::new(ErrorCode::AccessDenied)
                    .with_message("The request must be signed with AWS4-HMAC-SHA256."))
            }
        }
    }
}

/// Whether two signatures are the same, in a time that does not depend on where they differ.
pub(crate) fn same_signature(ours: &str, theirs: &str) -> bool {
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

/// 403 where `moment` is further from `now` than [`MAX_SKEW_S`].
fn check_skew(moment: Timestamp, now: Timestamp) -> Result<(), S3Error> {
    if moment.as_secs().abs_diff(now.as_secs()) <= MAX_SKEW_S {
        return Ok(());
    }
    Err(S3Error::new(ErrorCode::RequestTimeTooSkewed)
        .with_field("RequestTime", moment.to_amz_date())
        .with_field("ServerTime", now.to_iso8601())
        .with_field("MaxAllowedSkewMilliseconds", (MAX_SKEW_S * 1000).to_string()))
}

/// 403 for a presigned URL whose time is over.
fn expired(until: Timestamp, now: Timestamp) -> S3Error {
    S3Error::new(ErrorCode::AccessDenied)
        .with_message("Request has expired")
        .with_field("Expires", until.to_iso8601())
        .with_field("ServerTime", now.to_iso8601())
}

/// The moment at which a request says it was made: `x-amz-date`, else `Date`, in the form of SigV4 or of HTTP.
fn request_time(head: &RequestHead<'_>) -> Result<Timestamp, S3Error> {
    let date = head.headers().get(AMZ_DATE).or_else(|| head.headers().get(http::header::DATE));
    date.and_then(|date| date.to_str().ok())
        .and_then(|date| Timestamp::parse_amz_date(date.trim()).or_else(|| Timestamp::parse_http_date(date)))
        .ok_or_else(|| {
            S3Error::new(ErrorCode::AccessDenied)
                .with_message("AWS authentication requires a valid Date or x-amz-date header")
        })
}

#[cfg(test)]
mod tests;
