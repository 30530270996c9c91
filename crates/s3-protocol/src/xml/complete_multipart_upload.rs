//! `CompleteMultipartUpload` and `CompleteMultipartUploadResult` (CompleteMultipartUpload).

use types::{Checksum, ChecksumAlgorithm, ETag};

use super::{ChecksumValue, Element, XmlWriter};
use crate::params::MAX_PART_NUMBER;
use crate::{ErrorCode, S3Error, claims};

/// The most bytes of the request: 10,000 parts with all checksums, generously spaced.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// One part that the object is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompletedPart {
    /// Its number.
    pub number: u16,
    /// The tag that the client was given; `None` for a text that is no tag, which no part has.
    pub etag: Option<ETag>,
    /// The checksum that the client was given.
    pub checksum: Option<Checksum>,
}

/// Reads the body: the parts in ascending order.
///
/// # Errors
/// `MalformedXML`, also for no parts and too many; `InvalidPartOrder`; `InvalidArgument` for a number out of bounds;
/// `BadDigest` for a checksum that can not be read.
pub fn parse(body: &[u8]) -> Result<Vec<CompletedPart>, S3Error> {
    let root = Element::parse(body, "CompleteMultipartUpload")?;
    let mut parts: Vec<CompletedPart> = Vec::new();
    for part in root.children("Part") {
        let part = read_part(part)?;
        if parts.last().is_some_and(|last| last.number >= part.number) {
            return Err(ErrorCode::InvalidPartOrder.into());
        }
        parts.push(part);
    }
    if parts.is_empty() { Err(ErrorCode::MalformedXML.into()) } else { Ok(parts) }
}

fn read_part(part: &Element) -> Result<CompletedPart, S3Error> {
    let number = part.word_of("PartNumber").ok_or(ErrorCode::MalformedXML)?;
    let number: i64 = number.parse().map_err(|_| ErrorCode::MalformedXML)?;
    let number =
        u16::try_from(number).ok().filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            S3Error::invalid_argument("partNumber", &number.to_string(), message)
        })?;
    let etag = part.word_of("ETag").ok_or(ErrorCode::MalformedXML)?.parse().ok();
    let mut checksum = None;
    for algorithm in ChecksumAlgorithm::ALL {
        if let Some(text) = part.word_of(ChecksumValue::element(algorithm)) {
            checksum = Some(claims::read_checksum(algorithm, text)?);
        }
    }
    Ok(CompletedPart { number, etag, checksum })
}

/// The result of CompleteMultipartUpload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteMultipartUploadResult {
    /// The object's URL.
    pub location: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The object's tag.
    pub etag: ETag,
    /// The object's checksum.
    pub checksum: Option<ChecksumValue>,
}

impl CompleteMultipartUploadResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("CompleteMultipartUploadResult", |xml| {
            xml.text("Location", &self.location);
            xml.text("Bucket", &self.bucket);
            xml.text("Key", &self.key);
            xml.text("ETag", &self.etag.quoted());
            if let Some(checksum) = &self.checksum {
                checksum.write(xml);
            }
        })
    }
}
