//! `PostResponse` (PostObject with `success_action_status` 201).

use types::ETag;

use super::XmlWriter;

/// The result of a form upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PostResponse {
    /// The object's URL.
    pub location: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The object's tag.
    pub etag: ETag,
}

impl PostResponse {
    /// The document; AWS writes it without a namespace.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new();
        xml.plain_root("PostResponse", |xml| {
            xml.text("Location", &self.location);
            xml.text("Bucket", &self.bucket);
            xml.text("Key", &self.key);
            xml.text("ETag", &self.etag.quoted());
        });
        xml.finish()
    }
}
