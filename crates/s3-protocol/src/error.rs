//! Errors, as the client sees them.
//!
//! [`ErrorCode`] is the closed list of codes with their HTTP status and the usual words (S3 API reference, "Error
//! responses"). [`S3Error`] is one such error with what belongs to this occurrence: its own words, more XML elements,
//! response headers.

mod codes;

pub use codes::ErrorCode;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::xml::XmlWriter;

/// An error response: a code, and what is particular to this occurrence.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Error {
    code: ErrorCode,
    detail: Option<Box<Detail>>,
}

/// Boxed, so that a `Result` of a small value stays small.
#[derive(Clone, PartialEq, Eq, Default)]
struct Detail {
    message: Option<Cow<'static, str>>,
    fields: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl S3Error {
    /// The error with its usual words.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, detail: None }
    }

    /// With other words.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.detail_mut().message = Some(message.into());
        self
    }

    /// With one more XML element, after `Message`.
    #[must_use]
    pub fn with_field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.detail_mut().fields.push((name, value.into()));
        self
    }

    /// With one more response header. A value that can not stand in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.detail_mut().headers.push((name, value));
        }
        self
    }

    /// 404 `NoSuchBucket`, naming it.
    pub fn no_such_bucket(bucket: &str) -> Self {
        Self::new(ErrorCode::NoSuchBucket).with_field("BucketName", bucket)
    }

    /// 404 `NoSuchKey`, naming it.
    pub fn no_such_key(key: &str) -> Self {
        Self::new(ErrorCode::NoSuchKey).with_field("Key", key)
    }

    /// 404 `NoSuchVersion`, naming key and version.
    pub fn no_such_version(key: &str, version: &str) -> Self {
        Self::new(ErrorCode::NoSuchVersion).with_field("Key", key).with_field("VersionId", version)
    }

    /// 404 `NoSuchUpload`, naming the upload.
    pub fn no_such_upload(upload: &str) -> Self {
        Self::new(ErrorCode::NoSuchUpload).with_field("UploadId", upload)
    }

    /// 400 `InvalidArgument`, naming the argument and its value.
    pub fn invalid_argument(name: &str, value: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidArgument)
            .with_message(message)
            .with_field("ArgumentName", name)
            .with_field("ArgumentValue", value)
    }

    /// 400 `InvalidRequest` with these words.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest).with_message(message)
    }

    /// 412 `PreconditionFailed`, naming the condition, as in `If-Match`.
    pub fn precondition_failed(condition: &str) -> Self {
        Self::new(ErrorCode::PreconditionFailed).with_field("Condition", condition)
    }

    /// 416 `InvalidRange` for an object of `size` bytes, with `Content-Range: bytes */size`.
    pub fn invalid_range(requested: &str, size: u64) -> Self {
        Self::new(ErrorCode::InvalidRange)
            .with_field("RangeRequested", requested)
            .with_field("ActualObjectSize", size.to_string())
            .with_header(CONTENT_RANGE, &format!("bytes */{size}"))
    }

    /// 405 `MethodNotAllowed`, with an `Allow` header that lists `allowed`.
    pub fn method_not_allowed(method: &Method, resource_type: &str, allowed: &[&Method]) -> Self {
        let allowed: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
        Self::new(ErrorCode::MethodNotAllowed)
            .with_field("Method", method.as_str())
            .with_field("ResourceType", resource_type)
            .with_header(ALLOW, &allowed.join(", "))
    }

    /// 501 `NotImplemented`, naming the header or parameter that asks for it.
    pub fn not_implemented(what: &str) -> Self {
        Self::new(ErrorCode::NotImplemented)
            .with_message("A header or query parameter you provided implies functionality that is not implemented.")
            .with_field("Header", what)
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The words.
    pub fn message(&self) -> &str {
        match self.detail.as_deref() {
            Some(Detail { message: Some(message), .. }) => message,
            _ => self.code.message(),
        }
    }

    /// The value of an additional XML element.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.detail.as_deref()?.fields.iter().find(|(field, _)| *field == name)?;
        Some(value)
    }

    /// The headers that belong to the response.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        self.detail.as_deref().map_or(&[], |detail| &detail.headers)
    }

    /// The XML body: `Code`, `Message`, the additional elements, `Resource`, `RequestId`, `HostId`.
    pub fn to_xml(&self, resource: &str, request_id: &str, host_id: &str) -> String {
        let mut xml = XmlWriter::new();
        xml.plain_root("Error", |xml| {
            xml.text("Code", self.code.as_str());
            xml.text("Message", self.message());
            for (name, value) in self.detail.iter().flat_map(|detail| &detail.fields) {
                xml.text(name, value);
            }
            xml.text("Resource", resource);
            xml.text("RequestId", request_id);
            xml.text("HostId", host_id);
        });
        xml.finish()
    }

    /// The whole response to a request with this method. There is no body for HEAD and for 204 and 304. The headers
    /// with the request's ids are the caller's to add, as it does for every response.
    pub fn to_response(&self, method: &Method, resource: &str, request_id: &str, host_id: &str) -> Response<Bytes> {
        let bodyless =
            *method == Method::HEAD || matches!(self.status(), StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT);
        let body = if bodyless { String::new() } else { self.to_xml(resource, request_id, host_id) };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        for (name, value) in self.headers() {
            response.headers_mut().append(name, value.clone());
        }
        if !bodyless {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        response
    }

    fn detail_mut(&mut self) -> &mut Detail {
        self.detail.get_or_insert_default()
    }
}

impl From<ErrorCode> for S3Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message())
    }
}

impl fmt::Debug for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Error({self}")?;
        for (name, value) in self.detail.iter().flat_map(|detail| &detail.fields) {
            write!(f, ", {name}={value:?}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for S3Error {}

#[cfg(test)]
mod tests;
