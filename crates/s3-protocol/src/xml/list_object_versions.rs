//! `ListVersionsResult` (ListObjectVersions).

use bytes::Bytes;
use types::{Timestamp, VersionId};

use super::OwnerRef;
use super::entries::{ContentEntry, Entries};

/// The result of ListObjectVersions, but for its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListVersionsResult {
    /// The bucket.
    pub bucket: String,
    /// `prefix` of the request; empty where it has none.
    pub prefix: String,
    /// `delimiter` of the request.
    pub delimiter: Option<String>,
    /// `key-marker` of the request; empty where it has none.
    pub key_marker: String,
    /// `version-id-marker` of the request; empty where it has none.
    pub version_id_marker: String,
    /// Where the next page begins: a key.
    pub next_key_marker: Option<String>,
    /// Where the next page begins: a version of that key.
    pub next_version_id_marker: Option<String>,
    /// How many entries a page may have.
    pub max_keys: u32,
    /// Whether there are more.
    pub is_truncated: bool,
}

/// A version in the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionEntry<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its id.
    pub version: VersionId,
    /// Whether it is the current one.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its owner.
    pub owner: OwnerRef<'a>,
    /// Its content, unless it is a delete marker.
    pub content: Option<ContentEntry<'a>>,
}

impl Entries {
    /// Adds a version or a delete marker.
    pub fn add_version(&mut self, version: &VersionEntry<'_>) {
        let (start, end) = match version.content {
            Some(_) => ("<Version>", "</Version>"),
            None => ("<DeleteMarker>", "</DeleteMarker>"),
        };
        let xml = self.start(start, version.key);
        xml.raw("<VersionId>");
        match &version.version {
            VersionId::Null => xml.raw("null"),
            VersionId::Id(id) => xml.hex(id),
        }
        xml.raw("</VersionId>");
        xml.boolean("IsLatest", version.is_latest);
        self.last_modified(version.last_modified);
        if let Some(content) = &version.content {
            self.content(content);
        }
        self.owner(version.owner);
        self.end(version.content.map(|content| content.storage_class), end);
    }
}

impl ListVersionsResult {
    /// The document with these entries.
    pub fn to_xml(&self, entries: Entries) -> Bytes {
        let encoding = entries.encoding();
        entries.into_document("ListVersionsResult", |xml| {
            xml.text("Name", &self.bucket);
            xml.text("Prefix", &encoding.show(&self.prefix));
            xml.text("KeyMarker", &encoding.show(&self.key_marker));
            xml.text("VersionIdMarker", &self.version_id_marker);
            xml.optional("NextKeyMarker", self.next_key_marker.as_deref().map(|key| encoding.show(key)).as_deref());
            xml.optional("NextVersionIdMarker", self.next_version_id_marker.as_deref());
            xml.number("MaxKeys", self.max_keys.into());
            xml.optional("Delimiter", self.delimiter.as_deref().map(|text| encoding.show(text)).as_deref());
            encoding.write(xml);
            xml.boolean("IsTruncated", self.is_truncated);
        })
    }
}
