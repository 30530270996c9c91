//! DeleteBucketOwnershipControls. Needs `s3:PutBucketOwnershipControls`. Objects are their writers' from then on.

use access::action;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketOwnershipControls>().await?;
    let deleted = call.service.objects.put_bucket_ownership(&grant, None).await;
    deleted.map_err(|error| call.error(error))?;
    Ok(Reply::no_content())
}
