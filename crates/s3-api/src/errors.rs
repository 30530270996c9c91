//! How what went wrong in the store is told to a client: the one place where [`ObjectError`] becomes [`S3Error`].
//!
//! A failure of the store itself is logged here, once, with the request's id; the client gets that id and no more.

use http::HeaderName;
use http::header::{ALLOW, ETAG, LAST_MODIFIED};
use objects::{ObjectError, PayloadError};
use s3_protocol::{ErrorCode, S3Error};
use storage::StorageError;
use types::{BucketName, ObjectKey, UploadId, VersionId};

use crate::observe;

/// `x-amz-version-id`.
pub(crate) const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");
/// `x-amz-delete-marker`.
pub(crate) const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");

/// What an error is about, as far as its response names it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// The request's id, for the log.
    pub(crate) request_id: &'a str,
    /// The bucket.
    pub(crate) bucket: Option<&'a BucketName>,
    /// The key.
    pub(crate) key: Option<&'a ObjectKey>,
    /// The version that was named.
    pub(crate) version: Option<VersionId>,
    /// The upload that was named.
    pub(crate) upload: Option<UploadId>,
    /// The `Range` header.
    pub(crate) range: Option<&'a str>,
}

/// The error of an operation, as the client sees it.
pub(crate) fn object_error(error: ObjectError, about: About<'_>) -> S3Error {
    let key = about.key.map_or("", ObjectKey::as_str);
    match error {
        ObjectError::NoSuchBucket => no_such_bucket(about.bucket),
        ObjectError::BucketAlreadyExists { .. } => S3Error::new(ErrorCode::BucketAlreadyExists),
        ObjectError::BucketAlreadyOwnedByYou => S3Error::new(ErrorCode::BucketAlreadyOwnedByYou),
        ObjectError::BucketNotEmpty => S3Error::new(ErrorCode::BucketNotEmpty),
        ObjectError::TooManyBuckets => S3Error::new(ErrorCode::TooManyBuckets),
        ObjectError::InvalidBucketAclWithObjectOwnership => {
            S3Error::new(ErrorCode::InvalidBucketAclWithObjectOwnership)
        }
        ObjectError::AccessControlListNotSupported => S3Error::new(ErrorCode::AccessControlListNotSupported),
        ObjectError::PublicAccessBlocked(by) => S3Error::new(ErrorCode::AccessDenied)
            .with_message(format!("Access Denied: the bucket's public access block refuses public {by}.")),
        ObjectError::AccessDenied => S3Error::new(ErrorCode::AccessDenied),
        ObjectError::NoSuchKey => S3Error::no_such_key(key),
        ObjectError::DeleteMarker { version } => delete_marker(S3Error::no_such_key(key), version),
        ObjectError::NoSuchVersion => S3Error::no_such_version(key, &text(about.version)),
        ObjectError::MethodNotAllowedOnDeleteMarker { version, last_modified } => {
            delete_marker(S3Error::new(ErrorCode::MethodNotAllowed), version)
                .with_header(ALLOW, "DELETE")
                .with_header(LAST_MODIFIED, &last_modified.to_http_date())
                .with_field("ResourceType", "DeleteMarker")
        }
        ObjectError::NoSuchUpload => S3Error::no_such_upload(&text(about.upload)),
        ObjectError::InvalidPart => S3Error::new(ErrorCode::InvalidPart),
        ObjectError::InvalidPartOrder => S3Error::new(ErrorCode::InvalidPartOrder),
        ObjectError::InvalidPartNumber => S3Error::new(ErrorCode::InvalidPartNumber),
        ObjectError::EntityTooSmall { number, size, etag } => S3Error::new(ErrorCode::EntityTooSmall)
            .with_field("ProposedSize", size.to_string())
            .with_field("MinSizeAllowed", objects::multipart::MIN_PART_BYTES.to_string())
            .with_field("PartNumber", number.to_string())
            .with_field("ETag", etag.to_string()),
        ObjectError::QuotaExceeded(exceeded) => {
            S3Error::new(ErrorCode::QuotaExceeded).with_message(exceeded.to_string())
        }
        ObjectError::EntityTooLarge => too_large(),
        ObjectError::InvalidRange(outside) => S3Error::invalid_range(about.range.unwrap_or_default(), outside.size),
        ObjectError::PreconditionFailed { condition } => S3Error::precondition_failed(condition),
        ObjectError::NotModified { etag, last_modified, version } => {
            let error = S3Error::new(ErrorCode::NotModified)
                .with_header(ETAG, &etag.quoted())
                .with_header(LAST_MODIFIED, &last_modified.to_http_date());
            match version {
                Some(version) => error.with_header(VERSION_ID, &version.to_string()),
                None => error,
            }
        }
        ObjectError::ConditionalRequestConflict => S3Error::new(ErrorCode::ConditionalRequestConflict),
        ObjectError::BadDigest { expected, computed } => S3Error::new(ErrorCode::BadDigest)
            .with_field("ExpectedDigest", hex::encode(expected))
            .with_field("CalculatedDigest", hex::encode(computed)),
        ObjectError::BadChecksum { algorithm } => S3Error::new(ErrorCode::BadDigest)
            .with_message(format!("The {} you specified did not match the calculated checksum.", algorithm.name())),
        ObjectError::InvalidRequest(message) => S3Error::invalid_request(message),
        ObjectError::InvalidArgument(message) => S3Error::new(ErrorCode::InvalidArgument).with_message(message),
        ObjectError::Payload(error) => payload_error(error, about),
        ObjectError::Storage(error) => storage_error(&error, about),
        ObjectError::Contention => S3Error::new(ErrorCode::SlowDown),
    }
}

/// 404 `NoSuchBucket`, naming it.
pub(crate) fn no_such_bucket(bucket: Option<&BucketName>) -> S3Error {
    S3Error::no_such_bucket(bucket.map_or("", BucketName::as_str))
}

/// 404 `NoSuchBucketPolicy`, naming the bucket.
pub(crate) fn no_bucket_policy(bucket: Option<&BucketName>) -> S3Error {
    S3Error::new(ErrorCode::NoSuchBucketPolicy).with_field("BucketName", bucket.map_or("", BucketName::as_str))
}

/// What a single PUT or part above its limit is answered.
pub(crate) fn too_large() -> S3Error {
    S3Error::new(ErrorCode::EntityTooLarge).with_field("MaxSizeAllowed", objects::multipart::MAX_PART_BYTES.to_string())
}

/// A failure of the store: logged with what it was, told without.
pub(crate) fn internal(error: &dyn std::error::Error, request_id: &str) -> S3Error {
    tracing::error!(request_id, %error, "a request failed inside the store");
    S3Error::new(ErrorCode::InternalError)
}

fn delete_marker(error: S3Error, version: VersionId) -> S3Error {
    error.with_header(DELETE_MARKER, "true").with_header(VERSION_ID, &version.to_string())
}

/// The protocol layer reads the payload, so its error comes back here untouched.
fn payload_error(PayloadError(error): PayloadError, about: About<'_>) -> S3Error {
    match error.downcast::<S3Error>() {
        Ok(error) => *error,
        Err(error) => internal(&*error, about.request_id),
    }
}

fn storage_error(error: &StorageError, about: About<'_>) -> S3Error {
    match error {
        // Clients try a 5xx again and again; more room does not come from that.
        StorageError::Full => S3Error::new(ErrorCode::QuotaExceeded)
            .with_message("The store is full. Reads and deletes go on; writes work again when there is room."),
        StorageError::ReadOnly(_) => {
            tracing::error!(request_id = about.request_id, %error, "a write was refused");
            S3Error::new(ErrorCode::ServiceUnavailable).with_message("The store takes no writes at present.")
        }
        StorageError::Closed(_) => no_such_bucket(about.bucket),
        StorageError::Damaged(_) => {
            metrics::counter!(observe::DAMAGED_READS).increment(1);
            internal(error, about.request_id)
        }
        StorageError::NoSuchBlob(_) | StorageError::Bounds(_) | StorageError::Io(_) => {
            internal(error, about.request_id)
        }
    }
}

fn text(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
