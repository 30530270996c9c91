//! PutBucketOwnershipControls. Needs `s3:PutBucketOwnershipControls`.

use access::action;
use s3_protocol::xml::{MAX_DOCUMENT_BYTES, ownership_controls};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketOwnershipControls>().await?;
    let ownership = ownership_controls::parse(&call.document(MAX_DOCUMENT_BYTES).await?)?;
    let put = call.service.objects.put_bucket_ownership(&grant, Some(ownership)).await;
    put.map_err(|error| call.error(error))?;
    Ok(Reply::ok())
}
