//! CopyObject. Needs `s3:PutObject` for the destination and `s3:GetObject` (`s3:GetObjectVersion` where a version is
//! named) for the source.

use http::HeaderName;
use objects::object::{CopyRequest, MetadataDirective};
use s3_protocol::headers::{self, Directive};
use s3_protocol::xml::ChecksumValue;
use s3_protocol::xml::copy_result::{CopyKind, CopyResult};
use s3_protocol::{Claims, S3Error};

use crate::call::{Call, Outcome, Reply};
use crate::object_headers::checksum_text;
use crate::{copy_source, metadata, refused_headers};

const SOURCE_VERSION: HeaderName = HeaderName::from_static("x-amz-copy-source-version-id");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, destination) = call.on_write().await?;
    let (source, from, grant) = copy_source::authorize(&call).await?;
    let request = CopyRequest {
        metadata: directive(&call)?,
        storage_class: metadata::storage_class(call.headers())?,
        acl: call.acl_of_upload(call.headers(), &found, &destination).await?,
        source_conditions: headers::copy_source_conditions(call.headers()),
        conditions: headers::conditions(call.headers()),
        checksum_algorithm: Claims::parse(call.headers())?.named,
    };
    let copied = call.service.objects.copy_object(&grant, &destination, request).await;
    let copied = copied.map_err(|error| call.conceal(&from, call.copy_error(error, &source)))?;
    let written = copied.written;
    let result = CopyResult {
        kind: CopyKind::Object,
        last_modified: written.last_modified,
        etag: written.etag,
        checksum: written.checksum.map(|checksum| ChecksumValue {
            algorithm: checksum.value.algorithm,
            value: checksum_text(checksum, written.etag.parts),
            kind: Some(checksum.kind),
        }),
    };
    let reply = Reply::xml(result.to_xml()).with_version(written.version);
    Ok(match copied.source_version {
        Some(version) => reply.with(SOURCE_VERSION, version.to_string()),
        None => reply,
    })
}

/// Whose metadata the copy gets. No object has tags, so copying them is done already.
fn directive(call: &Call<'_>) -> Result<MetadataDirective, S3Error> {
    let headers = call.headers();
    if headers::directive(headers, "x-amz-tagging-directive")? == Directive::Replace {
        return Err(S3Error::not_implemented("x-amz-tagging-directive"));
    }
    refused_headers::of_write(headers)?;
    match headers::directive(headers, "x-amz-metadata-directive")? {
        Directive::Copy => Ok(MetadataDirective::Copy),
        Directive::Replace => Ok(MetadataDirective::Replace(metadata::read(headers)?)),
    }
}
