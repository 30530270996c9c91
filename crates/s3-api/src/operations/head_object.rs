//! HeadObject: GetObject without the content. Needs what GetObject needs.

use access::action;
use s3_protocol::params;

use crate::call::{Call, Outcome};
use crate::object_headers;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<action::GetObject>(version).await?;
    let request = object_headers::read_request(&call)?;
    let head = call.service.objects.head_object(&granted.grant, &request, granted.seen).await;
    let head = head.map_err(|error| call.conceal(&found, call.version_error(error, version)))?;
    object_headers::reply(&call, &head)
}
