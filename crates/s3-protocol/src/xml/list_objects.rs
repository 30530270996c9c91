//! `ListBucketResult` (ListObjects and ListObjectsV2).

use types::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp};

use super::{Owner, XmlWriter};
use crate::params::EncodingType;

/// The result of ListObjects or ListObjectsV2.
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
    /// How keys are shown.
    pub encoding: EncodingType,
    /// Whether there are more.
    pub is_truncated: bool,
    /// What only one of the versions has.
    pub paging: Paging,
    /// The objects.
    pub objects: Vec<ObjectEntry>,
    /// The common prefixes.
    pub common_prefixes: Vec<String>,
}

/// What the two versions do not share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Paging {
    /// ListObjects.
    V1 {
        /// `marker` of the request; empty where it has none.
        marker: String,
        /// Where the next page begins: only where there is a delimiter and more to come.
        next_marker: Option<String>,
    },
    /// ListObjectsV2.
    V2 {
        /// How many entries this page has, prefixes counted.
        key_count: u32,
        /// `continuation-token` of the request.
        continuation_token: Option<String>,
        /// Where the next page begins.
        next_continuation_token: Option<String>,
        /// `start-after` of the request.
        start_after: Option<String>,
    },
}

/// An object in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectEntry {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// Its storage class.
    pub storage_class: String,
    /// Its owner, where the request asks for it.
    pub owner: Option<Owner>,
    /// The algorithm and type of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

impl ListObjectsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        let encoding = self.encoding;
        XmlWriter::document("ListBucketResult", |xml| {
            xml.text("Name", &self.bucket);
            xml.text("Prefix", &encoding.show(&self.prefix));
            self.write_paging(xml);
            xml.number("MaxKeys", self.max_keys.into());
            xml.optional("Delimiter", self.delimiter.as_deref().map(|text| encoding.show(text)).as_deref());
            encoding.write(xml);
            xml.boolean("IsTruncated", self.is_truncated);
            for object in &self.objects {
                object.write(encoding, xml);
            }
            write_common_prefixes(&self.common_prefixes, encoding, xml);
        })
    }

    fn write_paging(&self, xml: &mut XmlWriter) {
        let shown = |text: &Option<String>| text.as_deref().map(|text| self.encoding.show(text));
        match &self.paging {
            Paging::V1 { marker, next_marker } => {
                xml.text("Marker", &self.encoding.show(marker));
                xml.optional("NextMarker", shown(next_marker).as_deref());
            }
            Paging::V2 { key_count, continuation_token, next_continuation_token, start_after } => {
                xml.optional("StartAfter", shown(start_after).as_deref());
                xml.optional("ContinuationToken", continuation_token.as_deref());
                xml.optional("NextContinuationToken", next_continuation_token.as_deref());
                xml.number("KeyCount", (*key_count).into());
            }
        }
    }
}

impl ObjectEntry {
    fn write(&self, encoding: EncodingType, xml: &mut XmlWriter) {
        xml.element("Contents", |xml| {
            xml.text("Key", &encoding.show(&self.key));
            xml.text("LastModified", &self.last_modified.to_iso8601());
            xml.text("ETag", &self.etag.quoted());
            write_checksum_kind(self.checksum, xml);
            xml.number("Size", self.size);
            if let Some(owner) = &self.owner {
                owner.write("Owner", xml);
            }
            xml.text("StorageClass", &self.storage_class);
        });
    }
}

pub(super) fn write_checksum_kind(checksum: Option<(ChecksumAlgorithm, ChecksumType)>, xml: &mut XmlWriter) {
    if let Some((algorithm, kind)) = checksum {
        xml.text("ChecksumAlgorithm", algorithm.name());
        xml.text("ChecksumType", kind.name());
    }
}

pub(super) fn write_common_prefixes(prefixes: &[String], encoding: EncodingType, xml: &mut XmlWriter) {
    for prefix in prefixes {
        xml.element("CommonPrefixes", |xml| xml.text("Prefix", &encoding.show(prefix)));
    }
}
