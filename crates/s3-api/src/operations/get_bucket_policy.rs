//! GetBucketPolicy: the document, byte for byte as it was put. Needs `s3:GetBucketPolicy`, which the bucket's owner and the
//! managers of the tenancy always have. The `ETag` is for `If-Match` when the policy is put again.

use access::action;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, ETAG};
use objects::policy_etag;

use crate::call::{Call, Outcome, Reply};
use crate::errors;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket_as_member::<action::GetBucketPolicy>().await?;
    let bucket = &*found.bucket;
    let policy = bucket.policy.as_ref().ok_or_else(|| errors::no_bucket_policy(Some(&bucket.name)))?;
    let mut reply = Reply::xml(policy.document().to_owned()).with(ETAG, policy_etag(policy).quoted());
    reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(reply)
}
