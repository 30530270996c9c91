//! `CopyObjectResult` and `CopyPartResult` (CopyObject, UploadPartCopy).

use types::{ETag, Timestamp};

use super::{ChecksumValue, XmlWriter};

/// The result of a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyResult {
    /// Whether an object or a part was made.
    pub kind: CopyKind,
    /// When it was made.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<ChecksumValue>,
}

/// What a copy makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyKind {
    /// CopyObject.
    Object,
    /// UploadPartCopy.
    Part,
}

impl CopyResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        let root = match self.kind {
            CopyKind::Object => "CopyObjectResult",
            CopyKind::Part => "CopyPartResult",
        };
        XmlWriter::document(root, |xml| {
            xml.text("LastModified", &self.last_modified.to_iso8601());
            xml.text("ETag", &self.etag.quoted());
            if let Some(checksum) = &self.checksum {
                checksum.write(xml);
            }
        })
    }
}
