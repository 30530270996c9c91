//! PutObjectAcl. Needs `s3:PutObjectAcl`, or `s3:PutObjectVersionAcl` where a version is named; the object's own ACL may
//! give it.

use access::action;
use s3_protocol::params;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<action::PutObjectAcl>(version).await?;
    let seen = match granted.seen {
        Some(seen) => seen,
        None => call.check_exists(&found, call.key()?, version).await?,
    };
    let owner = seen.facts().and_then(|facts| facts.owner);
    let acl = call.acl_of_request(owner, &found.bucket.owner).await?;
    let changed = call.service.objects.put_object_acl(&granted.grant, acl).await;
    let changed = changed.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    Ok(Reply::ok().with_version(changed))
}
