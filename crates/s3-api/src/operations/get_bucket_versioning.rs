//! GetBucketVersioning. Needs `s3:GetBucketVersioning`.

use access::action;
use objects::Versioning;
use s3_protocol::xml::versioning_configuration::{self, VersioningStatus};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketVersioning>().await?;
    let status = match found.bucket.versioning {
        Versioning::Unversioned => None,
        Versioning::Enabled => Some(VersioningStatus::Enabled),
        Versioning::Suspended => Some(VersioningStatus::Suspended),
    };
    Ok(Reply::xml(versioning_configuration::to_xml(status)))
}
