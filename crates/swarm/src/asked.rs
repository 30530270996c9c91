//! A request, taken apart.

use axum::body::to_bytes;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use crate::Client;
use crate::error::SwarmError;

/// The most bytes of a body: a policy document and room.
const BODY_BYTES: usize = 64 * 1024;
/// The most parts of a path: the longest that means something has ten.
const SEGMENTS: usize = 16;

/// A request.
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The parts of the path, decoded, without empty ones: a slash at the end says nothing.
    pub(crate) path: Vec<String>,
    pub(crate) headers: HeaderMap,
    /// The host that HTTP/2 names outside the headers.
    authority: Option<String>,
    pub(crate) client: Client,
    pub(crate) body: Bytes,
    query: Vec<(String, String)>,
}

impl Asked {
    /// Reads a request, with its body.
    pub(crate) async fn of(request: Request) -> Result<Self, SwarmError> {
        let (parts, body) = request.into_parts();
        let client = parts.extensions.get::<Client>().copied();
        let client = client.unwrap_or(Client { address: std::net::Ipv4Addr::UNSPECIFIED.into(), tls: true });
        let segments = parts.uri.path().split('/').filter(|part| !part.is_empty());
        let decode = |part: &str| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
        let path = segments.take(SEGMENTS + 1).map(decode).collect::<Result<Vec<_>, _>>();
        let path = path.map_err(|_| SwarmError::invalid("the path is no UTF-8"))?;
        if path.len() > SEGMENTS {
            return Err(SwarmError::NotFound("there is nothing at so long a path".to_owned()));
        }
        let query = serde_html_form::from_str(parts.uri.query().unwrap_or_default());
        let query = query.map_err(|_| SwarmError::invalid("the query can not be read"))?;
        let authority = parts.uri.authority().map(ToString::to_string);
        let body = to_bytes(body, BODY_BYTES).await;
        let body = body.map_err(|_| SwarmError::invalid(&format!("a body has at most {BODY_BYTES} bytes")))?;
        Ok(Self { method: parts.method, path, headers: parts.headers, authority, client, body, query })
    }

    /// Whether it changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// A header, as text: UTF-8, or the Latin-1 that HTTP libraries make of other characters. `None` where it is empty.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.as_bytes();
        let text = match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().copied().map(char::from).collect(),
        };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The host that the client addressed.
    pub(crate) fn host(&self) -> Option<&str> {
        let header = self.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        header.or(self.authority.as_deref())
    }

    /// Refuses a change that a page of another site asks for: a browser sends cookies and remembered passwords with it,
    /// but says from where it comes (Fetch Metadata Request Headers, section 2.3).
    pub(crate) fn check_site(&self) -> Result<(), SwarmError> {
        let site = self.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
        match site {
            Some(site) if !self.is_read() && !matches!(site, b"same-origin" | b"none") => {
                Err(SwarmError::Forbidden("a page of another site may not ask for this".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
