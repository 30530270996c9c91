//! GetBucketOwnershipControls. Needs `s3:GetBucketOwnershipControls`.

use access::action;
use s3_protocol::xml::ownership_controls;
use s3_protocol::{ErrorCode, S3Error};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketOwnershipControls>().await?;
    match found.bucket.ownership {
        Some(ownership) => Ok(Reply::xml(ownership_controls::to_xml(ownership))),
        None => Err(S3Error::new(ErrorCode::OwnershipControlsNotFoundError)
            .with_field("BucketName", found.bucket.name.as_str())),
    }
}
