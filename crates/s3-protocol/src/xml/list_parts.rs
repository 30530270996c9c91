//! `ListPartsResult` (ListParts).

use types::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp};

use super::list_objects::write_checksum_kind;
use super::{ChecksumValue, Owner, XmlWriter};

/// The result of ListParts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPartsResult {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The upload.
    pub upload_id: String,
    /// Who began the upload.
    pub initiator: Owner,
    /// Who will own the object.
    pub owner: Owner,
    /// The storage class that the object will have.
    pub storage_class: String,
    /// `part-number-marker` of the request; 0 where it has none.
    pub part_number_marker: u32,
    /// Where the next page begins.
    pub next_part_number_marker: Option<u32>,
    /// How many parts a page may have.
    pub max_parts: u32,
    /// Whether there are more.
    pub is_truncated: bool,
    /// The checksum that the upload was begun with.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
    /// The parts.
    pub parts: Vec<PartEntry>,
}

/// A part in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartEntry {
    /// Its number.
    pub number: u16,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<ChecksumValue>,
}

impl ListPartsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("ListPartsResult", |xml| {
            xml.text("Bucket", &self.bucket);
            xml.text("Key", &self.key);
            xml.text("UploadId", &self.upload_id);
            self.initiator.write("Initiator", xml);
            self.owner.write("Owner", xml);
            xml.text("StorageClass", &self.storage_class);
            xml.number("PartNumberMarker", self.part_number_marker.into());
            if let Some(next) = self.next_part_number_marker {
                xml.number("NextPartNumberMarker", next.into());
            }
            xml.number("MaxParts", self.max_parts.into());
            xml.boolean("IsTruncated", self.is_truncated);
            write_checksum_kind(self.checksum, xml);
            for part in &self.parts {
                part.write(xml);
            }
        })
    }
}

impl PartEntry {
    fn write(&self, xml: &mut XmlWriter) {
        xml.element("Part", |xml| {
            xml.number("PartNumber", self.number.into());
            xml.text("LastModified", &self.last_modified.to_iso8601());
            xml.text("ETag", &self.etag.quoted());
            xml.number("Size", self.size);
            if let Some(checksum) = &self.checksum {
                checksum.write(xml);
            }
        });
    }
}
