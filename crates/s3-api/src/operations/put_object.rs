//! PutObject. Needs `s3:PutObject`. An object that is there is replaced, or becomes an older version.

use http::header::ETAG;
use objects::object::{PutRequest, Written};
use s3_protocol::headers;

use crate::call::{Call, Outcome, Reply};
use crate::content::RequestContent;
use crate::{metadata, object_headers, refused_headers};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_write().await?;
    refused_headers::of_write(call.headers())?;
    let request = PutRequest {
        metadata: metadata::read(call.headers())?,
        acl: call.acl_of_upload(call.headers(), &found, &grant).await?,
        conditions: headers::conditions(call.headers()),
    };
    let mut content = RequestContent::of(&call)?;
    let written = call.service.objects.put_object(&grant, request, &mut content).await;
    written.map(|written| reply(&written)).map_err(|error| call.error(error))
}

/// What is told of an object that was written.
pub(super) fn reply(written: &Written) -> Reply {
    let mut reply = Reply::ok().with(ETAG, written.etag.quoted()).with_version(written.version);
    if let Some(checksum) = written.checksum {
        object_headers::write_checksum(checksum, written.etag.parts, &mut reply.headers);
    }
    reply
}
