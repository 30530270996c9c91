//! PutObject.

use access::{Grant, action};
use types::{ChecksumAlgorithm, ChecksumType, ETag};

use crate::commit::{NewVersion, StoredHead};
use crate::conditions::{WriteTerms, check_write};
use crate::keyspace::KeyNames;
use crate::object::{ObjectChecksum, PutRequest, Written};
use crate::record::{ObjectRecord, VersionKind};
use crate::{ObjectError, Objects, Payload};

/// The checksum that objects get whose client names none, as AWS has it.
pub(crate) const DEFAULT_CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

impl Objects {
    /// Makes an object of a body. Nothing changes unless the body arrived whole and is what was claimed.
    ///
    /// # Errors
    /// [`ObjectError::PreconditionFailed`] and [`ObjectError::NoSuchKey`] by the conditions, which are looked at before
    /// the body is read and again with the commit; [`ObjectError::AccessControlListNotSupported`] and
    /// [`ObjectError::PublicAccessBlocked`]; [`ObjectError::BadDigest`], [`ObjectError::BadChecksum`],
    /// [`ObjectError::EntityTooLarge`], [`ObjectError::Payload`];
    /// [`ObjectError::AccessDenied`] where the grant is for a new key only and an object came meanwhile;
    /// [`ObjectError::QuotaExceeded`], before the body is read where its length is known.
    pub async fn put_object(
        &self,
        grant: &Grant<action::PutObject>,
        request: PutRequest,
        payload: &mut dyn Payload,
    ) -> Result<Written, ObjectError> {
        let bucket = self.bucket_of(grant.in_bucket()).await?;
        let (owner, acl) = bucket.admit_upload(grant.principal().user(), request.acl)?;
        if !request.conditions.is_empty() {
            let head = self.read_head(bucket.space(), &KeyNames::new(grant.key())).await?;
            check_write(&request.conditions, head.as_ref().and_then(StoredHead::etag))?;
        }
        self.check_room_for_object(&bucket, grant.key(), owner.as_ref(), payload.length()).await?;
        let algorithm = payload.checksum_algorithm().unwrap_or(DEFAULT_CHECKSUM);
        let _upload = self.together.small.upload();
        let body = self.receive(payload, &[algorithm]).await?;
        let checksum =
            body.digest.checksum(algorithm).map(|value| ObjectChecksum { value, kind: ChecksumType::FullObject });
        let (etag, size) = (ETag::whole(body.digest.md5), body.size);
        let object = ObjectRecord { size, etag, checksum, acl, metadata: request.metadata, content: body.content() };
        let mut new = NewVersion::new(self, owner, VersionKind::Object(object));
        new.blobs = body.blobs;
        let terms = WriteTerms { conditions: &request.conditions, existence: grant.existence() };
        let committed = self.write_version(grant.in_bucket(), grant.key(), new, terms).await?;
        Ok(Written { etag, version: committed.version(), checksum, size, last_modified: committed.modified })
    }
}
