//! Buckets: made, found, changed and deleted.
//!
//! Their records lie in the control space, one group a tenancy, as JSON, and are held in memory, where every request
//! looks them up. Changes are made one at a time, in a task that goes on when the client is gone, so that memory and
//! record never part.
//!
//! A delete marks the record first, closes the bucket's space, which fails while anything is left in it, and then removes
//! the record. Whoever finds the mark after a crash goes on from there.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use access::{BucketTarget, Grant, action};
use identity::{CLOSED_TO_BUCKETS, bucket_counter};
use parking_lot::RwLock;
use policy::{Acl, Grantee};
use serde::{Deserialize, Serialize};
use storage::{Batch, Bounded, CommitError, Expect, Space, StorageError, limits};
use types::{BucketName, TenancyName, UserName};

use crate::bucket::{Bucket, NewBucket, Versioning};
use crate::bucket_access::is_owners_alone;
use crate::commit::{not_committed, unknown};
use crate::keyspace::{self, Place};
use crate::{ObjectError, Objects};

/// The most buckets of a tenancy: AWS's default quota, and what one listing answers.
pub const MAX_BUCKETS: i64 = 10_000;
/// Pairs of one scan of bucket records.
const PAGE: usize = 1000;
/// What is said where a bucket's record would pass the bound of a value.
const TOO_LARGE: &str = "The bucket's policy, ACL and CORS rules together are too large: they have 64 KiB";
/// How often a delete looks for uploads to abort: new ones may begin meanwhile.
const SWEEPS: usize = 8;

/// A bucket's record.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    #[serde(flatten)]
    pub(crate) bucket: Bucket,
    /// Whether a delete is under way.
    pub(crate) deleting: bool,
}

/// The bucket records in memory.
#[derive(Default)]
pub(crate) struct Buckets {
    known: RwLock<Known>,
    /// Held by whoever changes a record.
    changes: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// Counts changes, so that what was read before one is not remembered after it.
    generation: u64,
    records: HashMap<TenancyName, HashMap<BucketName, Arc<Bucket>>>,
}

impl Buckets {
    fn find(&self, tenancy: &TenancyName, name: &BucketName) -> (Option<Arc<Bucket>>, u64) {
        let known = self.known.read();
        (known.records.get(tenancy).and_then(|records| records.get(name)).cloned(), known.generation)
    }

    /// Remembers what was read, unless something changed since `generation`.
    fn remember(&self, bucket: &Arc<Bucket>, generation: u64) {
        let mut known = self.known.write();
        if known.generation == generation {
            known.records.entry(bucket.tenancy.clone()).or_default().insert(bucket.name.clone(), Arc::clone(bucket));
        }
    }

    fn forget(&self, tenancy: &TenancyName, name: &BucketName) {
        let mut known = self.known.write();
        known.generation += 1;
        if let Some(records) = known.records.get_mut(tenancy) {
            records.remove(name);
        }
    }
}

impl Objects {
    /// The bucket of this name, for decisions about it. Cheap: held in memory.
    ///
    /// # Errors
    /// The engine's.
    pub async fn find_bucket(
        &self,
        tenancy: &TenancyName,
        name: &BucketName,
    ) -> Result<Option<Arc<Bucket>>, ObjectError> {
        let (known, generation) = self.buckets.find(tenancy, name);
        if known.is_some() {
            return Ok(known);
        }
        let Some((_, record)) = self.read_bucket(tenancy, name).await? else { return Ok(None) };
        let bucket = Arc::new(record.bucket);
        self.buckets.remember(&bucket, generation);
        Ok(Some(bucket))
    }

    /// Makes a bucket that the caller owns.
    ///
    /// # Errors
    /// [`ObjectError::BucketAlreadyOwnedByYou`], [`ObjectError::BucketAlreadyExists`], [`ObjectError::TooManyBuckets`];
    /// [`ObjectError::InvalidRequest`] where the caller is no person, as a bucket has an owner;
    /// [`ObjectError::InvalidBucketAclWithObjectOwnership`] for an ACL that shares a bucket where ACLs are not to count.
    pub async fn create_bucket(
        &self,
        grant: &Grant<action::CreateBucket>,
        new: NewBucket,
    ) -> Result<Arc<Bucket>, ObjectError> {
        let Some(owner) = grant.principal().user().cloned() else {
            return Err(ObjectError::InvalidRequest("A bucket is made by the person who will own it".to_owned()));
        };
        let target = grant.target();
        let acl = new.acl.unwrap_or_else(|| Acl::private(&owner));
        if new.ownership.is_some_and(|ownership| !ownership.counts_acls()) && !is_owners_alone(&acl, &owner) {
            return Err(ObjectError::InvalidBucketAclWithObjectOwnership);
        }
        let bucket = Bucket {
            id: self.entropy.next_u64().max(1),
            tenancy: target.tenancy.clone(),
            name: target.bucket.clone(),
            created: self.clock.now(),
            versioning: Versioning::Unversioned,
            acl,
            owner,
            location: new.location,
            policy: None,
            ownership: new.ownership,
            public_access: None,
            cors: None,
            public_index: false,
        };
        let store = self.clone();
        in_the_end(async move {
            let _turn = store.buckets.changes.lock().await;
            store.insert_bucket(bucket).await
        })
        .await
    }

    async fn insert_bucket(&self, bucket: Bucket) -> Result<Arc<Bucket>, ObjectError> {
        let taken = |existing: Bucket| {
            if existing.owner == bucket.owner {
                return ObjectError::BucketAlreadyOwnedByYou;
            }
            ObjectError::BucketAlreadyExists { owner: existing.owner }
        };
        if let Some((_, record)) = self.read_bucket(&bucket.tenancy, &bucket.name).await? {
            return Err(taken(record.bucket));
        }
        let key = keyspace::bucket(&bucket.tenancy, &bucket.name);
        let record = BucketRecord { bucket: bucket.clone(), deleting: false };
        let count = Bounded { name: bucket_counter(&bucket.tenancy), delta: 1, at_most: Some(MAX_BUCKETS) };
        let batch = Batch {
            expect: vec![Expect::Absent(key.clone())],
            put: vec![(key, json(&record)?)],
            count: vec![count],
            ..Batch::default()
        };
        match self.metadata.commit(Space::CONTROL, &keyspace::buckets_of(&bucket.tenancy), batch).await {
            Ok(()) => {}
            Err(CommitError::OverLimit { .. }) => return Err(self.no_room_for(&bucket).await?),
            Err(CommitError::Unknown(_) | CommitError::Conflict { .. }) => {
                match self.read_bucket(&bucket.tenancy, &bucket.name).await? {
                    Some((_, record)) if record.bucket.id == bucket.id => {}
                    Some((_, record)) => return Err(taken(record.bucket)),
                    None => return Err(unknown()),
                }
            }
            Err(error) => return Err(not_committed(error)),
        }
        self.buckets.forget(&bucket.tenancy, &bucket.name);
        Ok(Arc::new(bucket))
    }

    /// Why a bucket can not be made: its tenancy has too many, or was deleted since the caller was let in, which they
    /// are told by the answer when they try again.
    async fn no_room_for(&self, bucket: &Bucket) -> Result<ObjectError, ObjectError> {
        let count = self.metadata.counters(&[bucket_counter(&bucket.tenancy)]).await?;
        Ok(match count.first().copied() {
            Some(CLOSED_TO_BUCKETS..) => ObjectError::Contention,
            _ => ObjectError::TooManyBuckets,
        })
    }

    /// Deletes a bucket that holds no object and no version. Uploads in progress are aborted.
    ///
    /// # Errors
    /// [`ObjectError::BucketNotEmpty`], [`ObjectError::NoSuchBucket`].
    pub async fn delete_bucket(&self, grant: &Grant<action::DeleteBucket>) -> Result<(), ObjectError> {
        let (store, target) = (self.clone(), grant.bucket().clone());
        in_the_end(async move {
            let bucket = store.bucket_of(&target).await?;
            store.empty_of_uploads(&bucket).await?;
            let _turn = store.buckets.changes.lock().await;
            store.change_record(&target, |record| mark(record, true)).await?;
            store.finish_delete(&bucket).await
        })
        .await
    }

    /// Refuses a bucket that holds objects, and aborts the uploads of one that does not.
    async fn empty_of_uploads(&self, bucket: &Bucket) -> Result<(), ObjectError> {
        let (from, to) = ([keyspace::OBJECTS], [keyspace::OBJECTS + 1]);
        for _ in 0..SWEEPS {
            let left = self.metadata.scan_both(bucket.space(), &from, Some(&to), PAGE).await?;
            for (name, _) in &left {
                if !Place::parse(name)?.is_marker() {
                    return Err(ObjectError::BucketNotEmpty);
                }
            }
            if !left.is_empty() {
                // Markers without a version: completions that have not ended yet, of objects that are gone already.
                self.finish_interrupted(bucket).await?;
            } else if self.abort_all_uploads(bucket).await? == 0 {
                return Ok(());
            }
        }
        Err(ObjectError::Contention)
    }

    /// Finishes a delete that a crash broke off. A bucket that is not empty stays.
    pub(crate) async fn finish_interrupted_delete(&self, bucket: &Bucket) -> Result<(), ObjectError> {
        let (store, bucket) = (self.clone(), bucket.clone());
        in_the_end(async move {
            let _turn = store.buckets.changes.lock().await;
            // The mark may have been taken off, and the bucket filled and emptied, since it was seen.
            let found = store.read_bucket(&bucket.tenancy, &bucket.name).await?;
            if !found.is_some_and(|(_, record)| record.deleting && record.bucket.id == bucket.id) {
                return Ok(());
            }
            match store.finish_delete(&bucket).await {
                Err(ObjectError::BucketNotEmpty) => Ok(()),
                outcome => outcome,
            }
        })
        .await
    }

    /// Goes on from the mark in the bucket's record: closes the space and removes the record, or takes the mark off.
    async fn finish_delete(&self, bucket: &Bucket) -> Result<(), ObjectError> {
        let target = target_of(bucket);
        if !self.metadata.close(bucket.space(), b"", None).await? {
            self.change_record(&target, |record| mark(record, false)).await?;
            return Err(ObjectError::BucketNotEmpty);
        }
        self.metadata.erase(bucket.space()).await?;
        let Some((raw, record)) = self.read_bucket(&bucket.tenancy, &bucket.name).await? else { return Ok(()) };
        if record.bucket.id != bucket.id {
            return Ok(());
        }
        let key = keyspace::bucket(&bucket.tenancy, &bucket.name);
        let batch = Batch {
            expect: vec![Expect::Value(key.clone(), raw)],
            delete: vec![key],
            count: vec![Bounded { name: bucket_counter(&bucket.tenancy), delta: -1, at_most: None }],
            ..Batch::default()
        };
        let outcome = self.metadata.commit(Space::CONTROL, &keyspace::buckets_of(&bucket.tenancy), batch).await;
        self.buckets.forget(&bucket.tenancy, &bucket.name);
        match outcome {
            Ok(()) => Ok(()),
            Err(CommitError::Unknown(_)) if self.read_bucket(&bucket.tenancy, &bucket.name).await?.is_none() => Ok(()),
            Err(error) => Err(not_committed(error)),
        }
    }

    /// Every bucket of the tenancy, in the order of names; the caller keeps those that may be shown.
    ///
    /// # Errors
    /// The engine's.
    pub async fn list_buckets(&self, grant: &Grant<action::ListAllMyBuckets>) -> Result<Vec<Arc<Bucket>>, ObjectError> {
        let from = keyspace::buckets_of(grant.tenancy());
        let to = keyspace::end_of_buckets_of(grant.tenancy());
        Ok(self.scan_buckets(from, &to).await?.into_iter().map(|record| Arc::new(record.bucket)).collect())
    }

    /// The records between two names.
    pub(crate) async fn scan_buckets(&self, mut from: Vec<u8>, to: &[u8]) -> Result<Vec<BucketRecord>, ObjectError> {
        let mut records = Vec::new();
        loop {
            let page = self.metadata.scan(Space::CONTROL, &from, Some(to), PAGE).await?;
            for (_, raw) in &page {
                records.push(parse(raw)?);
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => from = keyspace::just_after(last),
                _ => return Ok(records),
            }
        }
    }

    /// Gives a bucket to another owner, who takes the place of the one before in its ACL too. Objects stay with those who
    /// wrote them.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn set_bucket_owner(
        &self,
        grant: &Grant<action::PutBucketAcl>,
        owner: UserName,
    ) -> Result<(), ObjectError> {
        let change = move |bucket: &mut Bucket| {
            let before = std::mem::replace(&mut bucket.owner, owner.clone());
            for line in &mut bucket.acl.grants {
                if line.grantee == Grantee::User(before.clone()) {
                    line.grantee = Grantee::User(owner.clone());
                }
            }
            Ok(())
        };
        self.change_bucket(grant.bucket(), change).await
    }

    /// Enables or suspends versions. A bucket that had them never is without again.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]; [`ObjectError::InvalidArgument`] where `versioning` is that of a bucket that never
    /// had versions.
    pub async fn put_bucket_versioning(
        &self,
        grant: &Grant<action::PutBucketVersioning>,
        versioning: Versioning,
    ) -> Result<(), ObjectError> {
        if versioning == Versioning::Unversioned {
            return Err(ObjectError::InvalidArgument("Versioning is Enabled or Suspended".to_owned()));
        }
        self.change_bucket(grant.bucket(), move |bucket| {
            bucket.versioning = versioning;
            Ok(())
        })
        .await
    }

    /// Changes a bucket as it is at that moment, or refuses to and changes nothing.
    pub(crate) async fn change_bucket(
        &self,
        target: &BucketTarget,
        change: impl FnOnce(&mut Bucket) -> Result<(), ObjectError> + Send + 'static,
    ) -> Result<(), ObjectError> {
        let (store, target) = (self.clone(), target.clone());
        in_the_end(async move {
            let _turn = store.buckets.changes.lock().await;
            store.change_record(&target, |record| change(&mut record.bucket)).await
        })
        .await
    }

    /// Changes a record. The caller has the turn.
    async fn change_record(
        &self,
        target: &BucketTarget,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), ObjectError> + Send,
    ) -> Result<(), ObjectError> {
        let found = self.read_bucket(&target.tenancy, &target.bucket).await?;
        let Some((raw, mut record)) = found.filter(|(_, record)| record.bucket.id == target.bucket_id) else {
            return Err(ObjectError::NoSuchBucket);
        };
        change(&mut record)?;
        let key = keyspace::bucket(&target.tenancy, &target.bucket);
        let new = json(&record)?;
        if new.len() > limits::VALUE_BYTES {
            return Err(ObjectError::InvalidRequest(TOO_LARGE.to_owned()));
        }
        let batch = Batch {
            expect: vec![Expect::Value(key.clone(), raw)],
            put: vec![(key.clone(), new.clone())],
            ..Batch::default()
        };
        let outcome = self.metadata.commit(Space::CONTROL, &keyspace::buckets_of(&target.tenancy), batch).await;
        self.buckets.forget(&target.tenancy, &target.bucket);
        match outcome {
            Ok(()) => Ok(()),
            Err(CommitError::Unknown(_)) if self.metadata.get(Space::CONTROL, &key).await? == Some(new) => Ok(()),
            Err(error) => Err(not_committed(error)),
        }
    }

    /// The bucket that a grant is for.
    pub(crate) async fn bucket_of(&self, target: &BucketTarget) -> Result<Arc<Bucket>, ObjectError> {
        let found = self.find_bucket(&target.tenancy, &target.bucket).await?;
        found.filter(|bucket| bucket.id == target.bucket_id).ok_or(ObjectError::NoSuchBucket)
    }

    async fn read_bucket(
        &self,
        tenancy: &TenancyName,
        name: &BucketName,
    ) -> Result<Option<(bytes::Bytes, BucketRecord)>, ObjectError> {
        let Some(raw) = self.metadata.get(Space::CONTROL, &keyspace::bucket(tenancy, name)).await? else {
            return Ok(None);
        };
        let record = parse(&raw)?;
        Ok(Some((raw, record)))
    }
}

fn mark(record: &mut BucketRecord, deleting: bool) -> Result<(), ObjectError> {
    record.deleting = deleting;
    Ok(())
}

/// The target that stands for `bucket`.
pub(crate) fn target_of(bucket: &Bucket) -> BucketTarget {
    BucketTarget { tenancy: bucket.tenancy.clone(), bucket: bucket.name.clone(), bucket_id: bucket.id }
}

/// Runs `change` in a task of its own, which ends even when nobody waits for it any more.
pub(crate) async fn in_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ObjectError>> + Send + 'static,
) -> Result<T, ObjectError> {
    match tokio::spawn(change).await {
        Ok(outcome) => outcome,
        Err(error) => Err(StorageError::Io(format!("a change was broken off: {error}")).into()),
    }
}

fn json(record: &BucketRecord) -> Result<bytes::Bytes, StorageError> {
    let json = serde_json::to_vec(record);
    json.map(Into::into).map_err(|error| StorageError::Bounds(format!("a bucket's record can not be written: {error}")))
}

fn parse(raw: &[u8]) -> Result<BucketRecord, StorageError> {
    serde_json::from_slice(raw).map_err(|error| StorageError::Damaged(format!("a bucket's record: {error}")))
}
