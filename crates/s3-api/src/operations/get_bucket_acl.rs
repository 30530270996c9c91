//! GetBucketAcl. Needs `s3:GetBucketAcl`.

use access::action;

use crate::acl;
use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketAcl>().await?;
    let bucket = &*found.bucket;
    let (owner, acl) = acl::as_it_counts(bucket, Some(&bucket.owner), &bucket.acl);
    Ok(Reply::xml(acl::shown(owner, &acl).to_xml()))
}
