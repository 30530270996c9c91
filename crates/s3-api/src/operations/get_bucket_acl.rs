//! GetBucketAcl. Needs `s3:GetBucketAcl`.

use access::action;

use crate::acl;
use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, _) = call.on_bucket::<action::GetBucketAcl>().await?;
    Ok(Reply::xml(acl::shown(Some(&found.bucket.owner), &found.bucket.acl).to_xml()))
}
