//! DeleteBucketPolicy. Needs `s3:DeleteBucketPolicy`, which the bucket's owner and the managers of the tenancy always have.
//! Where there is no policy it succeeds. `If-Match` goes by the `ETag` of GetBucketPolicy.

use access::action;
use s3_protocol::headers;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket_as_member::<action::DeleteBucketPolicy>().await?;
    let deleted = call.service.objects.delete_bucket_policy(&grant, headers::conditions(call.headers())).await;
    deleted.map_err(|error| call.error(error))?;
    Ok(Reply::no_content())
}
