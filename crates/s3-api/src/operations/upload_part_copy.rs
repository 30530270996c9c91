//! UploadPartCopy. Needs `s3:PutObject` for the destination and `s3:GetObject` (`s3:GetObjectVersion` where a version is
//! named) for the source.

use http::HeaderName;
use objects::ObjectError;
use s3_protocol::xml::ChecksumValue;
use s3_protocol::xml::copy_result::{CopyKind, CopyResult};
use s3_protocol::{headers, params};

use crate::call::{Call, Outcome, Reply};
use crate::{copy_source, refused_headers};

const SOURCE_VERSION: HeaderName = HeaderName::from_static("x-amz-copy-source-version-id");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, destination) = call.on_write().await?;
    let (source, from, grant) = copy_source::authorize(&call).await?;
    refused_headers::of_read(call.headers())?;
    let upload = params::upload_id(call.query())?;
    let number = super::part_number(call.query())?;
    let range = headers::copy_source_range(call.headers())?;
    let conditions = headers::copy_source_conditions(call.headers());
    let objects = &call.service.objects;
    let written = objects.upload_part_copy(&grant, &destination, upload, number, range, &conditions).await;
    let written = written.map_err(|error| match error {
        ObjectError::NoSuchUpload => call.upload_error(error, upload),
        error => call.conceal(&from, call.copy_error(error, &source)),
    })?;
    let result = CopyResult {
        kind: CopyKind::Part,
        last_modified: written.last_modified,
        etag: written.etag,
        checksum: written.checksum.map(|checksum| ChecksumValue::of(checksum, None)),
    };
    let reply = Reply::xml(result.to_xml());
    Ok(match written.source_version {
        Some(version) => reply.with(SOURCE_VERSION, version.to_string()),
        None => reply,
    })
}
