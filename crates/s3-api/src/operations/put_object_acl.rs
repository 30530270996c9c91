//! PutObjectAcl. Needs `s3:PutObjectAcl`, or `s3:PutObjectVersionAcl` where a version is named; the object's own ACL may
//! give it.

use access::action;
use s3_protocol::params;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, grant) = call.on_object::<action::PutObjectAcl>(version).await?;
    let facts = call.check_exists(&found, call.key()?, version).await?;
    let acl = call.acl_of_request(facts.owner.as_ref(), &found.bucket.owner).await?;
    let changed = call.service.objects.put_object_acl(&grant, acl).await;
    let changed = changed.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    Ok(Reply::ok().with_version(changed))
}
