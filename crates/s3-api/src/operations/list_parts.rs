//! ListParts. Needs `s3:ListMultipartUploadParts`.

use access::action;
use objects::listing::{ListedPart, MAX_KEYS};
use s3_protocol::params;
use s3_protocol::xml::ChecksumValue;
use s3_protocol::xml::list_parts::{ListPartsResult, PartEntry};

use crate::acl::shown_owner;
use crate::call::{Call, Outcome, Reply};
use crate::listing::shown_class;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_place::<action::ListMultipartUploadParts>(None).await?;
    let upload = params::upload_id(call.query())?;
    let marker = params::part_number_marker(call.query())?;
    let max_parts = params::page_size(call.query(), "max-parts", MAX_KEYS as u32)?;
    // No part has a higher number than 10,000, so a marker above what fits is as good as the end.
    let after = u16::try_from(marker).unwrap_or(u16::MAX);
    let page = call.service.objects.list_parts(&grant, upload, after, max_parts as usize).await;
    let page = page.map_err(|error| call.upload_error(error, upload))?;
    let result = ListPartsResult {
        bucket: found.bucket.name.to_string(),
        key: call.key()?.as_str().to_owned(),
        upload_id: upload.to_string(),
        initiator: shown_owner(page.initiator.as_ref()),
        owner: shown_owner(page.owner.as_ref()),
        storage_class: shown_class(page.storage_class.as_deref()).to_owned(),
        part_number_marker: marker,
        next_part_number_marker: page.next.map(u32::from),
        max_parts,
        is_truncated: page.next.is_some(),
        checksum: page.checksum,
        parts: page.parts.into_iter().filter_map(entry).collect(),
    };
    Ok(Reply::xml(result.to_xml()))
}

/// The parts of an upload all have a tag and a time.
fn entry(part: ListedPart) -> Option<PartEntry> {
    Some(PartEntry {
        number: part.number,
        last_modified: part.last_modified?,
        etag: part.etag?,
        size: part.size,
        checksum: part.checksum.map(|checksum| ChecksumValue::of(checksum, None)),
    })
}
