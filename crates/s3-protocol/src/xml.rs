//! The XML documents of S3, one file each.
//!
//! What comes in is read into a small tree (`reader`) that knows the bounds and refuses DTDs; what goes out is
//! written in the order of elements that AWS has (`writer`), in the namespace [`NAMESPACE`].

pub mod access_control_policy;
pub mod bucket_settings;
pub mod complete_multipart_upload;
pub mod copy_result;
pub mod cors_configuration;
pub mod create_bucket_configuration;
pub mod delete;
pub mod entries;
pub mod initiate_multipart_upload;
pub mod list_buckets;
pub mod list_multipart_uploads;
pub mod list_object_versions;
pub mod list_objects;
pub mod list_parts;
pub mod object_attributes;
pub mod ownership_controls;
pub mod post_response;
pub mod public_access_block_configuration;
mod reader;
pub mod tagging;
pub mod versioning_configuration;
mod writer;

pub use reader::Element;
pub use writer::XmlWriter;

use types::{Checksum, ChecksumAlgorithm, ChecksumType};

use crate::params::EncodingType;
use crate::percent;

/// The namespace of the documents.
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// The namespace of `xsi:type`.
pub(crate) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The most bytes of a document, unless its own module says otherwise (S3's own bound for most).
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// A person, as the documents name one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The canonical id.
    pub id: String,
    /// The name to show.
    pub display_name: String,
}

/// [`Owner`], borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnerRef<'a> {
    /// The canonical id.
    pub id: &'a str,
    /// The name to show.
    pub display_name: &'a str,
}

impl Owner {
    fn write(&self, element: &'static str, xml: &mut XmlWriter) {
        xml.element(element, |xml| {
            xml.text("ID", &self.id);
            xml.text("DisplayName", &self.display_name);
        });
    }
}

/// The checksum of an object or part, with its type where the document shows that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChecksumValue {
    /// Which algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// The value as headers carry it: base64, with `-N` behind a composite one.
    pub value: String,
    /// Its type.
    pub kind: Option<ChecksumType>,
}

impl ChecksumValue {
    /// The bare value, without a number of parts behind it.
    pub fn of(checksum: Checksum, kind: Option<ChecksumType>) -> Self {
        Self { algorithm: checksum.algorithm, value: checksum.to_base64(), kind }
    }

    /// The element that carries it, as in `ChecksumCRC32`.
    pub(crate) fn element(algorithm: ChecksumAlgorithm) -> &'static str {
        match algorithm {
            ChecksumAlgorithm::Crc32 => "ChecksumCRC32",
            ChecksumAlgorithm::Crc32c => "ChecksumCRC32C",
            ChecksumAlgorithm::Crc64Nvme => "ChecksumCRC64NVME",
            ChecksumAlgorithm::Sha1 => "ChecksumSHA1",
            ChecksumAlgorithm::Sha256 => "ChecksumSHA256",
        }
    }

    fn write(&self, xml: &mut XmlWriter) {
        xml.text(Self::element(self.algorithm), &self.value);
        if let Some(kind) = self.kind {
            xml.text("ChecksumType", kind.name());
        }
    }
}

impl EncodingType {
    /// The text as this encoding shows it.
    fn show(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Url => percent::encode_path(text),
        }
    }

    fn write(self, xml: &mut XmlWriter) {
        if self == Self::Url {
            xml.text("EncodingType", "url");
        }
    }
}

#[cfg(test)]
mod tests;
