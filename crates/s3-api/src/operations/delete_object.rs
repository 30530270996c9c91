//! DeleteObject. Needs `s3:DeleteObject`, or `s3:DeleteObjectVersion` where a version is named. What is not there is
//! deleted already.

use access::action;
use s3_protocol::{headers, params};

use crate::call::{Call, Outcome, Reply};
use crate::errors::DELETE_MARKER;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let version = params::version_id(call.query())?;
    let (_, grant) = call.on_place::<action::DeleteObject>(version).await?;
    let conditions = headers::delete_conditions(call.headers())?;
    let deleted = call.service.bulk.one(call.service.objects.delete_object(&grant, &conditions)).await;
    let deleted = deleted.map_err(|error| call.version_error(error, version))?;
    let reply = Reply::no_content().with_version(deleted.version);
    Ok(if deleted.delete_marker { reply.with(DELETE_MARKER, "true") } else { reply })
}
