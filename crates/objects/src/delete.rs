//! DeleteObject.
//!
//! Without a version id, a bucket that keeps or kept versions gets a delete marker, and one that never did loses its one
//! (null) version. With a version id exactly that version goes; where it was the current one, the next becomes it.

use access::{BucketTarget, Grant, action};
use storage::{Batch, CommitError, Expect};
use types::{Conditions, ObjectKey, VersionId};

use crate::bucket::Versioning;
use crate::commit::{ATTEMPTS, NewVersion, expect_head, not_committed, told, unknown};
use crate::conditions::{WriteTerms, check_delete};
use crate::keyspace::KeyNames;
use crate::object::Deleted;
use crate::read::Found;
use crate::record::{self, Naming, VersionKind, VersionRecord};
use crate::usage::{Place, UsageChange};
use crate::{Bucket, ObjectError, Objects};

impl Objects {
    /// Deletes an object or one version of it. What does not exist is deleted with success.
    ///
    /// # Errors
    /// [`ObjectError::PreconditionFailed`] and [`ObjectError::NoSuchKey`] by the conditions.
    pub async fn delete_object(
        &self,
        grant: &Grant<action::DeleteObject>,
        conditions: &Conditions,
    ) -> Result<Deleted, ObjectError> {
        let (target, key) = (grant.in_bucket(), grant.key());
        let bucket = self.bucket_of(target).await?;
        match (grant.version(), bucket.versioning) {
            (Some(version), _) => self.remove_version(target, key, version, conditions).await,
            (None, Versioning::Unversioned) => self.remove_version(target, key, VersionId::Null, conditions).await,
            (None, Versioning::Enabled | Versioning::Suspended) => {
                let owner = grant.principal().user().cloned();
                let marker = NewVersion::new(self, owner, VersionKind::DeleteMarker);
                let terms = WriteTerms { conditions, existence: grant.existence() };
                let committed = self.write_version(target, key, marker, terms).await?;
                Ok(Deleted { version: committed.marker_version(), delete_marker: true })
            }
        }
    }

    async fn remove_version(
        &self,
        target: &BucketTarget,
        key: &ObjectKey,
        version: VersionId,
        conditions: &Conditions,
    ) -> Result<Deleted, ObjectError> {
        let bucket = self.bucket_of(target).await?;
        let (names, space) = (KeyNames::new(key), bucket.space());
        let _turn = self.locks.key(space, key).await;
        let told = told(bucket.versioning, version);
        let mut doubt: Option<Deleted> = None;
        for _ in 0..ATTEMPTS {
            let _pin = self.blobs.pin();
            let read_after = self.metadata.moment();
            let Some(found) = self.find_version(&bucket, key, Some(version)).await? else {
                // What vanished after a commit without an answer was removed by it.
                let absent = Deleted { version: told, delete_marker: false };
                return doubt.map_or_else(|| check_delete(conditions, None).map(|()| absent), Ok);
            };
            check_delete(conditions, Some(found.record()))?;
            let removed = Deleted { version: told, delete_marker: found.record().object().is_none() };
            // Read after the head: where the bucket had no versions until now, the head has none behind it.
            let versioning = self.bucket_of(target).await?.versioning;
            let mut batch = self.plan_removal(&bucket, versioning, &names, &found).await?;
            batch.read_after = read_after;
            match self.metadata.commit(space, names.group(), batch).await {
                Ok(()) => return Ok(removed),
                Err(CommitError::Conflict { .. }) => {
                    metrics::counter!("commonhold_commit_conflicts_total").increment(1);
                }
                Err(CommitError::Unknown(_)) => doubt = Some(removed),
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(match (doubt, conditions.is_empty()) {
            (Some(_), _) => unknown(),
            (None, true) => ObjectError::Contention,
            (None, false) => ObjectError::ConditionalRequestConflict,
        })
    }

    /// The batch that removes `found`. `versioning` is the bucket's at a moment after `found` was read.
    async fn plan_removal(
        &self,
        bucket: &Bucket,
        versioning: Versioning,
        names: &KeyNames,
        found: &Found,
    ) -> Result<Batch, ObjectError> {
        let head = &found.head;
        let mut batch = Batch { expect: vec![expect_head(names, Some(head))], ..Batch::default() };
        let mut usage = UsageChange::in_bucket(bucket);
        let place = if found.older.is_some() { Place::Older } else { Place::Current };
        usage.remove(found.record(), place);
        if let Some(object) = found.record().object() {
            batch.retire = self.blobs_of(&object.content).await?;
        }
        if let Some((raw, older)) = found.older.as_deref() {
            batch.expect.push(Expect::Value(names.older(older.order), raw.clone()));
            batch.delete.push(names.older(older.order));
            if older.naming == Naming::Null {
                batch.put.push((names.head(), record::encode_head(&head.record.version, None)?));
            }
            batch.count = usage.into_count();
            return Ok(batch);
        }
        let (from, to) = names.all_older();
        let next = match versioning {
            Versioning::Unversioned => None,
            Versioning::Enabled | Versioning::Suspended => {
                self.metadata.scan(bucket.space(), &from, Some(&to), 1).await?.pop()
            }
        };
        let Some((name, raw)) = next else {
            batch.delete.push(names.head());
            batch.count = usage.into_count();
            return Ok(batch);
        };
        let next: VersionRecord = record::decode(&raw)?;
        usage.becomes(&next, Place::Current);
        batch.count = usage.into_count();
        let null_at = if next.naming == Naming::Null { None } else { head.record.null_at };
        batch.put.push((names.head(), record::encode_head(&next, null_at)?));
        batch.expect.push(Expect::Value(name.to_vec(), raw));
        batch.delete.push(name.to_vec());
        Ok(batch)
    }
}
