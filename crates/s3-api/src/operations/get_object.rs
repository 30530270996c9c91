//! GetObject. Needs `s3:GetObject`, or `s3:GetObjectVersion` where a version is named; the object's own ACL may give it.

use access::action;
use s3_protocol::params;

use crate::body::Content;
use crate::call::{Call, Outcome};
use crate::object_headers;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<action::GetObject>(version).await?;
    let request = object_headers::read_request(&call)?;
    let read = call.service.objects.get_object(&granted.grant, &request, granted.seen).await;
    let read = read.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    let mut reply = object_headers::reply(&call, &read.head)?;
    reply.content = Content::from(read.body);
    Ok(reply)
}
