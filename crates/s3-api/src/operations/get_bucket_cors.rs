//! GetBucketCors. Needs `s3:GetBucketCORS`.

use access::action;
use s3_protocol::xml::cors_configuration;
use s3_protocol::{ErrorCode, S3Error};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketCORS>().await?;
    match &found.bucket.cors {
        Some(cors) => Ok(Reply::xml(cors_configuration::to_xml(cors))),
        None => {
            Err(S3Error::new(ErrorCode::NoSuchCORSConfiguration).with_field("BucketName", found.bucket.name.as_str()))
        }
    }
}
