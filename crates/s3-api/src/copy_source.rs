//! The source of CopyObject and UploadPartCopy.

use access::{Grant, action};
use http::HeaderName;
use s3_protocol::S3Error;
use s3_protocol::headers::{self, CopySource};

use crate::authorize::Found;
use crate::call::Call;

const SOURCE_EXPECTED_OWNER: HeaderName = HeaderName::from_static("x-amz-source-expected-bucket-owner");

/// The source that a copy names, its bucket, and a grant to read it.
///
/// # Errors
/// InvalidArgument where it can not be read, and those of [`Call::find`] and [`Call::object_grant`] for the source.
pub(crate) async fn authorize(call: &Call<'_>) -> Result<(CopySource, Found, Grant<action::GetObject>), S3Error> {
    let source = headers::copy_source(call.headers())?.ok_or_else(|| {
        S3Error::invalid_argument("x-amz-copy-source", "", "Copy Source must mention the source bucket and key")
    })?;
    let expected_owner = call.header(&SOURCE_EXPECTED_OWNER);
    let found = call.find(&source.bucket, expected_owner).await?;
    let grant = call.object_grant(&found, &source.key, source.version).await?.grant;
    Ok((source, found, grant))
}
