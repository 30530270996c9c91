//! CompleteMultipartUpload: what the client says is checked, and the intent is written down.
//!
//! A completion changes two groups, the upload's and the key's, so it is an intent in the upload's record that
//! `upload_finish` carries out step by step, now or after a crash. It runs in a task of its own: a client that goes away
//! does not stop it.

use access::{Grant, action};
use policy::Existence;
use storage::{Batch, CommitError, Expect, StorageError};
use tokio::sync::oneshot;
use types::{Checksum, ChecksumType, ETag, UploadId, WriteId};

use crate::commit::{ATTEMPTS, not_committed};
use crate::multipart::{CompleteUpload, CompletedPart, MAX_OBJECT_BYTES, MIN_PART_BYTES};
use crate::object::{ObjectChecksum, Written};
use crate::put::DEFAULT_CHECKSUM;
use crate::record::{self, Intent, PartRecord, UploadRecord, UploadState};
use crate::upload_finish::Completion;
use crate::uploads::{PAGE, UploadTarget};
use crate::{ObjectError, Objects};

impl Objects {
    /// Makes an object of the parts that the client names.
    ///
    /// Sent again while the first completion is being finished, it answers like the first; later it is
    /// [`ObjectError::NoSuchUpload`].
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`], [`ObjectError::InvalidPart`], [`ObjectError::InvalidPartOrder`],
    /// [`ObjectError::EntityTooSmall`], [`ObjectError::EntityTooLarge`], [`ObjectError::BadChecksum`],
    /// [`ObjectError::InvalidRequest`] where checksum type or size are not as said; by the conditions
    /// [`ObjectError::PreconditionFailed`] or [`ObjectError::NoSuchKey`]; [`ObjectError::AccessDenied`] as
    /// [`Objects::put_object`] has it; the engine's. The upload is open as before then,
    /// unless the engine can not even do that: [`Objects::interrupted`].
    pub async fn complete_upload(
        &self,
        grant: &Grant<action::PutObject>,
        upload: UploadId,
        request: CompleteUpload,
    ) -> Result<Written, ObjectError> {
        self.bucket_of(grant.in_bucket()).await?;
        let target = UploadTarget::new(grant.in_bucket(), grant.key(), upload);
        let (answer, answered) = oneshot::channel();
        let (store, existence) = (self.clone(), grant.existence());
        tokio::spawn(async move {
            let _turn = store.locks.upload(upload).await;
            let outcome = Box::pin(store.complete(&target, &request, existence)).await;
            let completed = outcome.is_ok();
            // The client may be gone.
            let _ = answer.send(outcome);
            if completed && let Err(error) = store.forget_completed(&target).await {
                tracing::warn!(%error, upload = %target.upload, "a completed upload is to be cleaned up later");
                store.interrupted.tell();
            }
        });
        let broken_off = || StorageError::Io("a completion was broken off".to_owned());
        answered.await.unwrap_or_else(|_| Err(broken_off().into()))
    }

    /// The caller has the upload's turn.
    async fn complete(
        &self,
        target: &UploadTarget,
        request: &CompleteUpload,
        existence: Existence,
    ) -> Result<Written, ObjectError> {
        check_order(&request.parts)?;
        for _ in 0..ATTEMPTS {
            let Some((raw, mut record)) = self.read_upload(target).await? else {
                return Err(ObjectError::NoSuchUpload);
            };
            match &record.state {
                UploadState::Aborting => return Err(ObjectError::NoSuchUpload),
                UploadState::Completing(intent) | UploadState::Completed(intent) => {
                    if !is_of(intent, &request.parts) {
                        return Err(ObjectError::NoSuchUpload);
                    }
                    return self.finish_begun(target).await;
                }
                UploadState::Open => {}
            }
            let intent = self.check_parts(target, &record, request, existence).await?;
            record.state = UploadState::Completing(intent);
            let names = target.names();
            let batch = Batch {
                expect: vec![Expect::Value(names.upload(), raw)],
                put: vec![(names.upload(), record::encode(&record)?)],
                ..Batch::default()
            };
            match self.metadata.commit(target.space(), names.group(), batch).await {
                Ok(()) => return self.finish_begun(target).await,
                Err(CommitError::Conflict { .. } | CommitError::Unknown(_)) => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(ObjectError::Contention)
    }

    async fn finish_begun(&self, target: &UploadTarget) -> Result<Written, ObjectError> {
        match self.finish_completion(target).await {
            Ok(Completion::Done(written)) => Ok(written),
            Ok(Completion::TakenBack(error)) => Err(error),
            Err(error) => {
                self.interrupted.tell();
                Err(error)
            }
        }
    }

    /// Checks the request against the parts that there are.
    async fn check_parts(
        &self,
        target: &UploadTarget,
        upload: &UploadRecord,
        request: &CompleteUpload,
        existence: Existence,
    ) -> Result<Intent, ObjectError> {
        let numbers: Vec<u16> = request.parts.iter().map(|part| part.number).collect();
        let parts = self.chosen_parts(target, &numbers).await?;
        let Some(parts) = parts else { return Err(ObjectError::InvalidPart) };
        let (last, size) = (parts.len() - 1, parts.iter().map(|part| part.size).sum());
        for (named, part) in request.parts.iter().zip(&parts) {
            check_part(upload, named, part)?;
        }
        for (named, part) in request.parts.iter().zip(&parts).take(last) {
            if part.size < MIN_PART_BYTES {
                let (number, etag) = (named.number, ETag::whole(part.md5));
                return Err(ObjectError::EntityTooSmall { number, size: part.size, etag });
            }
        }
        if size > MAX_OBJECT_BYTES {
            return Err(ObjectError::EntityTooLarge);
        }
        if let Some(said) = request.size.filter(|said| *said != size) {
            return Err(ObjectError::InvalidRequest(format!(
                "The parts have {size} bytes, and x-amz-mp-object-size says {said}"
            )));
        }
        let checksum = whole_checksum(upload, &parts);
        check_whole(upload, request, checksum)?;
        Ok(Intent {
            write: WriteId::random(&*self.entropy),
            parts: numbers,
            size,
            etag: ETag::of_parts(parts.iter().map(|part| part.md5)),
            checksum,
            if_match: request.conditions.if_match.clone().map(Into::into),
            if_none_match: request.conditions.if_none_match.clone().map(Into::into),
            existence,
        })
    }

    /// The parts with these numbers, which ascend; `None` where one is missing.
    pub(crate) async fn chosen_parts(
        &self,
        target: &UploadTarget,
        numbers: &[u16],
    ) -> Result<Option<Vec<PartRecord>>, StorageError> {
        let mut wanted = numbers.iter().peekable();
        let mut chosen = Vec::new();
        let mut after = 0;
        loop {
            let page = self.parts_after(target, after, PAGE).await?;
            let pairs = page.len();
            for (number, part) in page {
                after = number;
                if wanted.next_if(|wanted| **wanted == number).is_some() {
                    chosen.push(part);
                }
            }
            if wanted.peek().is_none() {
                return Ok(Some(chosen));
            }
            if pairs < PAGE {
                return Ok(None);
            }
        }
    }
}

fn check_order(parts: &[CompletedPart]) -> Result<(), ObjectError> {
    if parts.is_empty() {
        return Err(ObjectError::InvalidRequest("A completion names at least one part".to_owned()));
    }
    if parts.is_sorted_by(|left, right| left.number < right.number) {
        Ok(())
    } else {
        Err(ObjectError::InvalidPartOrder)
    }
}

fn check_part(upload: &UploadRecord, named: &CompletedPart, part: &PartRecord) -> Result<(), ObjectError> {
    let other = match (named.checksum, upload.checksum) {
        (Some(claimed), Some(_)) => part.checksum != Some(claimed),
        // Without an algorithm of the upload's, whatever was claimed was verified when the part came.
        (Some(claimed), None) => part.checksum.is_some_and(|own| own.algorithm == claimed.algorithm && own != claimed),
        (None, _) => false,
    };
    if other || named.etag != ETag::whole(part.md5) { Err(ObjectError::InvalidPart) } else { Ok(()) }
}

fn check_whole(
    upload: &UploadRecord,
    request: &CompleteUpload,
    computed: Option<ObjectChecksum>,
) -> Result<(), ObjectError> {
    let kind = upload.checksum.map_or(ChecksumType::FullObject, |(_, kind)| kind);
    if let Some(named) = request.checksum_type.filter(|named| *named != kind) {
        return Err(ObjectError::InvalidRequest(format!(
            "The upload's checksum is of type {}, and the request says {}",
            kind.name(),
            named.name()
        )));
    }
    let Some(claimed) = request.checksum else { return Ok(()) };
    match computed {
        Some(computed) if computed.value.algorithm != claimed.algorithm => Err(ObjectError::InvalidRequest(format!(
            "The upload has {} checksums, and the request comes with a {} one",
            computed.value.algorithm.name(),
            claimed.algorithm.name()
        ))),
        Some(computed) if computed.value == claimed => Ok(()),
        _ => Err(ObjectError::BadChecksum { algorithm: claimed.algorithm }),
    }
}

/// The checksum of the object that parts make. `None` only where a part has none.
fn whole_checksum(upload: &UploadRecord, parts: &[PartRecord]) -> Option<ObjectChecksum> {
    let (algorithm, kind) = upload.checksum.unwrap_or((DEFAULT_CHECKSUM, ChecksumType::FullObject));
    let sums: Vec<(Checksum, u64)> =
        parts.iter().map(|part| Some((part.checksum?, part.size))).collect::<Option<_>>()?;
    let value = match kind {
        ChecksumType::Composite => Checksum::composite(algorithm, sums.iter().map(|(sum, _)| sum)),
        ChecksumType::FullObject => {
            let mut sums = sums.into_iter();
            let (first, _) = sums.next()?;
            sums.try_fold(first, |whole, (sum, size)| whole.combine(&sum, size))?
        }
    };
    Some(ObjectChecksum { value, kind })
}

/// Whether a request names the parts of `intent`.
fn is_of(intent: &Intent, parts: &[CompletedPart]) -> bool {
    intent.parts.iter().copied().eq(parts.iter().map(|part| part.number))
        && intent.etag == ETag::of_parts(parts.iter().map(|part| part.etag.md5))
}
