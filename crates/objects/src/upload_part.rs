//! UploadPart.

use access::{Grant, action};
use bytes::Bytes;
use storage::{Batch, CommitError, Expect};
use types::{Checksum, ChecksumAlgorithm, ETag, UploadId, UserName, WriteId};

use crate::commit::{ATTEMPTS, not_committed, unknown};
use crate::content::{NewBlobs, NewBody};
use crate::multipart::{MAX_PARTS, WrittenPart};
use crate::put::DEFAULT_CHECKSUM;
use crate::record::{self, PartRecord, UploadRecord};
use crate::uploads::UploadTarget;
use crate::usage::{Charge, UsageChange};
use crate::{Bucket, ObjectError, Objects, Payload};

impl Objects {
    /// Makes a part of a body, in place of an earlier part with this number.
    ///
    /// Every part gets a checksum: by the upload's algorithm or, where it has none, by the default one, from which that
    /// of the whole object will come.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`], also where the upload was completed or aborted while the body came;
    /// [`ObjectError::InvalidArgument`] for a number outside 1 to 10,000; [`ObjectError::InvalidRequest`] where another
    /// algorithm is claimed than the upload has; [`ObjectError::QuotaExceeded`], before the body is read where its length
    /// is known; those of [`Objects::put_object`] about bodies.
    pub async fn upload_part(
        &self,
        grant: &Grant<action::PutObject>,
        upload: UploadId,
        number: u16,
        payload: &mut dyn Payload,
    ) -> Result<WrittenPart, ObjectError> {
        check_number(number)?;
        let bucket = self.bucket_of(grant.in_bucket()).await?;
        let target = UploadTarget::new(grant.in_bucket(), grant.key(), upload);
        let (_, record) = self.open_upload(&target).await?;
        let claimed = payload.checksum_algorithm();
        if let (Some((declared, _)), Some(claimed)) = (record.checksum, claimed)
            && declared != claimed
        {
            let (declared, claimed) = (declared.name(), claimed.name());
            return Err(ObjectError::InvalidRequest(format!(
                "The upload has {declared} checksums, and the part comes with a {claimed} one"
            )));
        }
        let algorithm = part_algorithm(&record);
        self.check_room_for_part(&bucket, &target, number, record.owner.as_ref(), payload.length()).await?;
        let body = self.receive(payload, &[algorithm]).await?;
        let told = claimed.or(record.checksum.map(|(declared, _)| declared));
        let told = told.and_then(|algorithm| body.digest.checksum(algorithm));
        let (part, blobs) = self.part_of(body, algorithm);
        self.write_part(&target, number, part, blobs, told).await
    }

    /// Refuses a part of `size` bytes that can not fit, before it is read.
    ///
    /// # Errors
    /// [`ObjectError::QuotaExceeded`], and the engine's.
    pub(crate) async fn check_room_for_part(
        &self,
        bucket: &Bucket,
        target: &UploadTarget,
        number: u16,
        owner: Option<&UserName>,
        size: Option<u64>,
    ) -> Result<(), ObjectError> {
        let Some(size) = size.filter(|_| self.quotas.of(&bucket.tenancy).is_some()) else { return Ok(()) };
        let mut usage = UsageChange::in_bucket(bucket);
        usage.add_part(owner, size);
        if let Some(raw) = self.metadata.get(target.space(), &target.names().part(number)).await? {
            let replaced: PartRecord = record::decode(&raw)?;
            usage.remove_part(owner, replaced.size);
        }
        self.check_room(bucket, &self.charge(usage, bucket)).await
    }

    /// The record of a part with this body.
    pub(crate) fn part_of(&self, body: NewBody, algorithm: ChecksumAlgorithm) -> (PartRecord, NewBlobs) {
        let part = PartRecord {
            write: WriteId::random(&*self.entropy),
            blob: body.blob,
            size: body.size,
            md5: body.digest.md5,
            checksum: body.digest.checksum(algorithm),
            modified: self.clock.now(),
        };
        (part, body.blobs)
    }

    /// Commits a part to an upload that is open.
    pub(crate) async fn write_part(
        &self,
        target: &UploadTarget,
        number: u16,
        part: PartRecord,
        mut blobs: NewBlobs,
        told: Option<Checksum>,
    ) -> Result<WrittenPart, ObjectError> {
        let names = target.names();
        let name = names.part(number);
        let written = WrittenPart {
            etag: ETag::whole(part.md5),
            checksum: told,
            last_modified: part.modified,
            source_version: None,
        };
        let value = record::encode(&part)?;
        // The part that a commit without an answer was to replace.
        let mut doubt: Option<Option<Bytes>> = None;
        for _ in 0..ATTEMPTS {
            let bucket = self.bucket_of(&target.bucket).await?;
            let old = self.metadata.get(target.space(), &name).await?;
            if let Some(expected) = doubt.take() {
                if old.as_ref() == Some(&value) {
                    return Ok(written);
                }
                if old != expected {
                    return Err(unknown());
                }
            }
            let (upload, record) = self.open_upload(target).await?;
            let owner = record.owner.as_ref();
            let mut usage = UsageChange::in_bucket(&bucket);
            usage.add_part(owner, part.size);
            let mut batch = Batch {
                expect: vec![Expect::Value(names.upload(), upload)],
                put: vec![(name.clone(), value.clone())],
                ..Batch::default()
            };
            match &old {
                None => batch.expect.push(Expect::Absent(name.clone())),
                Some(raw) => {
                    let replaced: PartRecord = record::decode(raw)?;
                    usage.remove_part(owner, replaced.size);
                    batch.retire.extend(replaced.blob);
                    batch.expect.push(Expect::Value(name.clone(), raw.clone()));
                }
            }
            let Charge { count, bounds } = self.charge(usage, &bucket);
            batch.count = count;
            batch.keep = blobs.for_commit();
            match self.metadata.commit(target.space(), names.group(), batch).await {
                Ok(()) => return Ok(written),
                Err(CommitError::Unknown(_)) => doubt = Some(old),
                Err(CommitError::Conflict { .. }) => blobs.take_back(),
                Err(CommitError::OverLimit { counter }) => {
                    blobs.take_back();
                    return Err(self.over_limit(&bucket, &bounds, counter));
                }
                Err(error) => {
                    blobs.take_back();
                    return Err(not_committed(error));
                }
            }
        }
        Err(if doubt.is_some() { unknown() } else { ObjectError::Contention })
    }
}

/// The algorithm of the checksums of an upload's parts.
pub(crate) fn part_algorithm(upload: &UploadRecord) -> ChecksumAlgorithm {
    upload.checksum.map_or(DEFAULT_CHECKSUM, |(algorithm, _)| algorithm)
}

pub(crate) fn check_number(number: u16) -> Result<(), ObjectError> {
    if (1..=MAX_PARTS).contains(&number) {
        return Ok(());
    }
    Err(ObjectError::InvalidArgument(format!("Part numbers are 1 to {MAX_PARTS}")))
}
