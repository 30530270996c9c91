//! The S3 operations, one file each, all of one shape: the module doc says which action is needed, and `handle` first
//! gets the grant, then reads what is left of the request, acts, and answers.
//!
//! [`perform`] is the registry: its match is exhaustive over [`Operation`], so an operation that routing learns can not
//! be forgotten here. Two files serve many operations that are alike: [`absent_configurations`] reads the
//! configurations that no bucket has yet, and [`not_implemented`] refuses what is not there; each lists its operations
//! by name.

mod abort_multipart_upload;
mod absent_configurations;
mod complete_multipart_upload;
mod copy_object;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_bucket_cors;
mod delete_bucket_ownership_controls;
mod delete_bucket_policy;
mod delete_object;
mod delete_objects;
mod delete_public_access_block;
mod get_bucket_acl;
mod get_bucket_cors;
mod get_bucket_location;
mod get_bucket_ownership_controls;
mod get_bucket_policy;
mod get_bucket_policy_status;
mod get_bucket_versioning;
mod get_object;
mod get_object_acl;
mod get_object_attributes;
mod get_public_access_block;
mod head_bucket;
mod head_object;
mod list_buckets;
mod list_multipart_uploads;
pub(crate) mod list_object_versions;
mod list_objects;
pub(crate) mod list_objects_v2;
mod list_parts;
mod not_implemented;
mod post_object;
pub(crate) mod preflight_request;
mod put_bucket_acl;
mod put_bucket_cors;
mod put_bucket_ownership_controls;
mod put_bucket_policy;
mod put_bucket_versioning;
mod put_object;
mod put_object_acl;
mod put_public_access_block;
mod upload_part;
mod upload_part_copy;

use s3_protocol::post_form::PostForm;
use s3_protocol::{Operation, Query, S3Error, params};

use crate::call::{Call, Outcome};

/// Boxes a handler's future: they differ much in size, and the largest would otherwise be part of every connection.
macro_rules! boxed {
    ($handler:expr) => {
        Box::pin($handler).await
    };
}

/// Performs the operation that a request asks for. `form` is that of a PostObject.
pub(crate) async fn perform(call: Call<'_>, form: Option<PostForm>) -> Outcome {
    use Operation as Op;
    match call.route.operation {
        Op::AbortMultipartUpload => boxed!(abort_multipart_upload::handle(call)),
        Op::CompleteMultipartUpload => boxed!(complete_multipart_upload::handle(call)),
        Op::CopyObject => boxed!(copy_object::handle(call)),
        Op::CreateBucket => boxed!(create_bucket::handle(call)),
        Op::CreateMultipartUpload => boxed!(create_multipart_upload::handle(call)),
        Op::DeleteBucket => boxed!(delete_bucket::handle(call)),
        Op::DeleteBucketCors => boxed!(delete_bucket_cors::handle(call)),
        Op::DeleteBucketOwnershipControls => boxed!(delete_bucket_ownership_controls::handle(call)),
        Op::DeleteBucketPolicy => boxed!(delete_bucket_policy::handle(call)),
        Op::DeleteObject => boxed!(delete_object::handle(call)),
        Op::DeleteObjects => boxed!(delete_objects::handle(call)),
        Op::DeletePublicAccessBlock => boxed!(delete_public_access_block::handle(call)),
        Op::GetBucketAcl => boxed!(get_bucket_acl::handle(call)),
        Op::GetBucketCors => boxed!(get_bucket_cors::handle(call)),
        Op::GetBucketLocation => boxed!(get_bucket_location::handle(call)),
        Op::GetBucketOwnershipControls => boxed!(get_bucket_ownership_controls::handle(call)),
        Op::GetBucketPolicy => boxed!(get_bucket_policy::handle(call)),
        Op::GetBucketPolicyStatus => boxed!(get_bucket_policy_status::handle(call)),
        Op::GetBucketVersioning => boxed!(get_bucket_versioning::handle(call)),
        Op::GetObject => boxed!(get_object::handle(call)),
        Op::GetObjectAcl => boxed!(get_object_acl::handle(call)),
        Op::GetObjectAttributes => boxed!(get_object_attributes::handle(call)),
        Op::GetPublicAccessBlock => boxed!(get_public_access_block::handle(call)),
        Op::HeadBucket => boxed!(head_bucket::handle(call)),
        Op::HeadObject => boxed!(head_object::handle(call)),
        Op::ListBuckets => boxed!(list_buckets::handle(call)),
        Op::ListMultipartUploads => boxed!(list_multipart_uploads::handle(call)),
        Op::ListObjectVersions => boxed!(list_object_versions::handle(call)),
        Op::ListObjects => boxed!(list_objects::handle(call)),
        Op::ListObjectsV2 => boxed!(list_objects_v2::handle(call)),
        Op::ListParts => boxed!(list_parts::handle(call)),
        Op::PostObject => boxed!(post_object::handle(call, form)),
        Op::PreflightRequest => boxed!(preflight_request::handle(call.service, &call.head, call.route)),
        Op::PutBucketAcl => boxed!(put_bucket_acl::handle(call)),
        Op::PutBucketCors => boxed!(put_bucket_cors::handle(call)),
        Op::PutBucketOwnershipControls => boxed!(put_bucket_ownership_controls::handle(call)),
        Op::PutBucketPolicy => boxed!(put_bucket_policy::handle(call)),
        Op::PutBucketVersioning => boxed!(put_bucket_versioning::handle(call)),
        Op::PutObject => boxed!(put_object::handle(call)),
        Op::PutObjectAcl => boxed!(put_object_acl::handle(call)),
        Op::PutPublicAccessBlock => boxed!(put_public_access_block::handle(call)),
        Op::UploadPart => boxed!(upload_part::handle(call)),
        Op::UploadPartCopy => boxed!(upload_part_copy::handle(call)),

        Op::DeleteBucketEncryption
        | Op::DeleteBucketLifecycle
        | Op::DeleteBucketReplication
        | Op::DeleteBucketTagging
        | Op::DeleteBucketWebsite
        | Op::DeleteObjectTagging
        | Op::GetBucketAccelerateConfiguration
        | Op::GetBucketEncryption
        | Op::GetBucketLifecycleConfiguration
        | Op::GetBucketLogging
        | Op::GetBucketNotificationConfiguration
        | Op::GetBucketReplication
        | Op::GetBucketRequestPayment
        | Op::GetBucketTagging
        | Op::GetBucketWebsite
        | Op::GetObjectLegalHold
        | Op::GetObjectLockConfiguration
        | Op::GetObjectRetention
        | Op::GetObjectTagging => boxed!(absent_configurations::handle(call)),

        Op::CreateBucketMetadataConfiguration
        | Op::CreateBucketMetadataTableConfiguration
        | Op::CreateSession
        | Op::DeleteBucketAnalyticsConfiguration
        | Op::DeleteBucketIntelligentTieringConfiguration
        | Op::DeleteBucketInventoryConfiguration
        | Op::DeleteBucketMetadataConfiguration
        | Op::DeleteBucketMetadataTableConfiguration
        | Op::DeleteBucketMetricsConfiguration
        | Op::DeleteObjectAnnotation
        | Op::GetBucketAbac
        | Op::GetBucketAnalyticsConfiguration
        | Op::GetBucketIntelligentTieringConfiguration
        | Op::GetBucketInventoryConfiguration
        | Op::GetBucketMetadataConfiguration
        | Op::GetBucketMetadataTableConfiguration
        | Op::GetBucketMetricsConfiguration
        | Op::GetObjectAnnotation
        | Op::GetObjectTorrent
        | Op::ListBucketAnalyticsConfigurations
        | Op::ListBucketIntelligentTieringConfigurations
        | Op::ListBucketInventoryConfigurations
        | Op::ListBucketMetricsConfigurations
        | Op::ListDirectoryBuckets
        | Op::ListObjectAnnotations
        | Op::PutBucketAbac
        | Op::PutBucketAccelerateConfiguration
        | Op::PutBucketAnalyticsConfiguration
        | Op::PutBucketEncryption
        | Op::PutBucketIntelligentTieringConfiguration
        | Op::PutBucketInventoryConfiguration
        | Op::PutBucketLifecycleConfiguration
        | Op::PutBucketLogging
        | Op::PutBucketMetricsConfiguration
        | Op::PutBucketNotificationConfiguration
        | Op::PutBucketReplication
        | Op::PutBucketRequestPayment
        | Op::PutBucketTagging
        | Op::PutBucketWebsite
        | Op::PutObjectAnnotation
        | Op::PutObjectLegalHold
        | Op::PutObjectLockConfiguration
        | Op::PutObjectRetention
        | Op::PutObjectTagging
        | Op::RenameObject
        | Op::RestoreObject
        | Op::SelectObjectContent
        | Op::UpdateBucketMetadataAnnotationTableConfiguration
        | Op::UpdateBucketMetadataInventoryTableConfiguration
        | Op::UpdateBucketMetadataJournalTableConfiguration
        | Op::UpdateObjectEncryption
        | Op::WriteGetObjectResponse => boxed!(not_implemented::handle(call)),
    }
}

/// The number of a part, for the operations that can not do without.
///
/// # Errors
/// InvalidArgument.
fn part_number(query: &Query) -> Result<u16, S3Error> {
    let missing = || S3Error::invalid_argument("partNumber", "", "A part must have a number from 1 to 10000.");
    params::part_number(query)?.ok_or_else(missing)
}
