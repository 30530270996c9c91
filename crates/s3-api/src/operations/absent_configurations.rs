//! The configurations that no bucket and no object has yet: what AWS answers for one that has none, to those who may read
//! or remove it. Clients ask for these in passing (`s3cmd info` reads lifecycle and payment), and remove
//! them to be sure (deleting what is not there succeeds).
//!
//! Each operation needs the AWS action of the same name; GetBucketTagging needs `s3:GetBucketTagging`, and so on.

use access::{ActionType, BucketTarget, ObjectTarget, action};
use http::StatusCode;
use s3_protocol::xml::{bucket_settings, tagging};
use s3_protocol::{ErrorCode, Operation, S3Error, params};

use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    use Operation as Op;
    let call = &call;
    match call.route.operation {
        Op::DeleteBucketEncryption => nothing_on_bucket::<action::PutEncryptionConfiguration>(call).await,
        Op::DeleteBucketLifecycle => nothing_on_bucket::<action::PutLifecycleConfiguration>(call).await,
        Op::DeleteBucketReplication => nothing_on_bucket::<action::PutReplicationConfiguration>(call).await,
        Op::DeleteBucketTagging => nothing_on_bucket::<action::PutBucketTagging>(call).await,
        Op::DeleteBucketWebsite => nothing_on_bucket::<action::DeleteBucketWebsite>(call).await,
        Op::DeleteObjectTagging => {
            let removed = on_object::<action::DeleteObjectTagging>(call, Ok(String::new())).await;
            removed.map(|_| Reply::empty(StatusCode::NO_CONTENT))
        }
        Op::GetBucketAccelerateConfiguration => {
            on_bucket::<action::GetAccelerateConfiguration>(call, Ok(bucket_settings::no_acceleration())).await
        }
        Op::GetBucketEncryption => {
            let none = ErrorCode::ServerSideEncryptionConfigurationNotFoundError;
            on_bucket::<action::GetEncryptionConfiguration>(call, Err(none)).await
        }
        Op::GetBucketLifecycleConfiguration => {
            let none = ErrorCode::NoSuchLifecycleConfiguration;
            on_bucket::<action::GetLifecycleConfiguration>(call, Err(none)).await
        }
        Op::GetBucketLogging => on_bucket::<action::GetBucketLogging>(call, Ok(bucket_settings::no_logging())).await,
        Op::GetBucketNotificationConfiguration => {
            on_bucket::<action::GetBucketNotification>(call, Ok(bucket_settings::no_notification())).await
        }
        Op::GetBucketReplication => {
            let none = ErrorCode::ReplicationConfigurationNotFoundError;
            on_bucket::<action::GetReplicationConfiguration>(call, Err(none)).await
        }
        Op::GetBucketRequestPayment => {
            on_bucket::<action::GetBucketRequestPayment>(call, Ok(bucket_settings::owner_pays())).await
        }
        Op::GetBucketTagging => on_bucket::<action::GetBucketTagging>(call, Err(ErrorCode::NoSuchTagSet)).await,
        Op::GetBucketWebsite => {
            on_bucket::<action::GetBucketWebsite>(call, Err(ErrorCode::NoSuchWebsiteConfiguration)).await
        }
        Op::GetObjectLockConfiguration => {
            let none = ErrorCode::ObjectLockConfigurationNotFoundError;
            on_bucket::<action::GetBucketObjectLockConfiguration>(call, Err(none)).await
        }
        Op::GetObjectTagging => on_object::<action::GetObjectTagging>(call, Ok(tagging::to_xml(&[]))).await,
        Op::GetObjectLegalHold => {
            on_object::<action::GetObjectLegalHold>(call, Err(ErrorCode::NoSuchObjectLockConfiguration)).await
        }
        Op::GetObjectRetention => {
            on_object::<action::GetObjectRetention>(call, Err(ErrorCode::NoSuchObjectLockConfiguration)).await
        }
        other => Err(S3Error::not_implemented(other.name())),
    }
}

async fn on_bucket<A>(call: &Call<'_>, answer: Result<String, ErrorCode>) -> Outcome
where
    A: ActionType<Target = BucketTarget>,
{
    let (found, _) = call.on_bucket::<A>().await?;
    answer.map(Reply::xml).map_err(|none| S3Error::new(none).with_field("BucketName", found.bucket.name.as_str()))
}

/// There is nothing to remove.
async fn nothing_on_bucket<A>(call: &Call<'_>) -> Outcome
where
    A: ActionType<Target = BucketTarget>,
{
    call.on_bucket::<A>().await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The object must exist: what has no tags is another matter than what is not there.
async fn on_object<A>(call: &Call<'_>, answer: Result<String, ErrorCode>) -> Outcome
where
    A: ActionType<Target = ObjectTarget>,
{
    let version = params::version_id(call.query())?;
    let (found, granted) = call.on_object::<A>(version).await?;
    if granted.seen.is_none() {
        call.check_exists(&found, call.key()?, version).await?;
    }
    answer.map(Reply::xml).map_err(S3Error::new)
}
