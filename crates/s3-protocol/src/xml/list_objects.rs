//! `ListBucketResult` (ListObjects and ListObjectsV2).

use bytes::Bytes;
use types::{ChecksumAlgorithm, ChecksumType, Timestamp};

use super::entries::{ContentEntry, Entries};
use super::{OwnerRef, XmlWriter};
use crate::params::EncodingType;

/// The result of ListObjects or ListObjectsV2, but for its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListObjectsResult {
    /// The bucket.
    pub bucket: String,
    /// `prefix` of the request; empty where it has none.
    pub prefix: String,
    /// `delimiter` of the request.
    pub delimiter: Option<String>,
    /// How many entries a page may have.
    pub max_keys: u32,
    /// Whether there are more.
    pub is_truncated: bool,
    /// What only one of the versions has.
    pub paging: Paging,
}

/// What the two versions do not share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Paging {
    /// ListObjects.
    V1 {
        /// `marker` of the request; empty where it has none.
        marker: String,
        /// Where the next page begins, where there is more to come and clients can not tell from the last key.
        next_marker: Option<String>,
    },
    /// ListObjectsV2.
    V2 {
        /// `continuation-token` of the request.
        continuation_token: Option<String>,
        /// Where the next page begins.
        next_continuation_token: Option<String>,
        /// `start-after` of the request.
        start_after: Option<String>,
    },
}

/// An object in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectEntry<'a> {
    /// Its key.
    pub key: &'a str,
    /// When it was written.
    pub last_modified: Timestamp,
    /// What it has.
    pub content: ContentEntry<'a>,
    /// Its owner, where the request asks for it.
    pub owner: Option<OwnerRef<'a>>,
}

impl Entries {
    /// Adds an object.
    pub fn add_object(&mut self, object: &ObjectEntry<'_>) {
        self.start("<Contents>", object.key);
        self.last_modified(object.last_modified);
        self.content(&object.content);
        if let Some(owner) = object.owner {
            self.owner(owner);
        }
        self.end(Some(object.content.storage_class), "</Contents>");
    }
}

impl ListObjectsResult {
    /// The document with these entries.
    pub fn to_xml(&self, entries: Entries) -> Bytes {
        let (encoding, count) = (entries.encoding(), entries.count());
        entries.into_document("ListBucketResult", |xml| {
            xml.text("Name", &self.bucket);
            xml.text("Prefix", &encoding.show(&self.prefix));
            self.write_paging(encoding, count, xml);
            xml.number("MaxKeys", self.max_keys.into());
            xml.optional("Delimiter", self.delimiter.as_deref().map(|text| encoding.show(text)).as_deref());
            encoding.write(xml);
            xml.boolean("IsTruncated", self.is_truncated);
        })
    }

    fn write_paging(&self, encoding: EncodingType, count: u32, xml: &mut XmlWriter) {
        let shown = |text: &Option<String>| text.as_deref().map(|text| encoding.show(text));
        match &self.paging {
            Paging::V1 { marker, next_marker } => {
                xml.text("Marker", &encoding.show(marker));
                xml.optional("NextMarker", shown(next_marker).as_deref());
            }
            Paging::V2 { continuation_token, next_continuation_token, start_after } => {
                xml.optional("StartAfter", shown(start_after).as_deref());
                xml.optional("ContinuationToken", continuation_token.as_deref());
                xml.optional("NextContinuationToken", next_continuation_token.as_deref());
                xml.number("KeyCount", count.into());
            }
        }
    }
}

pub(super) fn write_checksum_kind(checksum: Option<(ChecksumAlgorithm, ChecksumType)>, xml: &mut XmlWriter) {
    if let Some((algorithm, kind)) = checksum {
        xml.text("ChecksumAlgorithm", algorithm.name());
        xml.text("ChecksumType", kind.name());
    }
}
