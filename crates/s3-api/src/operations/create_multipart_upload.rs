//! CreateMultipartUpload. Needs `s3:PutObject`.

use http::{HeaderName, HeaderValue};
use objects::multipart::NewUpload;
use s3_protocol::xml::initiate_multipart_upload::InitiateMultipartUploadResult;
use s3_protocol::{Claims, S3Error};
use types::{ChecksumAlgorithm, ChecksumType};

use crate::call::{Call, Outcome, Reply};
use crate::{metadata, refused_headers};

const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-checksum-algorithm");
const TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_write().await?;
    refused_headers::of_write(call.headers())?;
    let new = NewUpload {
        metadata: metadata::read(call.headers())?,
        acl: call.acl_of_upload(call.headers(), &found, &grant).await?,
        checksum: checksum(&Claims::parse(call.headers())?)?,
    };
    let initiated = call.service.objects.create_upload(&grant, new).await.map_err(|error| call.error(error))?;
    let result = InitiateMultipartUploadResult {
        bucket: found.bucket.name.to_string(),
        key: call.key()?.as_str().to_owned(),
        upload_id: initiated.upload.to_string(),
    };
    let mut reply = Reply::xml(result.to_xml());
    if let Some((algorithm, kind)) = initiated.checksum {
        reply.headers.insert(ALGORITHM, HeaderValue::from_static(algorithm.name()));
        reply.headers.insert(TYPE, HeaderValue::from_static(kind.name()));
    }
    Ok(reply)
}

/// The checksum that the parts will have, with the type that its algorithm has where none is named.
fn checksum(claims: &Claims) -> Result<Option<(ChecksumAlgorithm, ChecksumType)>, S3Error> {
    let Some(algorithm) = claims.named else {
        return match claims.kind {
            None => Ok(None),
            Some(_) => Err(S3Error::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let kind = claims.kind.unwrap_or(algorithm.default_type());
    if algorithm.supports(kind) {
        return Ok(Some((algorithm, kind)));
    }
    let (kind, algorithm) = (kind.name(), algorithm.name().to_lowercase());
    Err(S3Error::invalid_request(format!(
        "The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
    )))
}
