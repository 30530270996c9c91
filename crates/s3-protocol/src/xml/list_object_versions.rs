//! `ListVersionsResult` (ListObjectVersions).

use types::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp};

use super::list_objects::{write_checksum_kind, write_common_prefixes};
use super::{Owner, XmlWriter};
use crate::params::EncodingType;

/// The result of ListObjectVersions.
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
    /// How keys are shown.
    pub encoding: EncodingType,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Versions and delete markers, by key, the newest first.
    pub versions: Vec<VersionEntry>,
    /// The common prefixes.
    pub common_prefixes: Vec<String>,
}

/// A version in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionEntry {
    /// Its key.
    pub key: String,
    /// Its id.
    pub version_id: String,
    /// Whether it is the current one.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its owner.
    pub owner: Owner,
    /// Its content, unless it is a delete marker.
    pub content: Option<VersionContent>,
}

/// What a version has and a delete marker has not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionContent {
    /// Its tag.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// Its storage class.
    pub storage_class: String,
    /// The algorithm and type of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

impl ListVersionsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        let encoding = self.encoding;
        XmlWriter::document("ListVersionsResult", |xml| {
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
            for version in &self.versions {
                version.write(encoding, xml);
            }
            write_common_prefixes(&self.common_prefixes, encoding, xml);
        })
    }
}

impl VersionEntry {
    fn write(&self, encoding: EncodingType, xml: &mut XmlWriter) {
        let element = if self.content.is_some() { "Version" } else { "DeleteMarker" };
        xml.element(element, |xml| {
            xml.text("Key", &encoding.show(&self.key));
            xml.text("VersionId", &self.version_id);
            xml.boolean("IsLatest", self.is_latest);
            xml.text("LastModified", &self.last_modified.to_iso8601());
            if let Some(content) = &self.content {
                xml.text("ETag", &content.etag.quoted());
                write_checksum_kind(content.checksum, xml);
                xml.number("Size", content.size);
            }
            self.owner.write("Owner", xml);
            if let Some(content) = &self.content {
                xml.text("StorageClass", &content.storage_class);
            }
        });
    }
}
