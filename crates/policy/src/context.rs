//! The request, as conditions see it.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use types::Timestamp;

/// What a request says in words. Conditions ask by name, and only where a policy has them, so that a request without
/// policies reads no header for this.
pub trait RequestText: Sync {
    /// The header with this lower-case name, the first where there are several. A form's field counts as its header.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The query parameter with this name, decoded.
    fn query(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// How a request is signed (condition key `s3:signatureversion`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SignatureVersion {
    /// `AWS`: Signature Version 2.
    V2,
    /// `AWS4-HMAC-SHA256`: Signature Version 4.
    V4,
}

/// Where a request carries its signature (condition key `s3:authType`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AuthType {
    /// `REST-HEADER`: the Authorization header.
    Header,
    /// `REST-QUERY-STRING`: a presigned URL.
    Query,
    /// `POST`: a form.
    Form,
}

/// The signature of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature {
    /// How it is made.
    pub version: SignatureVersion,
    /// Where it stands.
    pub auth_type: AuthType,
    /// When it was made.
    pub signed_at: Timestamp,
}

/// What is known of a request. What is `None` is absent to the conditions that ask for it.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// The present moment.
    pub now: Option<Timestamp>,
    /// Where the request comes from, behind trusted proxies.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure_transport: Option<bool>,
    /// Its signature, unless it is anonymous.
    pub signature: Option<Signature>,
    /// When the temporary credentials that signed it were given out.
    pub token_issued_at: Option<Timestamp>,
    /// Its headers and its query.
    pub text: Option<&'a dyn RequestText>,
}

/// The context of a decision about no request.
pub(crate) static NOTHING_KNOWN: Context<'static> = Context::NOTHING;

impl Context<'_> {
    /// Nothing is known: every condition key of the request is absent.
    pub const NOTHING: Self =
        Self { now: None, source_ip: None, secure_transport: None, signature: None, token_issued_at: None, text: None };

    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.text.and_then(|text| text.header(name))
    }

    pub(crate) fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.text.and_then(|text| text.query(name))
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("source_ip", &self.source_ip)
            .field("secure_transport", &self.secure_transport)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}
