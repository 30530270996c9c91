//! UploadPart. Needs `s3:PutObject`. A part of the same number is replaced.

use http::header::ETAG;
use s3_protocol::params;

use crate::call::{Call, Outcome, Reply};
use crate::content::RequestContent;
use crate::{object_headers, refused_headers};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_write().await?;
    refused_headers::of_read(call.headers())?;
    let upload = params::upload_id(call.query())?;
    let number = super::part_number(call.query())?;
    let mut content = RequestContent::of(&call)?;
    let written = call.service.objects.upload_part(&grant, upload, number, &mut content).await;
    let written = written.map_err(|error| call.upload_error(error, upload))?;
    let mut reply = Reply::ok().with(ETAG, written.etag.quoted());
    if let Some(checksum) = written.checksum {
        object_headers::write_part_checksum(checksum, &mut reply.headers);
    }
    Ok(reply)
}
