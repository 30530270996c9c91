//! CreateMultipartUpload.

use access::{Grant, action};
use storage::{Batch, CommitError, Expect};
use types::WriteId;

use crate::commit::{not_committed, unknown};
use crate::multipart::{Initiated, NewUpload};
use crate::record::{self, UploadRecord, UploadState};
use crate::uploads::{UploadTarget, upload_id};
use crate::usage::UsageChange;
use crate::{ObjectError, Objects};

impl Objects {
    /// Begins an upload, whose object will be the caller's, or the bucket owner's where the bucket says so.
    ///
    /// # Errors
    /// [`ObjectError::InvalidRequest`] where the checksum algorithm can not be had with the type;
    /// [`ObjectError::AccessControlListNotSupported`], [`ObjectError::PublicAccessBlocked`];
    /// [`ObjectError::QuotaExceeded`] where there is room for no byte or no object more.
    pub async fn create_upload(
        &self,
        grant: &Grant<action::PutObject>,
        new: NewUpload,
    ) -> Result<Initiated, ObjectError> {
        let bucket = self.bucket_of(grant.in_bucket()).await?;
        let (owner, acl) = bucket.admit_upload(grant.principal().user(), new.acl)?;
        if let Some((algorithm, kind)) = new.checksum.filter(|(algorithm, kind)| !algorithm.supports(*kind)) {
            let (kind, algorithm) = (kind.name(), algorithm.name());
            return Err(ObjectError::InvalidRequest(format!(
                "{algorithm} checksums of multipart uploads can not be of type {kind}"
            )));
        }
        let initiated = self.clock.now();
        let upload = upload_id(initiated, &*self.entropy);
        let target = UploadTarget::new(grant.in_bucket(), grant.key(), upload);
        let record = UploadRecord {
            write: WriteId::random(&*self.entropy),
            initiated,
            acl,
            owner,
            metadata: new.metadata,
            checksum: new.checksum,
            state: UploadState::Open,
        };
        let mut usage = UsageChange::in_bucket(&bucket);
        usage.expect(record.owner.as_ref(), 1);
        self.check_room(&bucket, &self.charge(usage, &bucket)).await?;
        let names = target.names();
        let batch = Batch {
            expect: vec![Expect::Absent(names.upload())],
            put: vec![(names.upload(), record::encode(&record)?)],
            ..Batch::default()
        };
        match self.metadata.commit(target.space(), names.group(), batch).await {
            Ok(()) => {}
            Err(CommitError::Unknown(_)) => match self.read_upload(&target).await? {
                Some((_, found)) if found.write == record.write => {}
                _ => return Err(unknown()),
            },
            Err(error) => return Err(not_committed(error)),
        }
        Ok(Initiated { upload, checksum: record.checksum })
    }
}
