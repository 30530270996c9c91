//! One request on its way through an operation.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::RANGE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use objects::{Bucket, ObjectError};
use policy::Principal;
use s3_protocol::auth::{PayloadMode, SignatureFacts};
use s3_protocol::body::Payload;
use s3_protocol::headers::{CopySource, header_value};
use s3_protocol::{Query, RequestHead, Route, S3Error, percent};
use types::{BucketName, ObjectKey, TenancyName, Timestamp, UploadId, VersionId};

use crate::body::Content;
use crate::errors::{self, About};
use crate::observe::Record;
use crate::request_body::RequestBody;
use crate::service::{ConnectionInfo, S3Service};

/// A request whose sender is known. Nothing of its body has been read, but for the fields of a form, which name the
/// sender.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a S3Service,
    pub(crate) head: RequestHead<'a>,
    pub(crate) route: &'a Route,
    pub(crate) record: &'a mut Record,
    pub(crate) principal: Arc<Principal>,
    /// How the request was signed; `None` for an anonymous one.
    pub(crate) signature: Option<SignatureFacts>,
    /// When the temporary credentials that signed it were given out; `None` where it was signed with a key or not at all.
    pub(crate) token_issued_at: Option<Timestamp>,
    pub(crate) payload_mode: &'a PayloadMode,
    pub(crate) connection: ConnectionInfo,
    /// The fields of a form that stand for headers.
    pub(crate) fields: Option<HeaderMap>,
    pub(crate) body: &'a RequestBody,
}

impl<'a> Call<'a> {
    /// The tenancy that the request is for.
    pub(crate) fn tenancy(&self) -> &TenancyName {
        &self.principal.tenancy
    }

    /// The id that the client sees.
    pub(crate) fn request_id(&self) -> &str {
        self.record.request_id.as_str()
    }

    pub(crate) fn headers(&self) -> &'a HeaderMap {
        self.head.headers()
    }

    /// The first value of a header, where it is visible ASCII.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.head.header(name)
    }

    pub(crate) fn query(&self) -> &'a Query {
        &self.route.query
    }

    /// The bucket that the request names. Routing gives no operation on a bucket to a request without one.
    pub(crate) fn bucket_name(&self) -> Result<&'a BucketName, S3Error> {
        self.route.bucket().ok_or_else(|| S3Error::invalid_request("A bucket must be specified."))
    }

    /// The key that the request names.
    pub(crate) fn key(&self) -> Result<&'a ObjectKey, S3Error> {
        self.route.key().ok_or_else(|| S3Error::invalid_request("A key must be specified."))
    }

    /// The content of the request. To be asked for after authorization only: reading it tells the client to send it.
    ///
    /// # Errors
    /// As [`Payload::new`].
    pub(crate) fn payload(&self) -> Result<Payload, S3Error> {
        Payload::new(self.body.handle(), &self.head, self.payload_mode, self.service.config.stall)
    }

    /// The region of a bucket: the constraint that it was made with, else that of the installation.
    pub(crate) fn region_of<'b>(&'b self, bucket: &'b Bucket) -> &'b str {
        bucket.location.as_deref().unwrap_or(&self.service.config.region)
    }

    /// The URL of an object, as the client addresses this store.
    pub(crate) fn url_of(&self, bucket: &BucketName, key: &ObjectKey) -> String {
        let key = percent::encode_path(key.as_str());
        let scheme = if self.connection.tls { "https" } else { "http" };
        let host = self.head.host().unwrap_or_default();
        match self.head.host_bucket {
            Some(_) => format!("{scheme}://{host}/{key}"),
            None => format!("{scheme}://{host}/{}/{key}", percent::encode_path(bucket.as_str())),
        }
    }

    /// An error of the store, told to this request's client.
    pub(crate) fn error(&self, error: ObjectError) -> S3Error {
        errors::object_error(error, self.about())
    }

    /// An error about a version of the request's key.
    pub(crate) fn version_error(&self, error: ObjectError, version: Option<VersionId>) -> S3Error {
        errors::object_error(error, About { version, ..self.about() })
    }

    /// An error about an upload.
    pub(crate) fn upload_error(&self, error: ObjectError, upload: UploadId) -> S3Error {
        errors::object_error(error, About { upload: Some(upload), ..self.about() })
    }

    /// An error of a copy, which names its source.
    pub(crate) fn copy_error(&self, error: ObjectError, source: &CopySource) -> S3Error {
        let (bucket, key, version) = (Some(&source.bucket), Some(&source.key), source.version);
        errors::object_error(error, About { bucket, key, version, ..self.about() })
    }

    fn about(&self) -> About<'_> {
        About {
            request_id: self.request_id(),
            bucket: self.route.bucket(),
            key: self.route.key(),
            version: None,
            upload: None,
            range: self.header(&RANGE),
        }
    }
}

/// More headers than most responses have, so that their map never grows.
const USUAL_HEADERS: usize = 12;

/// What an operation answers.
pub(crate) type Outcome = Result<Reply, S3Error>;

/// A response of which only the headers that all have in common are missing.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

impl Reply {
    /// 200 without a body.
    pub(crate) fn ok() -> Self {
        Self::empty(StatusCode::OK)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// Another status, without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::with_capacity(USUAL_HEADERS), content: Content::Empty }
    }

    /// 200 with an XML document.
    pub(crate) fn xml(document: impl Into<Content>) -> Self {
        let mut reply = Self { content: document.into(), ..Self::ok() };
        reply.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        reply
    }

    /// With one more header. What no header can hold goes out encoded.
    #[must_use]
    pub(crate) fn with<'a>(mut self, name: HeaderName, value: impl Into<Cow<'a, str>>) -> Self {
        self.headers.insert(name, header_value(value));
        self
    }

    /// With `x-amz-version-id`, where there is a version to tell.
    #[must_use]
    pub(crate) fn with_version(self, version: Option<VersionId>) -> Self {
        match version {
            Some(version) => self.with(errors::VERSION_ID, version.to_string()),
            None => self,
        }
    }
}
