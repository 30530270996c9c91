use crate::listing::{ListUploads, UploadPage};
use crate::multipart::{Attributes, CompleteUpload, Initiated, NewUpload, PartPage, WrittenPart};
use crate::object::{Copied, CopyRequest, Head, Written};
use crate::{Bucket, ObjectError, Objects, Payload};
use access::{Grant, action};
use policy::Acl;
use types::{ByteRange, Conditions, UploadId, VersionId};
type Result<T> = std::result::Result<T, ObjectError>;
#[allow(clippy::todo, unused_variables, missing_docs)]
impl Objects {
    pub(crate) async fn finish_interrupted(&self, bucket: &Bucket) -> Result<()> {
        Ok(())
    }
    pub(crate) async fn abort_all_uploads(&self, bucket: &Bucket) -> Result<usize> {
        Ok(0)
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
    pub async fn put_object_acl(&self, grant: &Grant<action::PutObjectAcl>, acl: Acl) -> Result<Option<VersionId>> {
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
}
