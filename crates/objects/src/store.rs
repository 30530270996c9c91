//! [`Objects`]: the store, as its operations see it.

use std::sync::Arc;

use access::{Grant, action};
use policy::Acl;
use storage::{Blobs, Metadata};
use types::{BucketName, ByteRange, Clock, Conditions, Entropy, TenancyName, UploadId};

use crate::bucket::{Bucket, NewBucket, Versioning};
use crate::error::ObjectError;
use crate::listing::{ListObjects, ListUploads, ListVersions, ObjectPage, UploadPage, VersionPage};
use crate::multipart::{Attributes, CompleteUpload, Initiated, NewUpload, PartPage, WrittenPart};
use crate::object::{Copied, CopyRequest, Deleted, Head, PutRequest, Read, ReadRequest, Written};
use crate::payload::Payload;

/// The objects of every tenancy.
pub struct Objects {
    metadata: Arc<dyn Metadata>,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

type Result<T> = std::result::Result<T, ObjectError>;

#[expect(clippy::todo, unused_variables, missing_docs, reason = "signatures first")]
impl Objects {
    pub fn new(
        metadata: Arc<dyn Metadata>,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { metadata, blobs, clock, entropy }
    }
    /// The bucket of this name, for decisions about it. Cheap: held in memory.
    pub async fn find_bucket(&self, tenancy: &TenancyName, name: &BucketName) -> Result<Option<Arc<Bucket>>> {
        todo!()
    }
    pub async fn create_bucket(&self, grant: &Grant<action::CreateBucket>, new: NewBucket) -> Result<Arc<Bucket>> {
        todo!()
    }
    pub async fn delete_bucket(&self, grant: &Grant<action::DeleteBucket>) -> Result<()> {
        todo!()
    }
    /// Every bucket of the tenancy, in the order of names; the caller keeps those that may be shown.
    pub async fn list_buckets(&self, grant: &Grant<action::ListAllMyBuckets>) -> Result<Vec<Arc<Bucket>>> {
        todo!()
    }
    pub async fn put_bucket_acl(&self, grant: &Grant<action::PutBucketAcl>, acl: Acl) -> Result<()> {
        todo!()
    }
    pub async fn put_bucket_versioning(
        &self,
        grant: &Grant<action::PutBucketVersioning>,
        versioning: Versioning,
    ) -> Result<()> {
        todo!()
    }
    /// Owner and ACL of an object, for the decision about it; `None` where it does not exist (or is a delete marker).
    pub async fn object_facts(
        &self,
        bucket: &Bucket,
        key: &types::ObjectKey,
        version: Option<types::VersionId>,
    ) -> Result<Option<policy::ObjectFacts>> {
        todo!()
    }
    pub async fn put_object(
        &self,
        grant: &Grant<action::PutObject>,
        request: PutRequest,
        payload: &mut dyn Payload,
    ) -> Result<Written> {
        todo!()
    }
    pub async fn get_object(&self, grant: &Grant<action::GetObject>, request: &ReadRequest) -> Result<Read> {
        todo!()
    }
    pub async fn head_object(&self, grant: &Grant<action::GetObject>, request: &ReadRequest) -> Result<Head> {
        todo!()
    }
    pub async fn delete_object(&self, grant: &Grant<action::DeleteObject>, conditions: &Conditions) -> Result<Deleted> {
        todo!()
    }
    pub async fn copy_object(
        &self,
        source: &Grant<action::GetObject>,
        destination: &Grant<action::PutObject>,
        request: CopyRequest,
    ) -> Result<Copied> {
        todo!()
    }
    pub async fn object_acl(&self, grant: &Grant<action::GetObjectAcl>) -> Result<Head> {
        todo!()
    }
    pub async fn put_object_acl(
        &self,
        grant: &Grant<action::PutObjectAcl>,
        acl: Acl,
    ) -> Result<Option<types::VersionId>> {
        todo!()
    }
    pub async fn object_attributes(
        &self,
        grant: &Grant<action::GetObjectAttributes>,
        conditions: &Conditions,
        part_marker: u16,
        max_parts: usize,
    ) -> Result<Attributes> {
        todo!()
    }
    pub async fn create_upload(&self, grant: &Grant<action::PutObject>, new: NewUpload) -> Result<Initiated> {
        todo!()
    }
    pub async fn upload_part(
        &self,
        grant: &Grant<action::PutObject>,
        upload: UploadId,
        number: u16,
        payload: &mut dyn Payload,
    ) -> Result<WrittenPart> {
        todo!()
    }
    pub async fn upload_part_copy(
        &self,
        source: &Grant<action::GetObject>,
        destination: &Grant<action::PutObject>,
        upload: UploadId,
        number: u16,
        range: Option<ByteRange>,
        source_conditions: &Conditions,
    ) -> Result<WrittenPart> {
        todo!()
    }
    pub async fn complete_upload(
        &self,
        grant: &Grant<action::PutObject>,
        upload: UploadId,
        request: CompleteUpload,
    ) -> Result<Written> {
        todo!()
    }
    pub async fn abort_upload(&self, grant: &Grant<action::AbortMultipartUpload>, upload: UploadId) -> Result<()> {
        todo!()
    }
    pub async fn list_parts(
        &self,
        grant: &Grant<action::ListMultipartUploadParts>,
        upload: UploadId,
        after: u16,
        max_parts: usize,
    ) -> Result<PartPage> {
        todo!()
    }
    pub async fn list_uploads(
        &self,
        grant: &Grant<action::ListBucketMultipartUploads>,
        request: &ListUploads,
    ) -> Result<UploadPage> {
        todo!()
    }
    pub async fn list_objects(&self, grant: &Grant<action::ListBucket>, request: &ListObjects) -> Result<ObjectPage> {
        todo!()
    }
    pub async fn list_versions(
        &self,
        grant: &Grant<action::ListBucketVersions>,
        request: &ListVersions,
    ) -> Result<VersionPage> {
        todo!()
    }
}
