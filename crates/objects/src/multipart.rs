//! Multipart uploads as values (user guide, "Uploading and copying objects using multipart upload").

use policy::Acl;
use types::{Checksum, ChecksumAlgorithm, ChecksumType, Conditions, ETag, UploadId, UserName};

use crate::listing::ListedPart;
use crate::object::{ObjectInfo, ObjectMetadata};

/// The highest part number.
pub const MAX_PARTS: u16 = 10_000;
/// The smallest size of a part that is not the last, in bytes.
pub const MIN_PART_BYTES: u64 = 5 << 20;
/// The largest part and the largest single PUT, in bytes.
pub const MAX_PART_BYTES: u64 = 5 << 30;
/// The largest object, in bytes.
pub const MAX_OBJECT_BYTES: u64 = 50 << 40;

/// CreateMultipartUpload.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewUpload {
    /// What travels with the object.
    pub metadata: ObjectMetadata,
    /// Its ACL; `None` is private.
    pub acl: Option<Acl>,
    /// The checksum that parts will have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// A part as CompleteMultipartUpload names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompletedPart {
    /// Its number.
    pub number: u16,
    /// Its entity tag.
    pub etag: ETag,
    /// Its checksum, where given.
    pub checksum: Option<Checksum>,
}

/// CompleteMultipartUpload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteUpload {
    /// The parts, in ascending order.
    pub parts: Vec<CompletedPart>,
    /// The checksum of the whole that the client claims.
    pub checksum: Option<Checksum>,
    /// The checksum type that the client names, which must be the upload's.
    pub checksum_type: Option<ChecksumType>,
    /// `x-amz-mp-object-size`: the size that the client expects, in bytes.
    pub size: Option<u64>,
    /// Conditions on the destination.
    pub conditions: Conditions,
}

/// A page of ListParts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartPage {
    /// The parts, by number.
    pub parts: Vec<ListedPart>,
    /// The last number of this page where more follow.
    pub next: Option<u16>,
    /// Who began the upload.
    pub initiator: Option<UserName>,
    /// Whose the object will be.
    pub owner: Option<UserName>,
    /// The storage class asked for.
    pub storage_class: Option<String>,
    /// The checksum that its parts have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// GetObjectAttributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// What is known of the object.
    pub info: ObjectInfo,
    /// The version id to tell.
    pub version: Option<types::VersionId>,
    /// How many parts it has; `None` where it was made in one PUT.
    pub parts_count: Option<u16>,
    /// A page of its parts.
    pub parts: Vec<ListedPart>,
    /// The last part of this page where more follow.
    pub next_part: Option<u16>,
}

/// A new upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Initiated {
    /// Its id.
    pub upload: UploadId,
    /// The checksum that its parts will have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// A part that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenPart {
    /// Its entity tag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// When.
    pub last_modified: types::Timestamp,
    /// The version copied from, for a part copy out of a bucket with versions.
    pub source_version: Option<types::VersionId>,
}
