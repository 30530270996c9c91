//! What the operations on multipart uploads have in common.
//!
//! An upload and its parts are one group. The upload's record does not change while it is open, and every batch about a
//! part expects it as it was read: so parts come in side by side, and none comes in once a completion or an abort began.

use access::BucketTarget;
use bytes::Bytes;
use storage::{Metadata, Space, StorageError};
use types::{Entropy, ObjectKey, Timestamp, UploadId};

use crate::keyspace::{self, Place, UPLOADS, UploadNames};
use crate::record::{self, PartRecord, UploadRecord, UploadState};
use crate::walk::{Sides, Walk, object_key};
use crate::{Bucket, ObjectError, Objects};

/// Pairs of one scan of parts, and keys of one batch that removes them.
pub(crate) const PAGE: usize = 1000;

/// The upload that a request is about.
#[derive(Clone, Debug)]
pub(crate) struct UploadTarget {
    pub(crate) bucket: BucketTarget,
    pub(crate) key: ObjectKey,
    pub(crate) upload: UploadId,
}

impl UploadTarget {
    pub(crate) fn new(bucket: &BucketTarget, key: &ObjectKey, upload: UploadId) -> Self {
        Self { bucket: bucket.clone(), key: key.clone(), upload }
    }

    pub(crate) fn names(&self) -> UploadNames {
        UploadNames::new(&self.key, self.upload)
    }

    pub(crate) fn space(&self) -> Space {
        Space(self.bucket.bucket_id)
    }
}

/// The id of an upload that begins at `moment`: uploads of a key sort by when they began.
pub(crate) fn upload_id(moment: Timestamp, entropy: &dyn Entropy) -> UploadId {
    let mut id = [0; 16];
    entropy.fill(&mut id[8..]);
    id[..8].copy_from_slice(&moment.0.to_be_bytes());
    UploadId(id)
}

impl Objects {
    /// The record of an upload, in whatever state.
    pub(crate) async fn read_upload(
        &self,
        target: &UploadTarget,
    ) -> Result<Option<(Bytes, UploadRecord)>, StorageError> {
        let Some(raw) = self.metadata.get(target.space(), &target.names().upload()).await? else { return Ok(None) };
        let record = record::decode(&raw)?;
        Ok(Some((raw, record)))
    }

    /// The record of an upload that takes parts.
    pub(crate) async fn open_upload(&self, target: &UploadTarget) -> Result<(Bytes, UploadRecord), ObjectError> {
        let found = self.read_upload(target).await?;
        found.filter(|(_, record)| record.state == UploadState::Open).ok_or(ObjectError::NoSuchUpload)
    }

    /// Parts with numbers above `after`: as many as `limit`, and never more than [`PAGE`].
    pub(crate) async fn parts_after(
        &self,
        target: &UploadTarget,
        after: u16,
        limit: usize,
    ) -> Result<Vec<(u16, PartRecord)>, StorageError> {
        let names = target.names();
        let (from, to) = names.parts_after(after);
        let page = self.metadata.scan(target.space(), &from, Some(&to), limit.min(PAGE)).await?;
        page.iter().map(|(name, raw)| Ok((names.part_number(name)?, record::decode(raw)?))).collect()
    }

    /// Up to `limit` uploads of a bucket whose record is `wanted`.
    pub(crate) async fn uploads_where(
        &self,
        bucket: &Bucket,
        limit: usize,
        wanted: impl Fn(&UploadRecord) -> bool + Send,
    ) -> Result<Vec<UploadTarget>, ObjectError> {
        let mut found = Vec::new();
        let mut walk = upload_walk(&*self.metadata, bucket.space());
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            let Some(upload) = place.upload() else { continue };
            let target = UploadTarget::new(&crate::buckets::target_of(bucket), &object_key(&place.key()?)?, upload);
            walk.seek(target.names().end());
            if wanted(&record::decode(&raw)?) {
                found.push(target);
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }
}

fn upload_walk(metadata: &dyn Metadata, space: Space) -> Walk<'_> {
    Walk::new(metadata, space, Sides::Front, (vec![UPLOADS], keyspace::prefix_end(UPLOADS, b"")), 64)
}
