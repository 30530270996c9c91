//! Objects as values.

use std::ops::Range;

use policy::Acl;
use serde::{Deserialize, Serialize};
use storage::ByteStream;
use types::{ByteRange, Checksum, ChecksumType, Conditions, ETag, Timestamp, UserName, VersionId};

/// What travels with an object beside its content.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ObjectMetadata {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, as given.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// `x-amz-storage-class` where it is not STANDARD: kept and told back.
    pub storage_class: Option<String>,
    /// `x-amz-meta-*`: names in lower case without the prefix, in the order of names.
    pub user: Vec<(String, String)>,
}

/// The checksum that an object has, and over what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ObjectChecksum {
    /// Its value.
    pub value: Checksum,
    /// Over the content, or over the parts' checksums.
    pub kind: ChecksumType,
}

/// What is known of one version of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    /// Its version id; [`VersionId::Null`] in a bucket that never had versions.
    pub version: VersionId,
    /// When it was written (a multipart object: when its upload began, as AWS has it).
    pub last_modified: Timestamp,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag; `etag.parts` is the number of parts.
    pub etag: ETag,
    /// Its checksum, if it has one.
    pub checksum: Option<ObjectChecksum>,
    /// Who wrote it; `None` for an anonymous upload.
    pub owner: Option<UserName>,
    /// Its ACL.
    pub acl: Acl,
    /// What travels with it.
    pub metadata: ObjectMetadata,
}

/// A PUT, without its content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PutRequest {
    /// What travels with the object.
    pub metadata: ObjectMetadata,
    /// Its ACL; `None` is private.
    pub acl: Option<Acl>,
    /// When to go on.
    pub conditions: Conditions,
}

/// What a write made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The new entity tag.
    pub etag: ETag,
    /// The new version, where the bucket keeps or kept versions.
    pub version: Option<VersionId>,
    /// The checksum kept with it.
    pub checksum: Option<ObjectChecksum>,
    /// The size in bytes.
    pub size: u64,
    /// When.
    pub last_modified: Timestamp,
}

/// Which bytes of an object a GET or HEAD is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Selection {
    /// All.
    #[default]
    Whole,
    /// A `Range`.
    Range(ByteRange),
    /// `partNumber`.
    Part(u16),
}

/// A GET or HEAD.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadRequest {
    /// Which bytes.
    pub selection: Selection,
    /// When to go on.
    pub conditions: Conditions,
}

/// The answer to a HEAD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// What is known of the object.
    pub info: ObjectInfo,
    /// The version id to tell: none in a bucket that never had versions.
    pub version: Option<VersionId>,
    /// The bytes selected, where not the whole was asked for.
    pub range: Option<Range<u64>>,
    /// How many parts the object has, told where `partNumber` was asked for and it is a multipart object.
    pub parts: Option<u16>,
    /// The checksum of the selected part, where `partNumber` was asked for.
    pub part_checksum: Option<Checksum>,
}

/// The answer to a GET.
#[derive(Debug)]
pub struct Read {
    /// What a HEAD answers.
    pub head: Head,
    /// The selected bytes.
    pub body: ByteStream,
}

/// What a DELETE did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Deleted {
    /// The version that was removed, or the delete marker that was made.
    pub version: Option<VersionId>,
    /// Whether that is a delete marker.
    pub delete_marker: bool,
}

/// How a copy treats metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each copy, never a collection of them")]
pub enum MetadataDirective {
    /// The source's.
    Copy,
    /// These instead.
    Replace(ObjectMetadata),
}

/// A CopyObject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyRequest {
    /// How metadata is treated. Copying an object onto itself needs `Replace` (or another storage class or version).
    pub metadata: MetadataDirective,
    /// A storage class to set, with either directive.
    pub storage_class: Option<String>,
    /// The ACL of the new object; `None` is private.
    pub acl: Option<Acl>,
    /// Conditions on the source (`x-amz-copy-source-if-*`).
    pub source_conditions: Conditions,
    /// Conditions on the destination.
    pub conditions: Conditions,
    /// The checksum to compute for the new object, where another than the source's is asked for.
    pub checksum_algorithm: Option<types::ChecksumAlgorithm>,
}

/// What a copy made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// The new object.
    pub written: Written,
    /// The version copied from, where the source's bucket keeps or kept versions.
    pub source_version: Option<VersionId>,
}
