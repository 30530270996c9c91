//! PutBucketCors. Needs `s3:PutBucketCORS`. The rules take the place of those before; what is not understood is refused.

use access::action;
use s3_protocol::xml::cors_configuration;

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (_, grant) = call.on_bucket::<action::PutBucketCORS>().await?;
    let cors = cors_configuration::parse(&call.document(cors_configuration::MAX_BYTES).await?)?;
    let put = call.service.objects.put_bucket_cors(&grant, Some(cors)).await;
    put.map_err(|error| call.error(error))?;
    Ok(Reply::ok())
}
