//! DeleteBucketCors. Needs `s3:PutBucketCORS`. Where there are no rules it succeeds.

use access::action;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketCORS>().await?;
    let deleted = call.service.objects.put_bucket_cors(&grant, None).await;
    deleted.map_err(|error| call.error(error))?;
    Ok(Reply::no_content())
}
