//! AbortMultipartUpload. Needs `s3:AbortMultipartUpload`.

use access::action;
use s3_protocol::params;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_place::<action::AbortMultipartUpload>(None).await?;
    let upload = params::upload_id(call.query())?;
    let aborted = call.service.objects.abort_upload(&grant, upload).await;
    aborted.map_err(|error| call.upload_error(error, upload))?;
    Ok(Reply::no_content())
}
