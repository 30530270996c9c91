//! Listings as values.

use types::{ChecksumAlgorithm, ChecksumType, ETag, ObjectKey, Timestamp, UploadId, UserName, VersionId};

use crate::object::ObjectInfo;

/// The most entries of one page.
pub const MAX_KEYS: usize = 1000;

/// What all listings of a bucket have in common.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Only keys that start so.
    pub prefix: String,
    /// Keys that have this after the prefix are rolled up into common prefixes. Empty is none.
    pub delimiter: String,
    /// At most so many entries; more than [`MAX_KEYS`] is [`MAX_KEYS`].
    pub max_keys: usize,
}

/// ListObjects, either version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListObjects {
    /// What to list.
    pub filter: Filter,
    /// Only keys (and common prefixes) after this: `marker`, `start-after` or what a continuation token carries.
    pub after: String,
}

/// A key in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedObject {
    /// The key.
    pub key: ObjectKey,
    /// What is known of its current version.
    pub info: ObjectInfo,
}

/// A page of ListObjects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectPage {
    /// The keys, in the order of their bytes.
    pub objects: Vec<ListedObject>,
    /// The common prefixes, in the order of their bytes.
    pub common_prefixes: Vec<String>,
    /// Where the next page starts after; `None` at the end.
    pub next: Option<String>,
}

/// ListObjectVersions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListVersions {
    /// What to list.
    pub filter: Filter,
    /// Only keys after this one, or its versions after `version_marker`.
    pub key_marker: String,
    /// With `key_marker`: versions of that key that come after this one.
    pub version_marker: Option<VersionId>,
}

/// A version in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedVersion {
    /// The key.
    pub key: ObjectKey,
    /// Whether it is the current one.
    pub is_latest: bool,
    /// What it is.
    pub kind: ListedVersionKind,
}

/// A version, or a delete marker.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is an object, which a box would allocate")]
pub enum ListedVersionKind {
    /// A version of the object.
    Object(ObjectInfo),
    /// A delete marker.
    DeleteMarker {
        /// Its version id.
        version: VersionId,
        /// When it was made.
        last_modified: Timestamp,
        /// Who made it.
        owner: Option<UserName>,
    },
}

/// A page of ListObjectVersions: newest first within a key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VersionPage {
    /// The versions.
    pub versions: Vec<ListedVersion>,
    /// The common prefixes.
    pub common_prefixes: Vec<String>,
    /// Key and version (none where the last entry is a common prefix) that the next page starts after; `None` at the end.
    pub next: Option<(String, Option<VersionId>)>,
}

/// ListMultipartUploads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListUploads {
    /// What to list.
    pub filter: Filter,
    /// Only uploads for keys after this one, or for it with ids after `upload_id_marker`.
    pub key_marker: String,
    /// With `key_marker`.
    pub upload_id_marker: Option<UploadId>,
}

/// An upload in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedUpload {
    /// The key that it is for.
    pub key: ObjectKey,
    /// Its id.
    pub upload: UploadId,
    /// When it began.
    pub initiated: Timestamp,
    /// Who began it.
    pub initiator: Option<UserName>,
    /// Whose the object will be.
    pub owner: Option<UserName>,
    /// The storage class asked for.
    pub storage_class: Option<String>,
    /// The checksum that its parts have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// A page of ListMultipartUploads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UploadPage {
    /// The uploads, by key and then in the order they began.
    pub uploads: Vec<ListedUpload>,
    /// The common prefixes.
    pub common_prefixes: Vec<String>,
    /// Key and upload (none where the last entry is a common prefix) that the next page starts after; `None` at the end.
    pub next: Option<(String, Option<UploadId>)>,
}

/// A part, of an upload or of a finished object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedPart {
    /// Its number, 1 to 10,000.
    pub number: u16,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag; none for the parts of a finished object.
    pub etag: Option<ETag>,
    /// When it was written; none for the parts of a finished object.
    pub last_modified: Option<Timestamp>,
    /// Its checksum.
    pub checksum: Option<types::Checksum>,
}
