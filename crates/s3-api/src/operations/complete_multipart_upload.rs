//! CompleteMultipartUpload. Needs `s3:PutObject`.

use http::HeaderName;
use objects::multipart::{CompleteUpload, CompletedPart};
use s3_protocol::xml::ChecksumValue;
use s3_protocol::xml::complete_multipart_upload::{self as document, CompleteMultipartUploadResult};
use s3_protocol::{Claims, ErrorCode, S3Error, headers, params};

use crate::call::{Call, Outcome, Reply};
use crate::object_headers::checksum_text;
use crate::refused_headers;

const MP_OBJECT_SIZE: HeaderName = HeaderName::from_static("x-amz-mp-object-size");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_write().await?;
    refused_headers::of_read(call.headers())?;
    let upload = params::upload_id(call.query())?;
    // A checksum in the headers is that of the object, and not of the document.
    let claims = Claims::parse(call.headers())?;
    let body = call.payload()?.collect(document::MAX_REQUEST_BYTES).await?;
    let request = CompleteUpload {
        parts: document::parse(&body)?.into_iter().map(part).collect::<Result<_, _>>()?,
        checksum: claims.checksum,
        checksum_type: claims.kind,
        size: headers::number(call.headers(), &MP_OBJECT_SIZE)?,
        conditions: headers::conditions(call.headers()),
    };
    let written = call.service.objects.complete_upload(&grant, upload, request).await;
    let written = written.map_err(|error| call.upload_error(error, upload))?;
    let key = call.key()?;
    let result = CompleteMultipartUploadResult {
        location: call.url_of(&found.bucket.name, key),
        bucket: found.bucket.name.to_string(),
        key: key.as_str().to_owned(),
        etag: written.etag,
        checksum: written.checksum.map(|checksum| ChecksumValue {
            algorithm: checksum.value.algorithm,
            value: checksum_text(checksum, written.etag.parts),
            kind: Some(checksum.kind),
        }),
    };
    Ok(Reply::xml(result.to_xml()).with_version(written.version))
}

/// A part with a tag that is none is not there.
fn part(part: document::CompletedPart) -> Result<CompletedPart, S3Error> {
    let etag = part.etag.ok_or(ErrorCode::InvalidPart)?;
    Ok(CompletedPart { number: part.number, etag, checksum: part.checksum })
}
