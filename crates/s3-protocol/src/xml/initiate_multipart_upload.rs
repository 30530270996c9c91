//! `InitiateMultipartUploadResult` (CreateMultipartUpload).

use super::XmlWriter;

/// The result of CreateMultipartUpload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitiateMultipartUploadResult {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The new upload.
    pub upload_id: String,
}

impl InitiateMultipartUploadResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("InitiateMultipartUploadResult", |xml| {
            xml.text("Bucket", &self.bucket);
            xml.text("Key", &self.key);
            xml.text("UploadId", &self.upload_id);
        })
    }
}
