//! PutBucketPolicy: stored byte for byte, in the dialect of AWS or of Swarm. Needs `s3:PutBucketPolicy`, which the bucket's
//! owner and the managers of the tenancy always have.
//!
//! `If-Match` and `If-None-Match` go by the `ETag` of GetBucketPolicy, so that of two people who edit one policy the
//! second is told (412) and nothing is lost.

use access::action;
use http::header::ETAG;
use objects::policy_etag;
use policy::Policy;
use s3_protocol::xml::MAX_DOCUMENT_BYTES;
use s3_protocol::{ErrorCode, S3Error, headers};

use crate::authorize::denied;
use crate::call::{Call, Outcome, Reply};

/// Says that the caller knows that the policy takes from them the right to change it.
const CONFIRM: &str = "x-amz-confirm-remove-self-bucket-access";

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket_as_member::<action::PutBucketPolicy>().await?;
    let document = call.document(MAX_DOCUMENT_BYTES).await?;
    let malformed =
        |error: policy::PolicyError| S3Error::new(ErrorCode::MalformedPolicy).with_message(error.to_string());
    let policy = Policy::parse(&document).map_err(malformed)?;
    policy.check_resources(&grant.bucket().bucket).map_err(malformed)?;
    if !headers::flag(call.headers(), CONFIRM) && !call.keeps_policy(&found, &policy) {
        let message = "Under this policy you could not change the bucket's policy again. To put it all the same, send \
                       x-amz-confirm-remove-self-bucket-access: true.";
        return Err(denied().with_message(message));
    }
    let etag = policy_etag(&policy);
    let conditions = headers::conditions(call.headers());
    let put = call.service.objects.put_bucket_policy(&grant, policy, conditions).await;
    put.map_err(|error| call.error(error))?;
    Ok(Reply::no_content().with(ETAG, etag.quoted()))
}
