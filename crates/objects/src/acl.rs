//! GetObjectAcl and PutObjectAcl.

use access::{Grant, action};
use policy::Acl;
use storage::{Batch, CommitError, Expect};
use types::{Conditions, VersionId, WriteId};

use crate::commit::{ATTEMPTS, expect_head, not_committed, told, unknown};
use crate::keyspace::KeyNames;
use crate::object::Head;
use crate::record::{self, VersionKind};
use crate::{ObjectError, Objects};

impl Objects {
    /// What is known of an object, its ACL included.
    ///
    /// # Errors
    /// As for [`Objects::head_object`].
    pub async fn object_acl(&self, grant: &Grant<action::GetObjectAcl>) -> Result<Head, ObjectError> {
        let target = grant.target();
        let object = self.readable(&target.bucket, &target.key, target.version, &Conditions::default()).await?;
        Ok(Head { info: object.info, version: object.version, range: None, parts: None, part_checksum: None })
    }

    /// Replaces the ACL of a version, which stays the version it is; answers its id to tell.
    ///
    /// # Errors
    /// As for [`Objects::head_object`]; [`ObjectError::AccessControlListNotSupported`],
    /// [`ObjectError::PublicAccessBlocked`].
    pub async fn put_object_acl(
        &self,
        grant: &Grant<action::PutObjectAcl>,
        acl: Acl,
    ) -> Result<Option<VersionId>, ObjectError> {
        let target = grant.target();
        let names = KeyNames::new(&target.key);
        let bucket = self.bucket_of(&target.bucket).await?;
        bucket.admit_acl(&acl)?;
        let write = WriteId::random(&*self.entropy);
        let _turn = self.locks.key(bucket.space(), &target.key).await;
        for _ in 0..ATTEMPTS {
            let Some(found) = self.find_version(&bucket, &target.key, target.version).await? else {
                return Err(if target.version.is_some() { ObjectError::NoSuchVersion } else { ObjectError::NoSuchKey });
            };
            let mut record = found.record().clone();
            let version = record.id();
            // A commit without an answer went through.
            if record.write == write {
                return Ok(told(bucket.versioning, version));
            }
            let last_modified = record.modified;
            match &mut record.kind {
                VersionKind::Object(object) => object.acl = acl.clone(),
                VersionKind::DeleteMarker if target.version.is_none() => {
                    return Err(ObjectError::DeleteMarker { version });
                }
                VersionKind::DeleteMarker => {
                    return Err(ObjectError::MethodNotAllowedOnDeleteMarker { version, last_modified });
                }
            }
            record.write = write;
            let mut batch = Batch::default();
            match found.older.as_deref() {
                None => {
                    batch.expect.push(expect_head(&names, Some(&found.head)));
                    batch.put.push((names.head(), record::encode_head(&record, found.head.record.null_at)?));
                }
                Some((raw, _)) => {
                    batch.expect.push(Expect::Value(names.older(record.order), raw.clone()));
                    batch.put.push((names.older(record.order), record::encode(&record)?));
                }
            }
            match self.metadata.commit(bucket.space(), names.group(), batch).await {
                Ok(()) => return Ok(told(bucket.versioning, version)),
                Err(CommitError::Conflict { .. } | CommitError::Unknown(_)) => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(unknown())
    }
}
