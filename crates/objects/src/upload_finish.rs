//! The steps of a completion, each of which can be done again:
//!
//! 1. the upload's record becomes `Completing` and holds all that is needed (`upload_complete`);
//! 2. the key gets the version, and in the same batch a marker that says that it has it;
//! 3. the parts' records go, with the blobs of those that were not chosen, and the record becomes `Completed`;
//! 4. the marker goes;
//! 5. the upload's record goes.
//!
//! The client is answered after the third, when usage is what it will be. An upload that a crash left between two steps
//! is found by its record, never by looking through the keys of objects.

use storage::{Batch, CommitError, Expect, StorageError};
use types::BlobId;

use crate::commit::{Committed, NewVersion, not_committed};
use crate::conditions::WriteTerms;
use crate::keyspace::KeyNames;
use crate::object::Written;
use crate::part_map::{self, Line};
use crate::record::{self, Content, Intent, MarkerRecord, ObjectRecord, UploadRecord, UploadState, VersionKind};
use crate::uploads::{PAGE, UploadTarget};
use crate::usage::{Counted, UsageChange};
use crate::{ObjectError, Objects};

/// What became of a completion that was begun.
pub(crate) enum Completion {
    /// The object is there, and usage is what it will be.
    Done(Written),
    /// It was turned down, or failed before anything could be seen of it; the upload is open again.
    TakenBack(ObjectError),
}

impl Objects {
    /// Does the second and the third step for an upload whose completion began. Where the second fails, the upload is
    /// opened again: whoever is told so may write the key otherwise, and a completion that came late would undo that. The
    /// caller has the upload's turn.
    ///
    /// # Errors
    /// Where it can be neither finished nor taken back now. The upload stays as it is, for [`Objects::recover`].
    pub(crate) async fn finish_completion(&self, target: &UploadTarget) -> Result<Completion, ObjectError> {
        let found = self.read_upload(target).await?;
        let Some((raw, record)) = found else { return Err(ObjectError::NoSuchUpload) };
        let (UploadState::Completing(intent) | UploadState::Completed(intent)) = &record.state else {
            return Err(ObjectError::NoSuchUpload);
        };
        let committed = match self.marked(target).await? {
            Some(committed) => committed,
            None if matches!(record.state, UploadState::Completed(_)) => return Err(ObjectError::NoSuchUpload),
            None => match self.commit_version_of(target, &record, intent).await {
                Ok(committed) => committed,
                // A commit whose answer was lost may have happened.
                Err(error) => match self.marked(target).await? {
                    Some(committed) => committed,
                    None => {
                        let open = UploadRecord { state: UploadState::Open, ..record };
                        self.change_upload(target, raw, &open).await?;
                        return Ok(Completion::TakenBack(error));
                    }
                },
            },
        };
        let written = Written {
            etag: intent.etag,
            version: committed.version(),
            checksum: intent.checksum,
            size: intent.size,
            last_modified: record.initiated,
        };
        if matches!(record.state, UploadState::Completing(_)) {
            self.remove_parts_of_completed(target, raw, record).await?;
        }
        Ok(Completion::Done(written))
    }

    /// The version that an upload became, where its marker is there.
    async fn marked(&self, target: &UploadTarget) -> Result<Option<Committed>, ObjectError> {
        let bucket = self.bucket_of(&target.bucket).await?;
        let marker = KeyNames::new(&target.key).marker(target.upload);
        let Some(raw) = self.metadata.get(target.space(), &marker).await? else { return Ok(None) };
        let marker: MarkerRecord = record::decode(&raw)?;
        Ok(Some(Committed { id: marker.version, versioning: bucket.versioning, modified: self.clock.now() }))
    }

    /// The second step.
    async fn commit_version_of(
        &self,
        target: &UploadTarget,
        upload: &UploadRecord,
        intent: &Intent,
    ) -> Result<Committed, ObjectError> {
        let parts = self.chosen_parts(target, &intent.parts).await?;
        let parts = parts.ok_or_else(|| {
            StorageError::Damaged(format!("upload {} lost parts while it was completed", target.upload))
        })?;
        let mut end = 0;
        let lines: Vec<Line> = intent
            .parts
            .iter()
            .zip(&parts)
            .map(|(number, part)| {
                end += part.size;
                Line { end, blob: part.blob, number: *number, checksum: part.checksum }
            })
            .collect();
        let mut object = ObjectRecord {
            size: intent.size,
            etag: intent.etag,
            checksum: intent.checksum,
            acl: upload.acl.clone(),
            metadata: upload.metadata.clone(),
            content: Content::Empty,
        };
        let blob = BlobId::random(&*self.entropy);
        object.content = Content::Parts(part_map::index(blob, &lines));
        let mut new = NewVersion::new(self, upload.owner.clone(), VersionKind::Object(object));
        new.record.write = intent.write;
        new.record.modified = upload.initiated;
        new.counted = Counted::AsParts(lines.len());
        new.upload = Some(target.upload);
        self.store_small(&mut new.blobs, blob, part_map::encode(&lines)).await?;
        let terms = WriteTerms { conditions: &intent.conditions(), existence: intent.existence };
        self.write_version(&target.bucket, &target.key, new, terms).await
    }

    /// The third step.
    async fn remove_parts_of_completed(
        &self,
        target: &UploadTarget,
        raw: bytes::Bytes,
        mut record: UploadRecord,
    ) -> Result<(), ObjectError> {
        let UploadState::Completing(intent) = record.state else { return Ok(()) };
        let bucket = self.bucket_of(&target.bucket).await?;
        let chosen = intent.parts.clone();
        record.state = UploadState::Completed(intent);
        let names = target.names();
        loop {
            let page = self.parts_after(target, 0, PAGE).await?;
            let mut usage = UsageChange::in_bucket(&bucket);
            let mut batch = Batch { expect: vec![Expect::Value(names.upload(), raw.clone())], ..Batch::default() };
            for (number, part) in &page {
                batch.delete.push(names.part(*number));
                if chosen.binary_search(number).is_err() {
                    usage.remove_part(record.owner.as_ref(), part.size);
                    batch.retire.extend(part.blob);
                }
            }
            batch.count = usage.into_count();
            let last = page.len() < PAGE;
            if last {
                batch.put.push((names.upload(), record::encode(&record)?));
            }
            match self.metadata.commit(target.space(), names.group(), batch).await {
                Ok(()) if last => return Ok(()),
                Ok(()) => {}
                Err(CommitError::Unknown(_)) => {
                    // Done or not, what is left to do is what is still there.
                    let Some((_, found)) = self.read_upload(target).await? else { return Ok(()) };
                    if matches!(found.state, UploadState::Completed(_)) {
                        return Ok(());
                    }
                }
                Err(error) => return Err(not_committed(error)),
            }
        }
    }

    /// The last two steps.
    pub(crate) async fn forget_completed(&self, target: &UploadTarget) -> Result<(), ObjectError> {
        let names = KeyNames::new(&target.key);
        let batch = Batch { delete: vec![names.marker(target.upload)], ..Batch::default() };
        self.metadata.commit(target.space(), names.group(), batch).await.map_err(not_committed)?;
        let names = target.names();
        let batch = Batch { delete: vec![names.upload()], ..Batch::default() };
        self.metadata.commit(target.space(), names.group(), batch).await.map_err(not_committed)
    }

    /// Replaces an upload's record, which is as it was read.
    pub(crate) async fn change_upload(
        &self,
        target: &UploadTarget,
        expected: bytes::Bytes,
        record: &UploadRecord,
    ) -> Result<(), ObjectError> {
        let names = target.names();
        let batch = Batch {
            expect: vec![Expect::Value(names.upload(), expected)],
            put: vec![(names.upload(), record::encode(record)?)],
            ..Batch::default()
        };
        match self.metadata.commit(target.space(), names.group(), batch).await {
            Ok(()) => Ok(()),
            Err(CommitError::Unknown(_))
                if self.read_upload(target).await?.is_some_and(|(_, found)| found.state == record.state) =>
            {
                Ok(())
            }
            Err(error) => Err(not_committed(error)),
        }
    }

    /// Finishes a completion or an abort that was broken off, and does nothing for an upload that is open.
    pub(crate) async fn finish_upload(&self, target: &UploadTarget) -> Result<(), ObjectError> {
        let _turn = self.locks.upload(target.upload).await;
        let Some((_, record)) = self.read_upload(target).await? else { return Ok(()) };
        match record.state {
            UploadState::Open => Ok(()),
            UploadState::Aborting => self.remove_aborted(target).await,
            UploadState::Completed(_) => self.forget_completed(target).await,
            UploadState::Completing(_) => match self.finish_completion(target).await? {
                Completion::Done(_) => self.forget_completed(target).await,
                Completion::TakenBack(error) => {
                    tracing::info!(%error, upload = %target.upload, "a completion was taken back");
                    Ok(())
                }
            },
        }
    }
}
