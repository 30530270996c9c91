//! Signature version 4 (S3 API reference, "Authenticating Requests (AWS Signature Version 4)").

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use sha2::{Digest as _, Sha256};
use types::{HexText, Timestamp};

use super::canonical::{QueryForm, request_hash};
use super::payload_mode::{ContentSha256, UNSIGNED_PAYLOAD};
use super::{
    CONTENT_SHA256, Carrier, ChunkSigning, MAX_SKEW_S, PayloadMode, Scope, SignatureFacts, SignatureVersion,
    SigningKey, SigningKeyCache, Verified, check_skew, expired, request_time, same_signature,
};
use crate::headers::header_value;
use crate::{ErrorCode, Query, RequestHead, S3Error};

/// The scheme's name.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest a presigned URL may be good for, in seconds: a week.
pub const MAX_EXPIRES_S: u64 = 604_800;
/// The most header names in one signature.
const MAX_SIGNED_HEADERS: usize = 128;
/// How much of `20130524T000000Z` is the day.
const DAY_CHARS: usize = 8;

/// The parameters of a presigned URL that are its signature, in lower case.
const SIGNATURE_PARAMETERS: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

pub(super) const SCOPE_END: &str = "aws4_request";

/// A claim, not proven yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    /// What the signature is bound to, with the access key.
    pub scope: Scope<'a>,
    signed_headers: SignedHeaders<'a>,
    signature: &'a str,
    signed_at: Timestamp,
    form: Form<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form<'a> {
    Header,
    /// A presigned URL, with the payload's hash where the query names it.
    Query {
        expires_s: u64,
        content_sha256: Option<&'a str>,
    },
}

/// The list of header names that a signature covers, as the client wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SignedHeaders<'a>(&'a str);

impl<'a> SignedHeaders<'a> {
    /// `None` where they are too many.
    pub(super) fn new(list: &'a str) -> Option<Self> {
        let headers = Self(list);
        (headers.names().count() <= MAX_SIGNED_HEADERS).then_some(headers)
    }

    /// The names, in any case.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.0.split(';').map(str::trim)
    }

    fn contain(self, name: &str) -> bool {
        self.names().any(|signed| signed.eq_ignore_ascii_case(name))
    }
}

impl<'a> Claim<'a> {
    /// Reads what follows `AWS4-HMAC-SHA256 ` in `Authorization`.
    pub(super) fn from_header(rest: &'a str, head: &RequestHead<'_>) -> Result<Self, S3Error> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("Credential", value)) => credential = Some(value),
                Some(("SignedHeaders", value)) => signed_headers = Some(value),
                Some(("Signature", value)) => signature = Some(value),
                _ => return Err(malformed("it has a part that is not known")),
            }
        }
        let credential = credential.ok_or_else(|| malformed("missing Credential."))?;
        let scope = Scope::parse(credential).ok_or_else(|| {
            malformed("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        })?;
        let signed_headers = signed_headers.ok_or_else(|| malformed("missing SignedHeaders."))?;
        let signature = signature.ok_or_else(|| malformed("missing Signature."))?;
        let signed_at = request_time(head)?;
        Ok(Self {
            scope,
            signed_headers: SignedHeaders::new(signed_headers)
                .ok_or_else(|| malformed("it has too many SignedHeaders."))?,
            signature,
            signed_at,
            form: Form::Header,
        })
    }

    /// Reads the parameters of a presigned URL.
    pub(super) fn from_query(query: &'a Query) -> Result<Self, S3Error> {
        let required = |name| {
            query.get_nonempty(name).ok_or_else(|| {
                bad_query(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                     X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
                )
            })
        };
        if required("X-Amz-Algorithm")? != ALGORITHM {
            return Err(bad_query("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
        }
        let scope = Scope::parse(required("X-Amz-Credential")?).ok_or_else(|| {
            bad_query(
                "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
                 \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            )
        })?;
        let signed_at = Timestamp::parse_amz_date(required("X-Amz-Date")?)
            .ok_or_else(|| bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
        let signed_headers = SignedHeaders::new(required("X-Amz-SignedHeaders")?);
        Ok(Self {
            signed_headers: signed_headers.ok_or_else(|| bad_query("X-Amz-SignedHeaders has too many names."))?,
            signature: required("X-Amz-Signature")?,
            signed_at,
            form: Form::Query {
                expires_s: expires(required("X-Amz-Expires")?)?,
                content_sha256: query.get_nonempty("X-Amz-Content-Sha256"),
            },
            scope,
        })
    }

    /// Proves the claim; [`super::Credentials::verify`] says how it fails.
    pub(super) fn verify(
        &self,
        secret: &str,
        head: &RequestHead<'_>,
        now: Timestamp,
        signing_keys: &SigningKeyCache,
    ) -> Result<Verified, S3Error> {
        self.check_time(now)?;
        let moment = self.signed_at.to_amz_date();
        self.check_day(&moment)?;
        self.check_signed_headers(head)?;
        let claim = ContentSha256::of(head)?;
        let payload = self.payload_line(head, claim)?;
        let key = signing_keys.key(secret, &self.scope);
        self.check_signature(&key, head, &moment, payload)?;
        let signing = || ChunkSigning {
            key,
            seed_signature: self.signature.to_owned(),
            signed_at: self.signed_at,
            scope: self.scope.to_sign.to_owned(),
        };
        // A hash that only the query of a presigned URL names is a promise too.
        let claim = match (&self.form, claim) {
            (Form::Query { content_sha256: Some(text), .. }, ContentSha256::Absent) => ContentSha256::parse(text)?,
            (_, claim) => claim,
        };
        Ok(Verified { signature: Some(self.facts()), payload: PayloadMode::of(claim, head, || Some(signing()))? })
    }

    /// Proves the claim over a request and its body; [`super::Credentials::verify_with_body`] says how it fails.
    pub(super) fn verify_with_body(
        &self,
        secret: &str,
        head: &RequestHead<'_>,
        body: &[u8],
        now: Timestamp,
        signing_keys: &SigningKeyCache,
    ) -> Result<SignatureFacts, S3Error> {
        self.check_time(now)?;
        let moment = self.signed_at.to_amz_date();
        self.check_day(&moment)?;
        self.check_signed_headers(head)?;
        let payload: HexText<64> = HexText::lower(&Sha256::digest(body));
        self.check_signature(&signing_keys.key(secret, &self.scope), head, &moment, payload.as_str())?;
        Ok(self.facts())
    }

    fn facts(&self) -> SignatureFacts {
        SignatureFacts { version: SignatureVersion::V4, carrier: self.carrier(), signed_at: Some(self.signed_at) }
    }

    /// The `x-amz-*` parameters of a presigned URL that are no part of its signature, as headers.
    pub(super) fn hoisted_headers(&self, head: &RequestHead<'_>) -> Result<HeaderMap, S3Error> {
        let mut headers = HeaderMap::new();
        if self.carrier() == Carrier::Header {
            return Ok(headers);
        }
        for (name, value) in Query::parse(head.raw_query())?.iter() {
            let name = name.to_ascii_lowercase();
            if !name.starts_with("x-amz-") || SIGNATURE_PARAMETERS.contains(&name.as_str()) {
                continue;
            }
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes())
                && !head.headers().contains_key(&name)
            {
                headers.append(name, header_value(value.unwrap_or_default()));
            }
        }
        Ok(headers)
    }

    pub(super) fn carrier(&self) -> Carrier {
        match self.form {
            Form::Header => Carrier::Header,
            Form::Query { .. } => Carrier::Query,
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<(), S3Error> {
        let Form::Query { expires_s, .. } = self.form else { return check_skew(self.signed_at, now) };
        if self.signed_at.as_secs() > now.as_secs() + MAX_SKEW_S {
            return Err(S3Error::new(ErrorCode::AccessDenied)
                .with_message("Request is not yet valid")
                .with_field("ServerTime", now.to_iso8601()));
        }
        let until = self.signed_at.plus_secs(expires_s);
        if now.as_secs() >= until.as_secs() {
            return Err(expired(until, now).with_field("X-Amz-Expires", expires_s.to_string()));
        }
        Ok(())
    }

    /// 400 unless the scope is of the day of the signature.
    fn check_day(&self, moment: &str) -> Result<(), S3Error> {
        let day = &moment[..DAY_CHARS];
        if day == self.scope.day {
            return Ok(());
        }
        let message = format!(
            "Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{day}\".",
            self.scope.day
        );
        Err(match self.form {
            Form::Header => malformed(&message),
            Form::Query { .. } => bad_query(message),
        })
    }

    /// 403 unless the host and every `x-amz-*` header are signed. An unsigned one could change what a signed request
    /// means: a PUT with a copy source added is a copy.
    fn check_signed_headers(&self, head: &RequestHead<'_>) -> Result<(), S3Error> {
        let amz = head.headers().keys().filter(|name| name.as_str().starts_with("x-amz-") && *name != CONTENT_SHA256);
        let required = std::iter::once("host").chain(amz.map(HeaderName::as_str));
        let missing: Vec<&str> = required.filter(|name| !self.signed_headers.contain(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(S3Error::new(ErrorCode::AccessDenied)
            .with_message("There were headers present in the request which were not signed")
            .with_field("HeadersNotSigned", missing.join(", ")))
    }

    /// The last line of the canonical request.
    fn payload_line<'b>(&self, head: &RequestHead<'b>, claim: ContentSha256) -> Result<&'b str, S3Error>
    where
        'a: 'b,
    {
        let header = head.header(&CONTENT_SHA256).map(str::trim);
        match self.form {
            Form::Header if claim == ContentSha256::Absent => {
                Err(S3Error::invalid_request("Missing required header for this request: x-amz-content-sha256"))
            }
            Form::Header => Ok(header.unwrap_or_default()),
            Form::Query { content_sha256: Some(hash), .. } => Ok(hash),
            Form::Query { .. } => {
                let signed = self.signed_headers.contain(CONTENT_SHA256.as_str());
                Ok(header.filter(|_| signed).unwrap_or(UNSIGNED_PAYLOAD))
            }
        }
    }

    fn check_signature(
        &self,
        key: &SigningKey,
        head: &RequestHead<'_>,
        moment: &str,
        payload: &str,
    ) -> Result<(), S3Error> {
        for form in [QueryForm::Received, QueryForm::Reencoded] {
            let hash = request_hash(head, form, self.signed_headers, payload)?;
            let text = [ALGORITHM, moment, self.scope.to_sign, hash.as_str()].join("\n");
            if same_signature(key.sign(text.as_bytes()).as_str(), self.signature) {
                return Ok(());
            }
            // Without a query both forms are the same.
            if head.raw_query().is_none() {
                break;
            }
        }
        Err(S3Error::new(ErrorCode::SignatureDoesNotMatch)
            .with_field("AWSAccessKeyId", self.scope.access_key)
            .with_field("SignatureProvided", self.signature))
    }
}

/// Seconds for which a presigned URL is good; 0 is one that has expired.
fn expires(text: &str) -> Result<u64, S3Error> {
    let seconds: i64 = text.parse().map_err(|_| bad_query("X-Amz-Expires should be a number"))?;
    let seconds = u64::try_from(seconds).map_err(|_| bad_query("X-Amz-Expires must be non-negative"))?;
    if seconds > MAX_EXPIRES_S {
        return Err(bad_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ));
    }
    Ok(seconds)
}

fn malformed(what: &str) -> S3Error {
    S3Error::new(ErrorCode::AuthorizationHeaderMalformed)
        .with_message(format!("The authorization header is malformed; {what}"))
}

fn bad_query(what: impl Into<Cow<'static, str>>) -> S3Error {
    S3Error::new(ErrorCode::AuthorizationQueryParametersError).with_message(what)
}

#[cfg(test)]
mod tests;
