//! `ListMultipartUploadsResult` (ListMultipartUploads).

use types::{ChecksumAlgorithm, ChecksumType, Timestamp};

use super::list_objects::write_checksum_kind;
use super::{Owner, XmlWriter};
use crate::params::EncodingType;

/// The result of ListMultipartUploads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListMultipartUploadsResult {
    /// The bucket.
    pub bucket: String,
    /// `key-marker` of the request; empty where it has none.
    pub key_marker: String,
    /// `upload-id-marker` of the request; empty where it has none.
    pub upload_id_marker: String,
    /// Where the next page begins: a key.
    pub next_key_marker: Option<String>,
    /// Where the next page begins: an upload of that key.
    pub next_upload_id_marker: Option<String>,
    /// `prefix` of the request; empty where it has none.
    pub prefix: String,
    /// `delimiter` of the request.
    pub delimiter: Option<String>,
    /// How many uploads a page may have.
    pub max_uploads: u32,
    /// How keys are shown.
    pub encoding: EncodingType,
    /// Whether there are more.
    pub is_truncated: bool,
    /// The uploads, by key and then by the time when they began.
    pub uploads: Vec<UploadEntry>,
    /// The common prefixes.
    pub common_prefixes: Vec<String>,
}

/// An upload in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadEntry {
    /// Its key.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// Who began it.
    pub initiator: Owner,
    /// Who will own the object.
    pub owner: Owner,
    /// The storage class that the object will have.
    pub storage_class: String,
    /// When it began.
    pub initiated: Timestamp,
    /// The checksum that it was begun with.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

impl ListMultipartUploadsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        let encoding = self.encoding;
        XmlWriter::document("ListMultipartUploadsResult", |xml| {
            xml.text("Bucket", &self.bucket);
            xml.text("KeyMarker", &encoding.show(&self.key_marker));
            xml.text("UploadIdMarker", &self.upload_id_marker);
            xml.optional("NextKeyMarker", self.next_key_marker.as_deref().map(|key| encoding.show(key)).as_deref());
            xml.optional("NextUploadIdMarker", self.next_upload_id_marker.as_deref());
            xml.text("Prefix", &encoding.show(&self.prefix));
            xml.optional("Delimiter", self.delimiter.as_deref().map(|text| encoding.show(text)).as_deref());
            encoding.write(xml);
            xml.number("MaxUploads", self.max_uploads.into());
            xml.boolean("IsTruncated", self.is_truncated);
            for upload in &self.uploads {
                upload.write(encoding, xml);
            }
            for prefix in &self.common_prefixes {
                xml.element("CommonPrefixes", |xml| xml.text("Prefix", &encoding.show(prefix)));
            }
        })
    }
}

impl UploadEntry {
    fn write(&self, encoding: EncodingType, xml: &mut XmlWriter) {
        xml.element("Upload", |xml| {
            xml.text("Key", &encoding.show(&self.key));
            xml.text("UploadId", &self.upload_id);
            self.initiator.write("Initiator", xml);
            self.owner.write("Owner", xml);
            xml.text("StorageClass", &self.storage_class);
            xml.text("Initiated", &self.initiated.to_iso8601());
            write_checksum_kind(self.checksum, xml);
        });
    }
}
