//! How a key gets a new version: read the head, decide, and commit on the expectation that the head is still as read.
//!
//! One batch holds all of it: the new head, the old head as an older version or its blobs retired, the null version
//! replaced wherever it is, and the usage. Where another writer came between, everything is read and decided anew. Where
//! the outcome of a commit is unknown, the write id in the record tells whether it happened.

use std::borrow::Cow;

use access::BucketTarget;
use bytes::Bytes;
use storage::{Batch, CommitError, Expect, Space, StorageError};
use types::{ETag, ObjectKey, Timestamp, UploadId, UserName, VersionId, WriteId};

use crate::bucket::Versioning;
use crate::conditions::{WriteTerms, check_delete};
use crate::content::NewBlobs;
use crate::keyspace::KeyNames;
use crate::record::{self, HeadRecord, MarkerRecord, Naming, Order, VersionKind, VersionRecord};
use crate::usage::{Bound, Counted, Place, UsageChange};
use crate::{Bucket, ObjectError, Objects};

/// How often a change is tried against other writers. Those of this process wait their turn, so even two is rare.
pub(crate) const ATTEMPTS: usize = 16;

/// A head record as it was read.
#[derive(Debug)]
pub(crate) struct StoredHead {
    pub(crate) raw: Bytes,
    /// Boxed: it is large, and passed from hand to hand.
    pub(crate) record: Box<HeadRecord>,
}

impl StoredHead {
    /// The tag of the current object; `None` for a delete marker.
    pub(crate) fn etag(&self) -> Option<&ETag> {
        self.record.version.object().map(|object| &object.etag)
    }
}

/// A version that is to become the current one.
pub(crate) struct NewVersion {
    /// Order and naming are set with each attempt.
    pub(crate) record: VersionRecord,
    pub(crate) blobs: NewBlobs,
    pub(crate) counted: Counted,
    /// The upload that it comes from.
    pub(crate) upload: Option<UploadId>,
    /// The write whose version it replaces and whose content it goes on using.
    pub(crate) takes_over: Option<WriteId>,
}

impl NewVersion {
    /// A version that `owner` makes now.
    pub(crate) fn new(objects: &Objects, owner: Option<UserName>, kind: VersionKind) -> Self {
        let record = VersionRecord {
            write: WriteId::random(&*objects.entropy),
            order: Order([0; 16]),
            naming: Naming::Null,
            modified: objects.clock.now(),
            owner,
            kind,
        };
        let blobs = NewBlobs::none(objects);
        Self { record, blobs, counted: Counted::NotYet, upload: None, takes_over: None }
    }
}

/// A write as it is to be committed.
struct Planned {
    batch: Batch,
    /// The limits among its counters.
    bounds: Vec<Bound>,
}

/// A version that was committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Committed {
    pub(crate) id: VersionId,
    /// Whether the bucket keeps versions.
    pub(crate) versioning: Versioning,
    pub(crate) modified: Timestamp,
}

impl Committed {
    /// The version to tell who wrote an object: none where no new one is kept (PutObject, sample responses).
    pub(crate) fn version(&self) -> Option<VersionId> {
        (self.versioning == Versioning::Enabled).then_some(self.id)
    }

    /// The version to tell who made a delete marker.
    pub(crate) fn marker_version(&self) -> Option<VersionId> {
        told(self.versioning, self.id)
    }
}

/// The version id to tell: none where the bucket never had versions.
pub(crate) fn told(versioning: Versioning, id: VersionId) -> Option<VersionId> {
    (versioning != Versioning::Unversioned).then_some(id)
}

/// A commit without an answer.
struct Doubt {
    /// The head that it expected.
    expected: Option<Bytes>,
    /// Where its version would be.
    order: Order,
}

impl Objects {
    /// Reads the head of a key.
    pub(crate) async fn read_head(&self, space: Space, names: &KeyNames) -> Result<Option<StoredHead>, StorageError> {
        let Some(raw) = self.metadata.get(space, names.group()).await? else { return Ok(None) };
        let record = Box::new(record::decode(&raw)?);
        Ok(Some(StoredHead { raw, record }))
    }

    /// Reads an older version of a key.
    pub(crate) async fn read_older(
        &self,
        space: Space,
        names: &KeyNames,
        order: Order,
    ) -> Result<Option<(Bytes, VersionRecord)>, StorageError> {
        let Some(raw) = self.metadata.get(space, &names.older(order)).await? else { return Ok(None) };
        let record = record::decode(&raw)?;
        Ok(Some((raw, record)))
    }

    /// Makes `new` the current version of `key`, if the `terms` hold at that moment.
    pub(crate) async fn write_version(
        &self,
        target: &BucketTarget,
        key: &ObjectKey,
        mut new: NewVersion,
        terms: WriteTerms<'_>,
    ) -> Result<Committed, ObjectError> {
        let names = KeyNames::new(key);
        let space = Space(target.bucket_id);
        let _turn = self.locks.key(space, key).await;
        let mut doubt: Option<Doubt> = None;
        for _ in 0..ATTEMPTS {
            let bucket = self.bucket_of(target).await?;
            // Part maps of versions that go are read below; others may be retiring them.
            let _pin = self.blobs.pin();
            let read_after = self.metadata.moment();
            let head = self.read_head(space, &names).await?;
            let committed = |record: &VersionRecord| Committed {
                id: record.id(),
                versioning: bucket.versioning,
                modified: record.modified,
            };
            if let Some(doubt) = doubt.take()
                && let Some(record) = self.settle(space, &names, head.as_ref(), &doubt, new.record.write).await?
            {
                return Ok(committed(&record));
            }
            match new.record.kind {
                VersionKind::Object(_) => terms.check(head.as_ref().and_then(StoredHead::etag))?,
                VersionKind::DeleteMarker => {
                    check_delete(terms.conditions, head.as_ref().map(|head| &head.record.version))?;
                }
            }
            let planned = self.plan_write(&bucket, &names, head.as_ref(), &mut new).await?;
            let Some(Planned { mut batch, bounds }) = planned else { continue };
            // The marker of an upload is expected to be absent, and was not looked for.
            batch.read_after = read_after.filter(|_| new.upload.is_none());
            match self.metadata.commit(space, names.group(), batch).await {
                Ok(()) => return Ok(committed(&new.record)),
                Err(CommitError::Unknown(_)) => {
                    doubt = Some(Doubt { expected: head.map(|head| head.raw), order: new.record.order });
                }
                Err(CommitError::Conflict { .. }) => {
                    metrics::counter!("commonhold_commit_conflicts_total").increment(1);
                    new.blobs.take_back();
                }
                Err(CommitError::OverLimit { counter }) => {
                    new.blobs.take_back();
                    return Err(self.over_limit(&bucket, &bounds, counter));
                }
                Err(error) => {
                    new.blobs.take_back();
                    return Err(not_committed(error));
                }
            }
        }
        Err(match (doubt, terms.conditions.is_empty()) {
            (Some(_), _) => unknown(),
            (None, true) => ObjectError::Contention,
            (None, false) => ObjectError::ConditionalRequestConflict,
        })
    }

    /// What became of a commit without an answer: the version, if it happened; `None` if it did not.
    async fn settle(
        &self,
        space: Space,
        names: &KeyNames,
        head: Option<&StoredHead>,
        doubt: &Doubt,
        write: WriteId,
    ) -> Result<Option<VersionRecord>, ObjectError> {
        if let Some(head) = head.filter(|head| head.record.version.write == write) {
            return Ok(Some(head.record.version.clone()));
        }
        if let Some((_, older)) = self.read_older(space, names, doubt.order).await?
            && older.write == write
        {
            return Ok(Some(older));
        }
        // A head that is neither ours nor what we built upon may have replaced ours.
        if head.map(|head| &head.raw) == doubt.expected.as_ref() { Ok(None) } else { Err(unknown()) }
    }

    /// The batch that makes `new` the version after `head`; `None` where what was read is outdated.
    async fn plan_write(
        &self,
        bucket: &Bucket,
        names: &KeyNames,
        head: Option<&StoredHead>,
        new: &mut NewVersion,
    ) -> Result<Option<Planned>, ObjectError> {
        let mut batch = Batch::default();
        let mut usage = UsageChange::in_bucket(bucket);
        let mut null_at = None;
        let mut replaced = None;
        new.record.naming = match bucket.versioning {
            Versioning::Enabled => Naming::Id,
            Versioning::Unversioned | Versioning::Suspended => Naming::Null,
        };
        let newest = head.map(|head| head.record.version.order);
        new.record.order = Order::newer_than(newest, self.clock.now(), &*self.entropy);
        batch.expect.push(expect_head(names, head));
        if let Some(HeadRecord { version, null_at: older_null }) = head.map(|head| &*head.record) {
            if (new.record.naming, version.naming) == (Naming::Null, Naming::Null) {
                replaced = Some((Cow::Borrowed(version), Place::Current));
            } else {
                usage.becomes(version, Place::Older);
                batch.put.push((names.older(version.order), record::encode(version)?));
                null_at = if version.naming == Naming::Null { Some(version.order) } else { *older_null };
            }
        }
        if let Some(order) = null_at.filter(|_| new.record.naming == Naming::Null) {
            let Some((raw, version)) = self.read_older(bucket.space(), names, order).await? else { return Ok(None) };
            batch.expect.push(Expect::Value(names.older(order), raw));
            batch.delete.push(names.older(order));
            replaced = Some((Cow::Owned(version), Place::Older));
            null_at = None;
        }
        if new.takes_over.is_some() && new.takes_over != replaced.as_ref().map(|(replaced, _)| replaced.write) {
            return Err(ObjectError::Contention);
        }
        if let Some((replaced, place)) = replaced {
            usage.remove(&replaced, place);
            if let Some(object) = replaced.object().filter(|_| new.takes_over.is_none()) {
                batch.retire = self.blobs_of(&object.content).await?;
            }
        }
        if let Some(upload) = new.upload {
            let marker = MarkerRecord { write: new.record.write, version: new.record.id() };
            batch.expect.push(Expect::Absent(names.marker(upload)));
            batch.put.push((names.marker(upload), record::encode(&marker)?));
        }
        usage.add(&new.record, new.counted);
        let charge = self.charge(usage, bucket);
        batch.count = charge.count;
        batch.put.push((names.head(), record::encode_head(&new.record, null_at)?));
        batch.keep = new.blobs.for_commit();
        Ok(Some(Planned { batch, bounds: charge.bounds }))
    }
}

/// The expectation that the head is as it was read.
pub(crate) fn expect_head(names: &KeyNames, head: Option<&StoredHead>) -> Expect {
    match head {
        Some(head) => Expect::Value(names.head(), head.raw.clone()),
        None => Expect::Absent(names.head()),
    }
}

/// The error for a commit that did not happen and is not tried again.
pub(crate) fn not_committed(error: CommitError) -> ObjectError {
    match error {
        CommitError::Storage(StorageError::Closed(_)) => ObjectError::NoSuchBucket,
        CommitError::Storage(error) => error.into(),
        CommitError::Unknown(_) => unknown(),
        CommitError::Conflict { .. } | CommitError::OverLimit { .. } => ObjectError::Contention,
    }
}

/// The error for a commit that nobody can say of whether it happened.
pub(crate) fn unknown() -> ObjectError {
    StorageError::Io("the outcome of a write is unknown".to_owned()).into()
}
