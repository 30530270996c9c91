//! The operations that are not there: 501, after authorization where there is an action to authorize, so that nobody
//! learns from it which buckets there are. The others say 501 to everyone without looking at the bucket.
//!
//! PutBucketTagging, PutBucketWebsite and the like need the AWS action of the same configuration.

use access::{ActionType, BucketTarget, ObjectTarget, action};
use s3_protocol::{ErrorCode, Operation, S3Error, params};

use crate::call::{Call, Outcome};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    use Operation as Op;
    match call.route.operation {
        Op::PutBucketTagging => on_bucket::<action::PutBucketTagging>(&call).await,
        Op::PutBucketLifecycleConfiguration => on_bucket::<action::PutLifecycleConfiguration>(&call).await,
        Op::PutBucketEncryption => on_bucket::<action::PutEncryptionConfiguration>(&call).await,
        Op::PutBucketWebsite => on_bucket::<action::PutBucketWebsite>(&call).await,
        Op::PutBucketLogging => on_bucket::<action::PutBucketLogging>(&call).await,
        Op::PutBucketNotificationConfiguration => on_bucket::<action::PutBucketNotification>(&call).await,
        Op::PutBucketReplication => on_bucket::<action::PutReplicationConfiguration>(&call).await,
        Op::PutBucketRequestPayment => on_bucket::<action::PutBucketRequestPayment>(&call).await,
        Op::PutBucketAccelerateConfiguration => on_bucket::<action::PutAccelerateConfiguration>(&call).await,
        Op::PutObjectLockConfiguration => on_bucket::<action::PutBucketObjectLockConfiguration>(&call).await,
        Op::PutObjectTagging => on_object::<action::PutObjectTagging>(&call).await,
        Op::PutObjectRetention => on_object::<action::PutObjectRetention>(&call).await,
        Op::PutObjectLegalHold => on_object::<action::PutObjectLegalHold>(&call).await,
        Op::RestoreObject => on_object::<action::RestoreObject>(&call).await,
        Op::GetObjectTorrent | Op::SelectObjectContent => on_object::<action::GetObject>(&call).await,
        _ => Err(refusal(&call)),
    }
}

async fn on_bucket<A: ActionType<Target = BucketTarget>>(call: &Call<'_>) -> Outcome {
    call.on_bucket::<A>().await?;
    Err(refusal(call))
}

async fn on_object<A: ActionType<Target = ObjectTarget>>(call: &Call<'_>) -> Outcome {
    call.on_object::<A>(params::version_id(call.query())?).await?;
    Err(refusal(call))
}

fn refusal(call: &Call<'_>) -> S3Error {
    let operation = call.route.operation.name();
    S3Error::new(ErrorCode::NotImplemented)
        .with_message(format!("{operation} is not implemented."))
        .with_field("Operation", operation)
}
