//! What quotas do to writes, and where they stand.
//!
//! The hard limit is kept by the commit itself ([`crate::usage`]). What is looked at before, here, is only for the client's
//! sake: a large body that can not fit is refused before it is read. [`Objects::review_quotas`] holds each quota against
//! what is used and has its beginning and end told.

use identity::quota::{Held, QuotaLimit, QuotaMarks};
use identity::{Event, Identity, Quota, QuotaScope, Quotas};
use storage::StorageError;
use types::{ObjectKey, TenancyName, UserName};

use crate::bucket::Versioning;
use crate::keyspace::KeyNames;
use crate::record::Naming;
use crate::usage::{Bound, Charge, Measure, Place, Usage, UsageChange};
use crate::{Bucket, ObjectError, Objects};

/// Writes that a hard limit refused, by `scope` (`tenancy`, `bucket` or `owner`).
pub const QUOTA_REFUSALS: &str = "commonhold_quota_refusals_total";

/// A write would pass a hard limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaExceeded {
    /// In which tenancy.
    pub tenancy: TenancyName,
    /// Whose limit.
    pub scope: QuotaScope,
    /// Of what.
    pub measure: Measure,
    /// How much it allows.
    pub limit: u64,
    /// How much more the write would have made it.
    pub added: u64,
}

impl std::fmt::Display for QuotaExceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tenancy, limit, added, .. } = self;
        let what = match self.measure {
            Measure::Bytes => "bytes",
            Measure::Objects => "objects",
        };
        match &self.scope {
            QuotaScope::Tenancy => write!(f, "Tenancy {tenancy}"),
            QuotaScope::Bucket(bucket) => write!(f, "Bucket {bucket} of tenancy {tenancy}"),
            QuotaScope::Owner(user) => write!(f, "User {user} in tenancy {tenancy}"),
        }?;
        write!(
            f,
            " may hold {limit} {what}, and this request would add {added} to what is there and pass that. Delete objects \
             or older versions, or abort uploads in progress: the room is free at once. Or ask for more quota."
        )
    }
}

impl Objects {
    /// This store with quotas. Without, nothing is limited.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// Every quota.
    pub const fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// What a change of usage is charged, under the quotas that hold now.
    pub(crate) fn charge(&self, change: UsageChange<'_>, bucket: &Bucket) -> Charge {
        let quotas = self.quotas.of(&bucket.tenancy);
        change.into_bounded(quotas.as_deref(), self.clock.now())
    }

    /// The error for a commit in which the counter at `counter` would have passed its limit.
    pub(crate) fn over_limit(&self, bucket: &Bucket, bounds: &[Bound], counter: usize) -> ObjectError {
        let Some(bound) = bounds.iter().find(|bound| bound.counter == counter) else {
            // No other counter of a write has a limit.
            return StorageError::Bounds(format!("counter {counter} of a batch has no limit")).into();
        };
        self.quotas.refuse(&bucket.tenancy, &bound.scope);
        let scope = match bound.scope {
            QuotaScope::Tenancy => "tenancy",
            QuotaScope::Bucket(_) => "bucket",
            QuotaScope::Owner(_) => "owner",
        };
        metrics::counter!(QUOTA_REFUSALS, "scope" => scope).increment(1);
        let quotas = self.quotas.of(&bucket.tenancy).unwrap_or_default();
        let limits = quotas.get(&bound.scope).map(|quota| quota.hard).unwrap_or_default();
        let limit = match bound.measure {
            Measure::Bytes => limits.bytes,
            Measure::Objects => limits.objects,
        };
        ObjectError::QuotaExceeded(Box::new(QuotaExceeded {
            tenancy: bucket.tenancy.clone(),
            scope: bound.scope.clone(),
            measure: bound.measure,
            limit: limit.unwrap_or(0),
            added: bound.added,
        }))
    }

    /// Refuses what can not fit as things are. Only the commit knows for certain.
    ///
    /// # Errors
    /// [`ObjectError::QuotaExceeded`].
    pub(crate) async fn check_room(&self, bucket: &Bucket, charge: &Charge) -> Result<(), ObjectError> {
        let changes = charge.bounds.iter().filter_map(|bound| charge.count.get(bound.counter));
        let names: Vec<_> = changes.clone().map(|change| change.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let values = self.metadata.counters(&names).await?;
        for ((bound, change), value) in charge.bounds.iter().zip(changes).zip(values) {
            if change.at_most.is_some_and(|limit| value.saturating_add(change.delta) > limit) {
                return Err(self.over_limit(bucket, &charge.bounds, bound.counter));
            }
        }
        Ok(())
    }

    /// Refuses a body of `size` bytes that can not fit under `key`, before it is read. One that is small enough to travel
    /// inside the commit is left to the commit.
    ///
    /// # Errors
    /// [`ObjectError::QuotaExceeded`], and the engine's.
    pub(crate) async fn check_room_for_object(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        owner: Option<&UserName>,
        size: Option<u64>,
    ) -> Result<(), ObjectError> {
        let Some(size) = size.filter(|size| *size > self.blobs.inline_limit() as u64) else { return Ok(()) };
        if self.quotas.of(&bucket.tenancy).is_none() {
            return Ok(());
        }
        let mut usage = UsageChange::in_bucket(bucket);
        usage.expect(owner, size);
        self.count_replaced(bucket, key, &mut usage).await?;
        self.check_room(bucket, &self.charge(usage, bucket)).await
    }

    /// Takes away from `usage` what a new version of `key` would replace.
    async fn count_replaced(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        usage: &mut UsageChange<'_>,
    ) -> Result<(), ObjectError> {
        if bucket.versioning == Versioning::Enabled {
            return Ok(());
        }
        let names = KeyNames::new(key);
        let Some(head) = self.read_head(bucket.space(), &names).await? else { return Ok(()) };
        if head.record.version.naming == Naming::Null {
            usage.remove(&head.record.version, Place::Current);
        } else if let Some(order) = head.record.null_at
            && let Some((_, older)) = self.read_older(bucket.space(), &names, order).await?
        {
            usage.remove(&older, Place::Older);
        }
        Ok(())
    }

    /// Holds quotas of a tenancy against what is used; records what was reached or no longer is, with the events that tell
    /// of it. Each crossing is told once, also across restarts. Answers how many there were.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn review_quotas(
        &self,
        identity: &Identity,
        tenancy: &TenancyName,
        review: Review,
    ) -> Result<u64, ReviewError> {
        let refused = self.quotas.take_refusals(tenancy);
        let Some(quotas) = self.quotas.of(tenancy) else { return Ok(0) };
        let now = self.clock.now();
        let is_due = |scope: &QuotaScope, quota: &Quota| match review {
            Review::Whole => !quota.is_over(),
            Review::Pressing => quota.is_strict_at(now) || refused.contains(scope),
        };
        let mut crossings = 0;
        for (scope, quota) in quotas.all_that(is_due) {
            let Usage { bytes, objects } = self.usage_in(tenancy, &scope).await?;
            let held = Held { bytes, objects };
            let marks = quota.reviewed(held, refused.contains(&scope), self.clock.now());
            if marks != quota.marks {
                let events = events(tenancy, &scope, &quota, marks, held, self.clock.now());
                let count = events.len() as u64;
                if identity.mark_quota(tenancy, &scope, &quota, marks, events).await? {
                    crossings += count;
                }
            }
        }
        Ok(crossings)
    }

    /// What is used of a quota.
    ///
    /// # Errors
    /// The engine's.
    pub async fn usage_in(&self, tenancy: &TenancyName, scope: &QuotaScope) -> Result<Usage, ObjectError> {
        match scope {
            QuotaScope::Tenancy => self.tenancy_usage(tenancy).await,
            QuotaScope::Owner(user) => self.user_usage(tenancy, user).await,
            QuotaScope::Bucket(name) => match self.find_bucket(tenancy, name).await? {
                Some(bucket) => self.bucket_usage(&bucket).await,
                None => Ok(Usage::default()),
            },
        }
    }
}

/// Which quotas are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Review {
    /// Those that decide about more than additions when they are reached, and those that refused a write.
    Pressing,
    /// All that limit something, and those whose limits were taken away after they had been reached.
    Whole,
}

/// Quotas could not be reviewed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// What is used is not to be had.
    #[error(transparent)]
    Usage(#[from] ObjectError),
    /// What was found can not be recorded.
    #[error(transparent)]
    Record(#[from] identity::IdentityError),
}

/// What is to be told of the step from a quota's marks to `marks`.
fn events(
    tenancy: &TenancyName,
    scope: &QuotaScope,
    quota: &Quota,
    marks: QuotaMarks,
    held: Held,
    now: types::Timestamp,
) -> Vec<Event> {
    let hard = Some(quota.action_at(now));
    let steps = [
        (QuotaLimit::Soft, quota.soft, quota.marks.soft, marks.soft, None),
        (QuotaLimit::Hard, quota.hard, quota.marks.hard, marks.hard, hard),
    ];
    let event = |(limit, allowed, before, after, action): (_, _, Option<_>, Option<_>, _)| {
        let (tenancy, scope) = (tenancy.clone(), scope.clone());
        match (before.is_some(), after.is_some()) {
            (false, true) => Some(Event::QuotaReached { tenancy, scope, limit, allowed, held, action }),
            (true, false) => Some(Event::QuotaEnded { tenancy, scope, limit, allowed, held }),
            _ => None,
        }
    };
    steps.into_iter().filter_map(event).collect()
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
