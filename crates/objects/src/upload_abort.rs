//! AbortMultipartUpload.
//!
//! The upload is marked first, so that no part comes any more; then the parts go in batches, and the record with the last.

use access::{Grant, action};
use storage::{Batch, CommitError};
use types::UploadId;

use crate::buckets::in_the_end;
use crate::commit::not_committed;
use crate::keyspace::KeyNames;
use crate::record::{UploadRecord, UploadState};
use crate::uploads::{PAGE, UploadTarget};
use crate::usage::UsageChange;
use crate::{Bucket, ObjectError, Objects};

/// Uploads of one sweep when a bucket is deleted.
const SWEEP: usize = 1000;

impl Objects {
    /// Gives up an upload and all its parts.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`], also where it was completed.
    pub async fn abort_upload(
        &self,
        grant: &Grant<action::AbortMultipartUpload>,
        upload: UploadId,
    ) -> Result<(), ObjectError> {
        self.bucket_of(grant.in_bucket()).await?;
        let target = UploadTarget::new(grant.in_bucket(), grant.key(), upload);
        let store = self.clone();
        in_the_end(async move { store.abort(&target).await }).await
    }

    async fn abort(&self, target: &UploadTarget) -> Result<(), ObjectError> {
        let _turn = self.locks.upload(target.upload).await;
        let found = self.read_upload(target).await?;
        let Some((raw, record)) = found else { return Err(ObjectError::NoSuchUpload) };
        let became_version = match record.state {
            UploadState::Open | UploadState::Aborting => false,
            UploadState::Completed(_) => true,
            UploadState::Completing(_) => {
                let marker = KeyNames::new(&target.key).marker(target.upload);
                self.metadata.get(target.space(), &marker).await?.is_some()
            }
        };
        if became_version {
            return Err(ObjectError::NoSuchUpload);
        }
        if record.state != UploadState::Aborting {
            self.change_upload(target, raw, &UploadRecord { state: UploadState::Aborting, ..record }).await?;
        }
        let removed = self.remove_aborted(target).await;
        if removed.is_err() {
            self.interrupted.tell();
        }
        removed
    }

    /// Removes an upload that is marked. The caller has its turn.
    pub(crate) async fn remove_aborted(&self, target: &UploadTarget) -> Result<(), ObjectError> {
        let bucket = self.bucket_of(&target.bucket).await?;
        let Some((_, record)) = self.read_upload(target).await? else { return Ok(()) };
        let names = target.names();
        loop {
            let page = self.parts_after(target, 0, PAGE).await?;
            let mut usage = UsageChange::in_bucket(&bucket);
            let mut batch = Batch::default();
            for (number, part) in &page {
                // What another has removed meanwhile may not be counted twice.
                batch.expect.push(storage::Expect::Present(names.part(*number)));
                batch.delete.push(names.part(*number));
                usage.remove_part(record.owner.as_ref(), part.size);
                batch.retire.extend(part.blob);
            }
            batch.count = usage.into_count();
            let last = page.len() < PAGE;
            if last {
                batch.delete.push(names.upload());
            }
            match self.metadata.commit(target.space(), names.group(), batch).await {
                Ok(()) if last => return Ok(()),
                Ok(()) | Err(CommitError::Conflict { .. }) => {}
                // Done or not, what is left to do is what is still there.
                Err(CommitError::Unknown(_)) if self.read_upload(target).await?.is_none() => return Ok(()),
                Err(CommitError::Unknown(_)) => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
    }

    /// Aborts up to a thousand uploads of a bucket; answers how many there were.
    pub(crate) async fn abort_all_uploads(&self, bucket: &Bucket) -> Result<usize, ObjectError> {
        let uploads = self.uploads_where(bucket, SWEEP, |_| true).await?;
        for upload in &uploads {
            match self.abort(upload).await {
                Ok(()) => {}
                Err(ObjectError::NoSuchUpload) => self.finish_upload(upload).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(uploads.len())
    }
}
