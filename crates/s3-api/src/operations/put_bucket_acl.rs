//! PutBucketAcl. Needs `s3:PutBucketAcl`.

use access::action;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::PutBucketAcl>().await?;
    let owner = &found.bucket.owner;
    let acl = call.acl_of_request(Some(owner), owner).await?;
    call.service.objects.put_bucket_acl(&grant, acl).await.map_err(|error| call.error(error))?;
    Ok(Reply::ok())
}
