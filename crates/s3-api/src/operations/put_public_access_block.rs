//! PutPublicAccessBlock. Needs `s3:PutBucketPublicAccessBlock`. What is public already stays as it is set, and counts no
//! more where the block says so.

use access::action;
use s3_protocol::xml::{MAX_DOCUMENT_BYTES, public_access_block_configuration};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketPublicAccessBlock>().await?;
    let block = public_access_block_configuration::parse(&call.document(MAX_DOCUMENT_BYTES).await?)?;
    let put = call.service.objects.put_public_access_block(&grant, Some(block)).await;
    put.map_err(|error| call.error(error))?;
    Ok(Reply::ok())
}
