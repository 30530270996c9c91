//! What can go wrong, in the terms of S3.

use std::fmt;

use storage::StorageError;
use types::{ETag, RangeError, Timestamp, VersionId};

use crate::PayloadError;

/// An operation was not done. The names are those of the S3 API reference, "Error responses".
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is the S3 error of the same name, explained by its message")]
pub enum ObjectError {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the bucket exists and belongs to {owner}")]
    BucketAlreadyExists { owner: types::UserName },
    #[error("the bucket exists and is the caller's")]
    BucketAlreadyOwnedByYou,
    #[error("the bucket still holds objects or versions")]
    BucketNotEmpty,
    #[error("the tenancy has as many buckets as it may have")]
    TooManyBuckets,
    #[error("the bucket is shared by its ACL, which would not count any more")]
    InvalidBucketAclWithObjectOwnership,
    #[error("all in the bucket is its owner's, and ACLs do not count")]
    AccessControlListNotSupported,
    /// The bucket keeps that from becoming public: AccessDenied.
    #[error("the bucket blocks public access by {0}")]
    PublicAccessBlocked(PublicBy),
    /// An object came or went between the decision and the commit, and the grant was for the other case only.
    #[error("what the grant was given for is no longer so")]
    AccessDenied,
    #[error("the key does not exist")]
    NoSuchKey,
    /// GET or HEAD without a version id met a delete marker.
    #[error("the key's current version is a delete marker")]
    DeleteMarker { version: VersionId },
    #[error("the version does not exist")]
    NoSuchVersion,
    /// GET or HEAD named a version that is a delete marker.
    #[error("the version is a delete marker")]
    MethodNotAllowedOnDeleteMarker { version: VersionId, last_modified: Timestamp },
    #[error("the upload does not exist")]
    NoSuchUpload,
    #[error("a part is missing or its ETag is another")]
    InvalidPart,
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    #[error("the object has no part of this number")]
    InvalidPartNumber,
    #[error("part {number} has {size} bytes, and only the last may have fewer than 5 MiB")]
    EntityTooSmall { number: u16, size: u64, etag: ETag },
    /// A hard limit of a quota: 403.
    #[error("{0}")]
    QuotaExceeded(Box<crate::QuotaExceeded>),
    #[error("the content is larger than one PUT or part may be")]
    EntityTooLarge,
    #[error(transparent)]
    InvalidRange(#[from] RangeError),
    /// A condition does not hold: 412.
    #[error("the condition {condition} does not hold")]
    PreconditionFailed { condition: &'static str },
    /// A condition of a read says that the client has it already: 304.
    #[error("not modified")]
    NotModified { etag: ETag, last_modified: Timestamp, version: Option<VersionId> },
    /// Conditional writes met each other: 409.
    #[error("another conditional write to the key came between")]
    ConditionalRequestConflict,
    /// The content's MD5 is not what Content-MD5 says.
    #[error("the content's MD5 is not the one given")]
    BadDigest { expected: [u8; 16], computed: [u8; 16] },
    /// The content's checksum is not what was said.
    #[error("the content's {algorithm} is not the one given", algorithm = algorithm.name())]
    BadChecksum { algorithm: types::ChecksumAlgorithm },
    /// A request contradicts the upload or object that it is about.
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    InvalidArgument(String),
    #[error("the content did not arrive")]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Others kept changing the same key: the client may try again (503 SlowDown).
    #[error("too many writers on one key")]
    Contention,
}

/// By what something would become public.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublicBy {
    /// An ACL that grants to everyone.
    Acl,
    /// A policy that allows everyone.
    Policy,
}

impl fmt::Display for PublicBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acl => "ACLs",
            Self::Policy => "policies",
        })
    }
}
