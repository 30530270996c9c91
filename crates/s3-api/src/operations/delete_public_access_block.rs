//! DeletePublicAccessBlock. Needs `s3:PutBucketPublicAccessBlock`.

use access::action;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketPublicAccessBlock>().await?;
    let deleted = call.service.objects.put_public_access_block(&grant, None).await;
    deleted.map_err(|error| call.error(error))?;
    Ok(Reply::no_content())
}
