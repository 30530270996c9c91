//! PutBucketVersioning. Needs `s3:PutBucketVersioning`.

use access::action;
use objects::Versioning;
use s3_protocol::xml::MAX_DOCUMENT_BYTES;
use s3_protocol::xml::versioning_configuration::{self, VersioningStatus};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketVersioning>().await?;
    let body = call.document(MAX_DOCUMENT_BYTES).await?;
    let versioning = match versioning_configuration::parse(&body)? {
        VersioningStatus::Enabled => Versioning::Enabled,
        VersioningStatus::Suspended => Versioning::Suspended,
    };
    let put = call.service.objects.put_bucket_versioning(&grant, versioning).await;
    put.map_err(|error| call.error(error))?;
    Ok(Reply::ok())
}
