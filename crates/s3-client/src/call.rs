//! One request, before it is signed.

use bytes::Bytes;
use http::Method;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};

use crate::ClientError;

/// A body that is sent.
pub type SendBody = BoxBody<Bytes, ClientError>;

/// A body of these bytes.
pub fn whole(bytes: impl Into<Bytes>) -> SendBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// A request to an endpoint.
#[derive(Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: SendBody,
    pub(crate) length: u64,
}

impl Call {
    /// A request for a bucket, or for the service where `bucket` is empty.
    pub fn bucket(method: Method, bucket: &str) -> Self {
        Self::object(method, bucket, "")
    }

    /// A request for an object.
    pub fn object(method: Method, bucket: &str, key: &str) -> Self {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        Self { method, bucket, key, query: Vec::new(), headers: Vec::new(), body: whole(Bytes::new()), length: 0 }
    }

    /// With a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With a header. Those that begin with `x-amz-` are signed.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// With a body of `length` bytes.
    #[must_use]
    pub fn body(self, body: SendBody, length: u64) -> Self {
        Self { body, length, ..self }
    }

    /// With a document.
    #[must_use]
    pub fn document(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        self.body(whole(bytes), length)
    }

    /// What it is, for messages.
    pub(crate) fn name(&self) -> String {
        let query = self.query.first().map(|(name, _)| format!("?{name}")).unwrap_or_default();
        match (self.bucket.as_str(), self.key.as_str()) {
            ("", _) => format!("{} /{query}", self.method),
            (bucket, "") => format!("{} /{bucket}{query}", self.method),
            (bucket, key) => format!("{} /{bucket}/{key}{query}", self.method),
        }
    }
}
