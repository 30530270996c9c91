//! GetBucketPolicyStatus: whether the bucket is public, by its policy or by its ACL, as far as the public access block lets
//! them count. Needs `s3:GetBucketPolicyStatus`. A bucket without a policy is not public by one.

use access::action;
use policy::Policy;
use s3_protocol::xml::bucket_settings;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketPolicyStatus>().await?;
    let bucket = &*found.bucket;
    let block = bucket.public_access_block();
    let by_policy = bucket.policy.as_ref().is_some_and(Policy::is_public) && !block.restrict_public_buckets;
    let acls_count = bucket.object_ownership().counts_acls() && !block.ignore_public_acls;
    Ok(Reply::xml(bucket_settings::policy_status(by_policy || acls_count && bucket.acl.is_public())))
}
