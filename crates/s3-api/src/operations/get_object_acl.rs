//! GetObjectAcl. Needs `s3:GetObjectAcl`, or `s3:GetObjectVersionAcl` where a version is named; the object's own ACL may
//! give it.

use access::action;
use s3_protocol::params;

use crate::acl;
use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<action::GetObjectAcl>(version).await?;
    let head = call.service.objects.object_acl(&granted.grant).await;
    let head = head.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    let (owner, acl) = acl::as_it_counts(&found.bucket, head.info.owner.as_ref(), &head.info.acl);
    let document = acl::shown(owner, &acl);
    Ok(Reply::xml(document.to_xml()).with_version(head.version))
}
