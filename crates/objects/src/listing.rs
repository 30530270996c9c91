//! Listings as values.
//!
//! ListObjects and ListObjectVersions lend each entry of a page to their caller as it is found, because a page has up to
//! [`MAX_KEYS`] of them and most callers only write them down. The rarer listings answer whole pages.

use types::{ChecksumAlgorithm, ChecksumType, ETag, ObjectKey, Timestamp, UploadId, UserName, VersionId};

pub use crate::summary::{ContentSummary, VersionSummary};

/// The most entries of one page.
pub const MAX_KEYS: usize = 1000;

/// What all listings of a bucket have in common.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
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
    /// Where to go on.
    pub after: After,
}

/// The place that a page of ListObjects starts after.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum After {
    /// An entry: a key or a common prefix, or what is given as `marker` or `start-after`. A key that is rolled up stands
    /// for all of its common prefix.
    Entry(String),
    /// A key that was passed over, and nothing else of its common prefix.
    Key(String),
}

impl Default for After {
    /// The beginning.
    fn default() -> Self {
        Self::Entry(String::new())
    }
}

/// An entry of a listing, borrowed from what was read of the store: a key with what `T` tells of it, or a common prefix.
/// Keys come in the order of their bytes, and so do common prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a, T> {
    /// A key.
    Key(T),
    /// What keys with the delimiter in them are rolled up into.
    CommonPrefix(&'a str),
}

/// A key in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedObject<'a> {
    /// The key.
    pub key: &'a str,
    /// Its current version.
    pub version: VersionSummary<'a>,
    /// What that has.
    pub content: ContentSummary<'a>,
}

/// A version in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedVersion<'a> {
    /// The key.
    pub key: &'a str,
    /// Whether it is the current one.
    pub is_latest: bool,
    /// Which one it is.
    pub version: VersionSummary<'a>,
    /// What it has; `None` for a delete marker.
    pub content: Option<ContentSummary<'a>>,
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

/// Key and version (none where the last entry is a common prefix) that the next page of ListObjectVersions starts after.
pub type AfterVersion = (String, Option<VersionId>);

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
