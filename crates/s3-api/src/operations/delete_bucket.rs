//! DeleteBucket. Needs `s3:DeleteBucket`. The bucket must be empty, of versions and uploads too.

use access::action;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::DeleteBucket>().await?;
    call.service.objects.delete_bucket(&grant).await.map_err(|error| call.error(error))?;
    call.service.pages.forget(found.bucket.id);
    Ok(Reply::no_content())
}
