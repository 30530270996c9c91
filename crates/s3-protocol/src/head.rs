//! A request's head as it came in.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

/// A request before its body, with what the caller knows about its host.
///
/// Everything that checks signatures reads path and query from here, raw: the client signed those bytes.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// Method, URI and headers.
    pub parts: &'a Parts,
    /// The bucket that the `Host` names, where it names one (virtual-hosted style).
    pub host_bucket: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// The head with these parts, and the bucket out of the host name if there is one.
    pub fn new(parts: &'a Parts, host_bucket: Option<&'a str>) -> Self {
        Self { parts, host_bucket }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        &self.parts.method
    }

    /// The path as received, never decoded or normalised. `/` where there is none.
    pub fn raw_path(&self) -> &'a str {
        self.parts.uri.path()
    }

    /// The query as received, without its `?`.
    pub fn raw_query(&self) -> Option<&'a str> {
        self.parts.uri.query()
    }

    /// The headers.
    pub fn headers(&self) -> &'a HeaderMap {
        &self.parts.headers
    }

    /// The host that the client addressed: the `Host` header, or the `:authority` of HTTP/2.
    pub fn host(&self) -> Option<&'a str> {
        match self.parts.headers.get(http::header::HOST) {
            Some(value) => value.to_str().ok(),
            None => self.parts.uri.authority().map(http::uri::Authority::as_str),
        }
    }

    /// The first value of a header, where it is visible ASCII.
    pub fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}
