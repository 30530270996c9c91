//! Which operation a request asks for.
//!
//! `table` is the closed list: method, resource, sub-resource. The rules for what is not in it, so that a request
//! never falls through to the operation of the bare resource:
//!
//! - A *sub-resource* (a parameter that selects an operation, such as `acl`) with a method that it does not have is
//!   405; on a resource of another kind it is 400, in the words of AWS.
//! - Two sub-resources at once are 400.
//! - An *ordinary* parameter (`table::is_ordinary`: `prefix`, `versionId`, `response-*`, `X-Amz-*` …) never selects.
//! - Any other parameter **without a value** looks like a sub-resource that we do not know, and is 501.
//! - Any other parameter **with a value** is ignored, as AWS does.

mod table;

pub use table::Operation;
pub(crate) use table::is_sub_resource;

use std::borrow::Cow;

use http::{HeaderName, Method};
use types::{BucketName, ObjectKey};

use crate::{ErrorCode, Query, RequestHead, S3Error, percent};
use table::{Entry, TABLE, When};

const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");

/// What a path names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resource {
    /// `/`.
    Service,
    /// A bucket. Its name is legal for use, not necessarily for creation.
    Bucket(BucketName),
    /// An object.
    Object(BucketName, ObjectKey),
}

/// The kind of a [`Resource`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResourceKind {
    /// `/`.
    Service,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
}

/// A request's operation, what it is about, and its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// What it is about.
    pub resource: Resource,
    /// All parameters, decoded.
    pub query: Query,
}

/// Finds the operation of a request.
///
/// # Errors
/// `InvalidURI`, `InvalidBucketName`, `KeyTooLongError` for a path that names nothing; `MethodNotAllowed`,
/// `InvalidRequest`, `InvalidArgument` and `NotImplemented` by the rules of this module.
pub fn route(head: &RequestHead<'_>) -> Result<Route, S3Error> {
    let resource = Resource::parse(head)?;
    let query = Query::parse(head.raw_query())?;
    let operation = operation(head, resource.kind(), &query)?;
    Ok(Route { operation, resource, query })
}

impl Route {
    /// The bucket, where there is one.
    pub fn bucket(&self) -> Option<&BucketName> {
        self.resource.bucket()
    }

    /// The key, where there is one.
    pub fn key(&self) -> Option<&ObjectKey> {
        self.resource.key()
    }
}

impl Resource {
    /// Reads the resource from the raw path, and the bucket from the host where that names one. The path is
    /// percent-decoded, once, and nothing is normalised: `a//b`, `..` and a trailing `/` are parts of a key.
    ///
    /// # Errors
    /// `InvalidURI` where the path is not UTF-8, `InvalidBucketName`, `KeyTooLongError`.
    pub fn parse(head: &RequestHead<'_>) -> Result<Self, S3Error> {
        let path = head.raw_path();
        // OPTIONS * asks about the server.
        let path = if path == "*" { "" } else { path.strip_prefix('/').unwrap_or(path) };
        let (bucket, key) = match head.host_bucket {
            Some(bucket) => (Cow::Borrowed(bucket), path),
            None if path.is_empty() => return Ok(Self::Service),
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (decode_path(bucket)?, key)
            }
        };
        let bucket = BucketName::new(&bucket)
            .map_err(|_| S3Error::new(ErrorCode::InvalidBucketName).with_field("BucketName", &*bucket))?;
        if key.is_empty() {
            return Ok(Self::Bucket(bucket));
        }
        Ok(Self::Object(bucket, object_key(&decode_path(key)?)?))
    }

    /// Its kind.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::Service => ResourceKind::Service,
            Self::Bucket(_) => ResourceKind::Bucket,
            Self::Object(..) => ResourceKind::Object,
        }
    }

    /// The bucket, where there is one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Service => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }

    /// The key, where there is one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Object(_, key) => Some(key),
            Self::Service | Self::Bucket(_) => None,
        }
    }
}

/// The key with this text.
///
/// # Errors
/// `KeyTooLongError` above 1024 bytes, `InvalidRequest` for no key at all.
pub(crate) fn object_key(text: &str) -> Result<ObjectKey, S3Error> {
    ObjectKey::new(text).map_err(|_| {
        if text.is_empty() {
            return S3Error::invalid_request("A key must be specified.");
        }
        S3Error::new(ErrorCode::KeyTooLongError)
            .with_field("Size", text.len().to_string())
            .with_field("MaxSizeAllowed", ObjectKey::MAX_BYTES.to_string())
    })
}

fn decode_path(raw: &str) -> Result<Cow<'_, str>, S3Error> {
    percent::decode(raw).ok_or_else(|| S3Error::new(ErrorCode::InvalidURI))
}

fn operation(head: &RequestHead<'_>, kind: ResourceKind, query: &Query) -> Result<Operation, S3Error> {
    let method = head.method();
    if *method == Method::OPTIONS {
        return Ok(Operation::PreflightRequest);
    }
    let sub_resource = sub_resource(query)?;
    let of_resource = |entry: &&Entry| entry.kind == kind && entry.sub_resource == sub_resource;
    let found =
        TABLE.iter().filter(of_resource).find(|entry| *method == entry.method && applies(entry.when, head, query));
    if let Some(entry) = found {
        return Ok(entry.operation);
    }
    let allowed: Vec<&Method> = TABLE.iter().filter(of_resource).map(|entry| &entry.method).collect();
    Err(refusal(method, kind, sub_resource, allowed))
}

/// The one sub-resource of a query, or none.
fn sub_resource(query: &Query) -> Result<Option<&'static str>, S3Error> {
    let mut found: Option<&'static str> = None;
    for (name, value) in query.iter() {
        match table::sub_resource(name) {
            Some(sub_resource) => {
                if let Some(other) = found.filter(|other| *other != sub_resource) {
                    let message = format!("Conflicting query string parameters: {other}, {sub_resource}");
                    return Err(S3Error::invalid_argument("ResourceType", other, message));
                }
                found = Some(sub_resource);
            }
            None if value.is_none() && !table::is_ordinary(name) => return Err(S3Error::not_implemented(name)),
            None => {}
        }
    }
    Ok(found)
}

fn applies(when: When, head: &RequestHead<'_>, query: &Query) -> bool {
    match when {
        When::Always => true,
        When::Parameter(name) => query.has(name),
        When::NoParameter(name) => !query.has(name),
        When::Value(name, value) => query.get(name) == Some(value),
        When::Header(name) => head.headers().contains_key(name),
        When::CopyWhole => !query.has("partNumber") && head.headers().contains_key(COPY_SOURCE),
        When::PartCopy => query.has("partNumber") && head.headers().contains_key(COPY_SOURCE),
        When::Form => {
            let content_type = head.header(&http::header::CONTENT_TYPE).unwrap_or_default();
            content_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
        }
    }
}

/// Why nothing in the table fits. `allowed` are the methods that the sub-resource has on this kind of resource.
fn refusal(method: &Method, kind: ResourceKind, sub_resource: Option<&str>, mut allowed: Vec<&Method>) -> S3Error {
    allowed.dedup();
    match (kind, sub_resource) {
        (ResourceKind::Object, Some(name)) if allowed.is_empty() => {
            S3Error::invalid_request(format!("There is no such thing as the ?{name} sub-resource for a key"))
        }
        (ResourceKind::Bucket, Some(_)) if allowed.is_empty() => S3Error::invalid_request("A key must be specified"),
        (ResourceKind::Bucket, None) if *method == Method::POST => {
            S3Error::precondition_failed("Bucket POST must be of the enclosure-type multipart/form-data")
        }
        // The method is there, so a parameter that the operation needs is not.
        (ResourceKind::Object, Some("uploadId")) if *method == Method::PUT => {
            S3Error::invalid_argument("partNumber", "", "A part upload needs both uploadId and partNumber.")
        }
        (ResourceKind::Object, None) if *method == Method::PUT => {
            S3Error::invalid_argument("uploadId", "", "A part upload needs both uploadId and partNumber.")
        }
        (_, Some(name)) if allowed.contains(&method) => {
            S3Error::invalid_argument(name, "", "The request lacks a parameter that this sub-resource needs.")
        }
        (_, Some(name)) => S3Error::method_not_allowed(method, &name.to_ascii_uppercase(), &allowed),
        (ResourceKind::Service, None) => S3Error::method_not_allowed(method, "SERVICE", &allowed),
        (ResourceKind::Bucket, None) => S3Error::method_not_allowed(method, "BUCKET", &allowed),
        (ResourceKind::Object, None) => S3Error::method_not_allowed(method, "OBJECT", &allowed),
    }
}

#[cfg(test)]
mod tests;
