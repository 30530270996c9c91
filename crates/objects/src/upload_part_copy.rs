//! UploadPartCopy.

use access::{Grant, action};
use types::{BlobId, ByteRange, Checksum, ChecksumAlgorithm, ChecksumType, Conditions, RangeError, UploadId, WriteId};

use crate::content::NewBlobs;
use crate::multipart::{MAX_PART_BYTES, WrittenPart};
use crate::read::Object;
use crate::record::{Content, PartRecord};
use crate::upload_part::{check_number, part_algorithm};
use crate::uploads::UploadTarget;
use crate::{ObjectError, Objects};

impl Objects {
    /// Makes a part of an object or a range of one. The whole of an object of one blob is shared; anything else is read.
    ///
    /// # Errors
    /// Those of a read of the source and of [`Objects::upload_part`]; [`ObjectError::InvalidRange`] for a range that is
    /// not all inside the source; [`ObjectError::InvalidRequest`] for more than 5 GiB.
    pub async fn upload_part_copy(
        &self,
        source: &Grant<action::GetObject>,
        destination: &Grant<action::PutObject>,
        upload: UploadId,
        number: u16,
        range: Option<ByteRange>,
        source_conditions: &Conditions,
    ) -> Result<WrittenPart, ObjectError> {
        check_number(number)?;
        let bucket = self.bucket_of(destination.in_bucket()).await?;
        let target = UploadTarget::new(destination.in_bucket(), destination.key(), upload);
        let (_, record) = self.open_upload(&target).await?;
        // Held until the part is committed.
        let _pin = self.blobs.pin();
        let object = self.copy_source(source, source_conditions).await?;
        let size = object.info.size;
        let range = match range {
            None => 0..size,
            Some(ByteRange::From { last: Some(last), .. }) if last >= size => return Err(RangeError { size }.into()),
            Some(range) => range.resolve(size)?,
        };
        if range.end - range.start > MAX_PART_BYTES {
            return Err(ObjectError::InvalidRequest(format!("A copy has at most {MAX_PART_BYTES} bytes")));
        }
        let length = Some(range.end - range.start);
        self.check_room_for_part(&bucket, &target, number, record.owner.as_ref(), length).await?;
        let algorithm = part_algorithm(&record);
        let (part, blobs) = match shared_parts(&object, algorithm).filter(|_| range == (0..size)) {
            Some((blob, checksum)) => self.part_of_blob(&object, blob, checksum).await?,
            None => {
                let stream = self.open(self.blobs.pin(), object.content.clone(), range).await?;
                self.part_of(self.receive_stream(stream, algorithm).await?, algorithm)
            }
        };
        let told = part.checksum.filter(|_| record.checksum.is_some());
        let written = self.write_part(&target, number, part, blobs, told).await?;
        Ok(WrittenPart { source_version: object.version, ..written })
    }

    /// A part that shares the one blob of `object`.
    async fn part_of_blob(
        &self,
        object: &Object,
        from: BlobId,
        checksum: Checksum,
    ) -> Result<(PartRecord, NewBlobs), ObjectError> {
        let mut blobs = NewBlobs::none(self);
        let blob = self.share_blob(from, object.info.size, &mut blobs).await?;
        let part = PartRecord {
            write: WriteId::random(&*self.entropy),
            blob: Some(blob),
            size: object.info.size,
            md5: object.info.etag.md5,
            checksum: Some(checksum),
            modified: self.clock.now(),
        };
        Ok((part, blobs))
    }
}

/// The one blob of an object, where its MD5 is known and so is its checksum by `algorithm`.
fn shared_parts(object: &Object, algorithm: ChecksumAlgorithm) -> Option<(BlobId, Checksum)> {
    let Content::Blob(blob) = object.content else { return None };
    let checksum = object
        .info
        .checksum
        .filter(|checksum| checksum.kind == ChecksumType::FullObject && checksum.value.algorithm == algorithm)?;
    (object.info.etag.parts == 0).then_some((blob, checksum.value))
}
