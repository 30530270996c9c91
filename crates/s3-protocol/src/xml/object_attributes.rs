//! `GetObjectAttributesResponse` (GetObjectAttributes). What is asked for is [`crate::headers::object_attributes`].

use types::ETag;

use super::{ChecksumValue, XmlWriter};

/// The result of GetObjectAttributes: what was asked for and the object has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectAttributesResult {
    /// The tag. It stands without quotes here.
    pub etag: Option<ETag>,
    /// The checksum.
    pub checksum: Option<ChecksumValue>,
    /// The parts.
    pub parts: Option<ObjectParts>,
    /// The storage class.
    pub storage_class: Option<String>,
    /// The length in bytes.
    pub size: Option<u64>,
}

/// A page of an object's parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectParts {
    /// How many parts the object has.
    pub total: u32,
    /// Where the page is; absent where the object's parts have no checksums, and AWS shows the total only.
    pub page: Option<PartsPage>,
}

/// Where a page of parts begins and ends, and the parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartsPage {
    /// `x-amz-part-number-marker` of the request; 0 where it has none.
    pub part_number_marker: u32,
    /// Where the next page begins.
    pub next_part_number_marker: u32,
    /// How many parts a page may have.
    pub max_parts: u32,
    /// Whether there are more.
    pub is_truncated: bool,
    /// The parts.
    pub parts: Vec<AttributesPart>,
}

/// One part of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttributesPart {
    /// Its number.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<ChecksumValue>,
}

impl ObjectAttributesResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("GetObjectAttributesResponse", |xml| {
            xml.optional("ETag", self.etag.map(|etag| etag.to_string()).as_deref());
            if let Some(checksum) = &self.checksum {
                xml.element("Checksum", |xml| checksum.write(xml));
            }
            if let Some(parts) = &self.parts {
                xml.element("ObjectParts", |xml| parts.write(xml));
            }
            xml.optional("StorageClass", self.storage_class.as_deref());
            if let Some(size) = self.size {
                xml.number("ObjectSize", size);
            }
        })
    }
}

impl ObjectParts {
    fn write(&self, xml: &mut XmlWriter) {
        xml.number("PartsCount", self.total.into());
        let Some(page) = &self.page else { return };
        xml.number("PartNumberMarker", page.part_number_marker.into());
        xml.number("NextPartNumberMarker", page.next_part_number_marker.into());
        xml.number("MaxParts", page.max_parts.into());
        xml.boolean("IsTruncated", page.is_truncated);
        for part in &page.parts {
            xml.element("Part", |xml| {
                if let Some(checksum) = &part.checksum {
                    checksum.write(xml);
                }
                xml.number("PartNumber", part.number.into());
                xml.number("Size", part.size);
            });
        }
    }
}
