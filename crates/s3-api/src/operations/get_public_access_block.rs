//! GetPublicAccessBlock. Needs `s3:GetBucketPublicAccessBlock`.

use access::action;
use s3_protocol::xml::public_access_block_configuration;
use s3_protocol::{ErrorCode, S3Error};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketPublicAccessBlock>().await?;
    match found.bucket.public_access {
        Some(block) => Ok(Reply::xml(public_access_block_configuration::to_xml(block))),
        None => Err(S3Error::new(ErrorCode::NoSuchPublicAccessBlockConfiguration)
            .with_field("BucketName", found.bucket.name.as_str())),
    }
}
