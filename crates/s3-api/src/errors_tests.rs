use types::{ETag, RangeError, Timestamp};

use super::*;

fn told(error: ObjectError) -> S3Error {
    let key = ObjectKey::new("a/key").expect("a key");
    object_error(error, About { request_id: "1", key: Some(&key), range: Some("bytes=9-"), ..About::default() })
}

/// Code and status of every error, from the S3 API reference, "Error responses".
#[test]
fn each_error_has_the_code_and_status_of_the_reference() {
    let etag = ETag::whole([1; 16]);
    let (version, last_modified) = (VersionId::Null, Timestamp::from_secs(1));
    let storage = |error| ObjectError::Storage(error);
    for (error, code, status) in [
        (ObjectError::NoSuchBucket, "NoSuchBucket", 404),
        (ObjectError::BucketAlreadyOwnedByYou, "BucketAlreadyOwnedByYou", 409),
        (ObjectError::BucketNotEmpty, "BucketNotEmpty", 409),
        (ObjectError::TooManyBuckets, "TooManyBuckets", 400),
        (ObjectError::NoSuchKey, "NoSuchKey", 404),
        (ObjectError::DeleteMarker { version }, "NoSuchKey", 404),
        (ObjectError::NoSuchVersion, "NoSuchVersion", 404),
        (ObjectError::MethodNotAllowedOnDeleteMarker { version, last_modified }, "MethodNotAllowed", 405),
        (ObjectError::NoSuchUpload, "NoSuchUpload", 404),
        (ObjectError::InvalidPart, "InvalidPart", 400),
        (ObjectError::InvalidPartOrder, "InvalidPartOrder", 400),
        (ObjectError::InvalidPartNumber, "InvalidPartNumber", 416),
        (ObjectError::EntityTooSmall { number: 1, size: 2, etag }, "EntityTooSmall", 400),
        (ObjectError::EntityTooLarge, "EntityTooLarge", 400),
        (ObjectError::InvalidRange(RangeError { size: 3 }), "InvalidRange", 416),
        (ObjectError::AccessDenied, "AccessDenied", 403),
        (ObjectError::PreconditionFailed { condition: "If-Match" }, "PreconditionFailed", 412),
        (ObjectError::NotModified { etag, last_modified, version: None }, "NotModified", 304),
        (ObjectError::ConditionalRequestConflict, "ConditionalRequestConflict", 409),
        (ObjectError::BadDigest { expected: [0; 16], computed: [1; 16] }, "BadDigest", 400),
        (ObjectError::InvalidRequest(String::new()), "InvalidRequest", 400),
        (ObjectError::InvalidArgument(String::new()), "InvalidArgument", 400),
        (ObjectError::Contention, "SlowDown", 503),
        (storage(StorageError::Full), "QuotaExceeded", 403),
        (storage(StorageError::ReadOnly(String::new())), "ServiceUnavailable", 503),
        (storage(StorageError::Damaged("crc".into())), "InternalError", 500),
        (storage(StorageError::Io("gone".into())), "InternalError", 500),
    ] {
        let shown = format!("{error:?}");
        let error = told(error);
        assert_eq!((error.code().as_str(), error.status().as_u16()), (code, status), "{shown}");
    }
}

#[test]
fn an_error_of_the_protocol_layer_passes_through_untouched() {
    let error = S3Error::new(ErrorCode::IncompleteBody).with_message("cut short");
    let passed = told(ObjectError::Payload(PayloadError(Box::new(error.clone()))));
    assert_eq!(passed, error);
}

#[test]
fn what_the_client_needs_is_named() {
    let header = |error: &S3Error, name: &str| {
        let found = error.headers().iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.to_str().expect("visible ASCII").to_owned())
    };
    let error = told(ObjectError::InvalidRange(RangeError { size: 3 }));
    assert_eq!(header(&error, "content-range").as_deref(), Some("bytes */3"));
    assert_eq!(error.field("RangeRequested"), Some("bytes=9-"));
    let error = told(ObjectError::DeleteMarker { version: VersionId::Null });
    assert!(header(&error, "x-amz-delete-marker").is_some() && header(&error, "x-amz-version-id").is_some());
    assert_eq!(error.field("Key"), Some("a/key"));
}
