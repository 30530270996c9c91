//! GetObjectAttributes. Needs `s3:GetObjectAttributes`, or `s3:GetObjectVersionAttributes` where a version is named; the
//! object's own ACL may give it.

use access::action;
use http::HeaderName;
use http::header::LAST_MODIFIED;
use objects::listing::{ListedPart, MAX_KEYS};
use objects::multipart::Attributes;
use s3_protocol::xml::ChecksumValue;
use s3_protocol::xml::object_attributes::{AttributesPart, ObjectAttributesResult, ObjectParts, PartsPage};
use s3_protocol::{S3Error, headers, params};

use crate::call::{Call, Outcome, Reply};
use crate::listing::shown_class;
use crate::refused_headers;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<action::GetObjectAttributes>(version).await?;
    refused_headers::of_read(call.headers())?;
    let wanted = headers::object_attributes(call.headers())?;
    let page = Page::read(&call)?;
    let conditions = headers::conditions(call.headers());
    let objects = &call.service.objects;
    let attributes = objects.object_attributes(&granted.grant, &conditions, page.after, page.size as usize).await;
    let attributes = attributes.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    let info = &attributes.info;
    let result = ObjectAttributesResult {
        etag: wanted.etag.then_some(info.etag),
        // Unlike the header of HeadObject, a composite checksum has no number of parts behind it here.
        checksum: info
            .checksum
            .filter(|_| wanted.checksum)
            .map(|checksum| ChecksumValue::of(checksum.value, Some(checksum.kind))),
        storage_class: wanted.storage_class.then(|| shown_class(info.metadata.storage_class.as_deref()).to_owned()),
        size: wanted.object_size.then_some(info.size),
        parts: wanted.object_parts.then(|| parts(&attributes, &page)).flatten(),
    };
    let last_modified = info.last_modified.to_http_date();
    Ok(Reply::xml(result.to_xml()).with(LAST_MODIFIED, last_modified).with_version(attributes.version))
}

/// Which of the parts are asked for.
struct Page {
    marker: u32,
    after: u16,
    size: u32,
}

impl Page {
    fn read(call: &Call<'_>) -> Result<Self, S3Error> {
        let number = |name| -> Result<Option<u32>, S3Error> {
            let number = headers::number(call.headers(), &HeaderName::from_static(name))?;
            Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
        };
        let marker = number("x-amz-part-number-marker")?.unwrap_or(0);
        let size = number("x-amz-max-parts")?.unwrap_or(MAX_KEYS as u32).min(MAX_KEYS as u32);
        Ok(Self { marker, after: u16::try_from(marker).unwrap_or(u16::MAX), size })
    }
}

/// The parts of a multipart object; AWS lists them only where they have checksums of their own.
fn parts(attributes: &Attributes, page: &Page) -> Option<ObjectParts> {
    let total = attributes.parts_count?;
    let has_checksums = attributes.parts.iter().any(|part| part.checksum.is_some());
    let last = attributes.parts.last().map_or(page.marker, |part| u32::from(part.number));
    let page = has_checksums.then(|| PartsPage {
        part_number_marker: page.marker,
        next_part_number_marker: attributes.next_part.map_or(last, u32::from),
        max_parts: page.size,
        is_truncated: attributes.next_part.is_some(),
        parts: attributes.parts.iter().map(part).collect(),
    });
    Some(ObjectParts { total: total.into(), page })
}

fn part(part: &ListedPart) -> AttributesPart {
    let checksum = part.checksum.map(|checksum| ChecksumValue::of(checksum, None));
    AttributesPart { number: part.number, size: part.size, checksum }
}
