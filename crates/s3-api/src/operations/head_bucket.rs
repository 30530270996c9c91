//! HeadBucket: whether there is such a bucket and the caller may list it. Needs `s3:ListBucket`.

use access::action;
use http::HeaderName;

use crate::call::{Call, Outcome, Reply};

const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::ListBucket>().await?;
    Ok(Reply::ok().with(BUCKET_REGION, call.region_of(&found.bucket)))
}
