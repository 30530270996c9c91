//! GetBucketLocation. Needs `s3:GetBucketLocation`. Told is the constraint that the bucket was made with, else the
//! region of the installation; us-east-1 is the empty constraint.

use access::action;
use s3_protocol::xml::bucket_settings;

use crate::call::{Call, Outcome, Reply};

const UNTOLD: &str = "us-east-1";

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketLocation>().await?;
    let region = Some(call.region_of(&found.bucket)).filter(|region| *region != UNTOLD);
    Ok(Reply::xml(bucket_settings::location_constraint(region)))
}
