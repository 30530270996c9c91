//! Quotas: how much a tenancy, a bucket of it or a person in it may hold, and what follows when that is reached.
//!
//! A tenancy's quota is part of its record; those of buckets and people are records beside it, in the same group. All of
//! them are held in memory ([`Quotas`]), where every write looks them up. What is used is counted elsewhere, with each
//! commit; whoever counts refuses what would pass a hard limit, looks from time to time where each quota stands
//! ([`Quota::reviewed`]), and has that recorded ([`Identity::mark_quota`]), with an event at each beginning and end.
//!
//! A bucket's quota belongs to the bucket's name: it is there before the bucket is made and stays when the bucket is made
//! anew, so that nobody sheds a limit by that.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use policy::QuotaState;
use serde::{Deserialize, Serialize};
use storage::{Batch, limits};
use tokio::sync::Notify;
use types::{BucketName, TenancyName, Timestamp, UserName};

use crate::control::{Control, Stale, check_text, put};
use crate::{Event, Identity, IdentityError, keyspace, tenancy};

/// The most quotas of buckets and people in one tenancy: as many as it may have buckets.
pub const MAX_QUOTAS: usize = 10_000;
/// The longest reason of an override, in characters.
pub const MAX_REASON_CHARS: usize = 1024;
/// The greatest limit: counters are signed.
const MAX_LIMIT: u64 = i64::MAX.unsigned_abs();
/// What must have been freed of a limit before a quota that was reached is no longer: one part in this many. So somebody
/// who writes and deletes at the limit is told of it once.
const FREED_PART: u64 = 100;
/// How many records one batch of a deletion removes.
const SWEEP_KEYS: usize = limits::BATCH_KEYS / 2;

/// What a quota is on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaScope {
    /// Everything in the tenancy.
    Tenancy,
    /// What is in the bucket of this name.
    Bucket(BucketName),
    /// What this person wrote, in whichever bucket.
    Owner(UserName),
}

impl fmt::Display for QuotaScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenancy => f.write_str("the tenancy"),
            Self::Bucket(bucket) => write!(f, "bucket {bucket}"),
            Self::Owner(user) => write!(f, "user {user}"),
        }
    }
}

/// How much there may be; without limit where absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of content, with older versions and the parts of uploads in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Objects, with older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self { bytes: None, objects: None };

    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    fn reached_by(&self, held: Held) -> bool {
        self.bytes.is_some_and(|limit| held.bytes >= limit) || self.objects.is_some_and(|limit| held.objects >= limit)
    }
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Held {
    /// Bytes of content.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

/// Which of a quota's two limits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaLimit {
    /// The one that is only told of.
    Soft,
    /// The one that has an action.
    Hard,
}

/// Another action than a quota's own, until a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaOverride {
    /// What follows meanwhile when the hard limit is reached.
    pub action: QuotaState,
    /// Until when.
    pub until: Timestamp,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// Since when a limit is reached, and what was held at that moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaMark {
    /// Since when.
    pub since: Timestamp,
    /// What was held then; all there can be where the limits have changed since.
    pub held: Held,
}

/// Where a quota stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct QuotaMarks {
    /// The soft limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<QuotaMark>,
    /// The hard limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard: Option<QuotaMark>,
}

/// How much something may hold, and what follows when that is reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "StoredQuota")]
pub struct Quota {
    /// The limit that is told of when it is reached.
    pub soft: Limits,
    /// The limit that has an action.
    pub hard: Limits,
    /// What follows when the hard limit is reached. Except at [`QuotaState::Notify`], nothing ever passes it.
    pub action: QuotaState,
    /// Another action, for a while.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<QuotaOverride>,
    /// Where it stands.
    pub marks: QuotaMarks,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            soft: Limits::NONE,
            hard: Limits::NONE,
            action: QuotaState::ReadAndDelete,
            overridden: None,
            marks: QuotaMarks::default(),
        }
    }
}

/// A quota as it may be stored: whole, or only the limit of bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredQuota {
    Bytes(Option<u64>),
    Whole {
        #[serde(default)]
        soft: Limits,
        #[serde(default)]
        hard: Limits,
        action: QuotaState,
        #[serde(default, rename = "override")]
        overridden: Option<QuotaOverride>,
        #[serde(default)]
        marks: QuotaMarks,
    },
}

impl From<StoredQuota> for Quota {
    fn from(stored: StoredQuota) -> Self {
        match stored {
            StoredQuota::Bytes(bytes) => Self::of_bytes(bytes),
            StoredQuota::Whole { soft, hard, action, overridden, marks } => {
                Self { soft, hard, action, overridden, marks }
            }
        }
    }
}

impl Quota {
    /// A hard limit of bytes, or none.
    pub fn of_bytes(bytes: Option<u64>) -> Self {
        Self { hard: Limits { bytes, objects: None }, ..Self::default() }
    }

    /// Whether it limits nothing.
    pub fn is_unlimited(&self) -> bool {
        self.soft.is_none() && self.hard.is_none()
    }

    /// What follows now when the hard limit is reached: the override's action while it lasts.
    pub fn action_at(&self, now: Timestamp) -> QuotaState {
        self.overridden.as_ref().filter(|overridden| overridden.until > now).map_or(self.action, |other| other.action)
    }

    /// What no write may pass now.
    pub fn bound_at(&self, now: Timestamp) -> Limits {
        if self.action_at(now) > QuotaState::Notify { self.hard } else { Limits::NONE }
    }

    /// What a request meets now, before it is looked at what it adds. While only additions are to be refused, each write is
    /// held against the limit when it is made, so that one that adds nothing is no trouble.
    fn state_at(&self, now: Timestamp) -> QuotaState {
        match (self.marks.hard, self.action_at(now)) {
            (None, _) => QuotaState::Open,
            (Some(_), action @ (QuotaState::ReadOnly | QuotaState::Lockout)) => action,
            (Some(_), _) => QuotaState::Notify,
        }
    }

    /// Where it stands when `held` is held. A limit is reached when that much is held, and the hard one also when it
    /// refused a write (`refused`); it no longer is when less is held and some of it was freed since.
    #[must_use]
    pub fn reviewed(&self, held: Held, refused: bool, now: Timestamp) -> QuotaMarks {
        let mark = |limits: Limits, mark: Option<QuotaMark>, refused: bool| {
            let reached = limits.reached_by(held) || (refused && !limits.is_none());
            match mark {
                None => reached.then_some(QuotaMark { since: now, held }),
                Some(mark) => (reached || !freed(limits, mark.held, held)).then_some(mark),
            }
        };
        QuotaMarks { soft: mark(self.soft, self.marks.soft, false), hard: mark(self.hard, self.marks.hard, refused) }
    }

    /// The quota after a change.
    #[must_use]
    pub fn changed(&self, change: QuotaChange) -> Self {
        let mut quota = self.clone();
        let limits = [
            (&mut quota.soft.bytes, change.soft_bytes),
            (&mut quota.soft.objects, change.soft_objects),
            (&mut quota.hard.bytes, change.hard_bytes),
            (&mut quota.hard.objects, change.hard_objects),
        ];
        for (limit, new) in limits {
            *limit = new.unwrap_or(*limit);
        }
        quota.action = change.action.unwrap_or(quota.action);
        quota.overridden = change.overridden.unwrap_or(quota.overridden);
        if (quota.soft, quota.hard) != (self.soft, self.hard) {
            let held = Held { bytes: u64::MAX, objects: u64::MAX };
            for mark in [&mut quota.marks.soft, &mut quota.marks.hard].into_iter().flatten() {
                mark.held = held;
            }
        }
        quota
    }
}

/// Whether as much was freed as makes a reached limit one that no longer is.
fn freed(limits: Limits, then: Held, now: Held) -> bool {
    let enough = |limit: Option<u64>, then: u64, now: u64| {
        limit.is_some_and(|limit| then.saturating_sub(now) >= (limit / FREED_PART).max(1))
    };
    limits.is_none() || enough(limits.bytes, then.bytes, now.bytes) || enough(limits.objects, then.objects, now.objects)
}

/// What is to become of a quota; what is `None` stays as it is, and `Some(None)` takes it away.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QuotaChange {
    /// The soft limit of bytes.
    pub soft_bytes: Option<Option<u64>>,
    /// The soft limit of objects.
    pub soft_objects: Option<Option<u64>>,
    /// The hard limit of bytes.
    pub hard_bytes: Option<Option<u64>>,
    /// The hard limit of objects.
    pub hard_objects: Option<Option<u64>>,
    /// What follows when the hard limit is reached.
    pub action: Option<QuotaState>,
    /// Another action, for a while.
    pub overridden: Option<Option<QuotaOverride>>,
}

impl QuotaChange {
    /// Takes away every limit and the override, and gives the action back its first value.
    pub fn cleared() -> Self {
        Self {
            soft_bytes: Some(None),
            soft_objects: Some(None),
            hard_bytes: Some(None),
            hard_objects: Some(None),
            action: Some(Quota::default().action),
            overridden: Some(None),
        }
    }

    /// Sets the hard limit of bytes.
    pub fn of_bytes(bytes: Option<u64>) -> Self {
        Self { hard_bytes: Some(bytes), ..Self::default() }
    }
}

/// The record of the quota of a bucket or a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct QuotaRecord {
    scope: QuotaScope,
    quota: Quota,
}

/// The quotas of one tenancy.
#[derive(Clone, Default, Debug)]
pub struct TenancyQuotas {
    tenancy: Quota,
    buckets: HashMap<BucketName, Quota>,
    owners: HashMap<UserName, Quota>,
}

impl TenancyQuotas {
    /// The tenancy's own.
    pub const fn tenancy(&self) -> &Quota {
        &self.tenancy
    }

    /// That of a bucket.
    pub fn bucket(&self, bucket: &BucketName) -> Option<&Quota> {
        self.buckets.get(bucket)
    }

    /// That of a person.
    pub fn owner(&self, user: &UserName) -> Option<&Quota> {
        self.owners.get(user)
    }

    /// The one on `scope`.
    pub fn get(&self, scope: &QuotaScope) -> Option<&Quota> {
        match scope {
            QuotaScope::Tenancy => Some(&self.tenancy),
            QuotaScope::Bucket(bucket) => self.bucket(bucket),
            QuotaScope::Owner(user) => self.owner(user),
        }
    }

    /// Every quota that limits something: the tenancy's, then those of buckets and people in the order of names.
    pub fn all(&self) -> Vec<(QuotaScope, Quota)> {
        let buckets = self.buckets.iter().map(|(name, quota)| (QuotaScope::Bucket(name.clone()), quota.clone()));
        let owners = self.owners.iter().map(|(name, quota)| (QuotaScope::Owner(name.clone()), quota.clone()));
        let tenancy = (QuotaScope::Tenancy, self.tenancy.clone());
        let mut all: Vec<_> = std::iter::once(tenancy).chain(buckets).chain(owners).collect();
        all.retain(|(_, quota)| !quota.is_unlimited());
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all
    }

    fn set(&mut self, scope: &QuotaScope, quota: Quota) {
        match scope {
            QuotaScope::Tenancy => self.tenancy = quota,
            QuotaScope::Bucket(bucket) if quota.is_unlimited() => {
                self.buckets.remove(bucket);
            }
            QuotaScope::Owner(user) if quota.is_unlimited() => {
                self.owners.remove(user);
            }
            QuotaScope::Bucket(bucket) => {
                self.buckets.insert(bucket.clone(), quota);
            }
            QuotaScope::Owner(user) => {
                self.owners.insert(user.clone(), quota);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.tenancy.is_unlimited() && self.buckets.is_empty() && self.owners.is_empty()
    }
}

/// Every quota, in memory. Cheap to clone; clones are the same.
#[derive(Clone, Default, Debug)]
pub struct Quotas(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    /// The tenancies with a quota of any kind.
    tenancies: RwLock<HashMap<TenancyName, Arc<TenancyQuotas>>>,
    /// Those that refused a write since they were looked at, which are at most as many as there are.
    refused: Mutex<HashSet<(TenancyName, QuotaScope)>>,
    wanted: Notify,
}

impl Quotas {
    /// The quotas of a tenancy; `None` where it has none.
    pub fn of(&self, tenancy: &TenancyName) -> Option<Arc<TenancyQuotas>> {
        self.0.tenancies.read().get(tenancy).cloned()
    }

    /// The tenancies that have quotas, in the order of names.
    pub fn tenancies(&self) -> Vec<TenancyName> {
        let mut names: Vec<_> = self.0.tenancies.read().keys().cloned().collect();
        names.sort();
        names
    }

    /// The strictest state that a request of `user` in `bucket` meets.
    pub fn state(
        &self,
        tenancy: &TenancyName,
        bucket: Option<&BucketName>,
        user: Option<&UserName>,
        now: Timestamp,
    ) -> QuotaState {
        let Some(quotas) = self.of(tenancy) else { return QuotaState::Open };
        let bucket = bucket.and_then(|bucket| quotas.bucket(bucket));
        let owner = user.and_then(|user| quotas.owner(user));
        let all = [Some(&quotas.tenancy), bucket, owner].into_iter().flatten();
        all.map(|quota| quota.state_at(now)).max().unwrap_or_default()
    }

    /// Holds the quota of `scope`, in place of the one before. Only in memory: [`Identity::set_quota`] also records it.
    pub fn set(&self, tenancy: &TenancyName, scope: &QuotaScope, quota: Quota) {
        let mut tenancies = self.0.tenancies.write();
        let entry = Arc::make_mut(tenancies.entry(tenancy.clone()).or_default());
        entry.set(scope, quota);
        if entry.is_empty() {
            tenancies.remove(tenancy);
        }
        drop(tenancies);
        self.0.wanted.notify_one();
    }

    /// Forgets a tenancy's.
    pub fn forget(&self, tenancy: &TenancyName) {
        self.0.tenancies.write().remove(tenancy);
    }

    /// Notes that a quota refused a write.
    pub fn refuse(&self, tenancy: &TenancyName, scope: &QuotaScope) {
        self.0.refused.lock().insert((tenancy.clone(), scope.clone()));
        self.0.wanted.notify_one();
    }

    /// The quotas of a tenancy that refused a write since this was asked last.
    pub fn take_refusals(&self, tenancy: &TenancyName) -> HashSet<QuotaScope> {
        let mut refused = self.0.refused.lock();
        let (taken, rest) = refused.drain().partition::<HashSet<_>, _>(|(of, _)| of == tenancy);
        *refused = rest;
        taken.into_iter().map(|(_, scope)| scope).collect()
    }

    /// Waits until a quota was changed or refused a write.
    pub async fn wanted(&self) {
        self.0.wanted.notified().await;
    }
}

impl Identity {
    /// Every quota, in memory.
    pub fn quotas(&self) -> &Quotas {
        &self.control.quotas
    }

    /// Changes the quota of a tenancy, or of a bucket or a person in it. It counts for the next commit. Answers the quota as
    /// it is then; one that limits nothing is as good as none.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`]; [`IdentityError::Invalid`] for a soft limit above the hard one, an override that
    /// does not end in the future, and an action that is none; [`IdentityError::TooMany`]; those of the store.
    pub async fn set_quota(
        &self,
        tenancy: &TenancyName,
        scope: &QuotaScope,
        change: QuotaChange,
    ) -> Result<Quota, IdentityError> {
        let (tenancy, scope) = (tenancy.clone(), scope.clone());
        self.change(move |control| async move { set(&control, &tenancy, &scope, change).await }).await
    }

    /// Records where a quota stands, with the events of what began or ended. Nothing happens where the quota is no longer
    /// `seen`, by which the marks were found. Answers whether it was recorded.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn mark_quota(
        &self,
        tenancy: &TenancyName,
        scope: &QuotaScope,
        seen: &Quota,
        marks: QuotaMarks,
        events: Vec<Event>,
    ) -> Result<bool, IdentityError> {
        let (tenancy, scope, seen) = (tenancy.clone(), scope.clone(), seen.clone());
        self.change(move |control| async move {
            let current = control.quotas.of(&tenancy).and_then(|quotas| quotas.get(&scope).cloned());
            if current.as_ref() != Some(&seen) {
                return Ok(false);
            }
            write(&control, &tenancy, &scope, Quota { marks, ..seen }, events).await?;
            Ok(true)
        })
        .await
    }
}

/// Changes a quota, within a change of `control`.
pub(crate) async fn set(
    control: &Control,
    tenancy: &TenancyName,
    scope: &QuotaScope,
    change: QuotaChange,
) -> Result<Quota, IdentityError> {
    let quotas = control.quotas.of(tenancy).unwrap_or_default();
    let current = quotas.get(scope).cloned();
    if current.is_none() && quotas.buckets.len() + quotas.owners.len() >= MAX_QUOTAS {
        return Err(IdentityError::TooMany { what: "quotas of buckets and people in a tenancy", limit: MAX_QUOTAS });
    }
    if let Some(Some(overridden)) = &change.overridden {
        control.check_expiry(Some(overridden.until))?;
    }
    let quota = current.unwrap_or_default().changed(change);
    check(&quota)?;
    write(control, tenancy, scope, quota.clone(), Vec::new()).await?;
    Ok(quota)
}

/// Refuses a quota that makes no sense.
pub(crate) fn check(quota: &Quota) -> Result<(), IdentityError> {
    let invalid = |rule: &str| Err(IdentityError::Invalid { what: "quota", rule: rule.to_owned() });
    let pairs = [(quota.soft.bytes, quota.hard.bytes), (quota.soft.objects, quota.hard.objects)];
    for (soft, hard) in pairs {
        if soft.zip(hard).is_some_and(|(soft, hard)| soft > hard) {
            return invalid("its soft limit is above its hard limit");
        }
        if soft.max(hard).is_some_and(|limit| limit > MAX_LIMIT) {
            return invalid("a limit is at most 8 EiB, or as many objects");
        }
    }
    let other = quota.overridden.as_ref();
    if [Some(quota.action), other.map(|other| other.action)].contains(&Some(QuotaState::Open)) {
        return invalid("its action is notify, read-and-delete, read-only or lockout");
    }
    other.map_or(Ok(()), |other| check_text("reason", &other.reason, MAX_REASON_CHARS))
}

/// Writes a quota and holds it.
async fn write(
    control: &Control,
    name: &TenancyName,
    scope: &QuotaScope,
    quota: Quota,
    events: Vec<Event>,
) -> Result<(), IdentityError> {
    let found = tenancy::live(control, name).await?;
    let group = keyspace::tenancy(name);
    let mut batch = Batch { expect: vec![found.unchanged(group.clone())], ..Batch::default() };
    batch.put.extend(events.into_iter().filter_map(|event| control.event(&group, event)));
    match keyspace::quota(name, scope) {
        None => return tenancy::write_quota(control, found, quota, batch).await,
        Some(key) if quota.is_unlimited() => batch.delete.push(key),
        Some(key) => batch.put.push(put(key, &QuotaRecord { scope: scope.clone(), quota: quota.clone() })),
    }
    control.commit(&group, batch, Stale::Nothing).await?;
    control.quotas.set(name, scope, quota);
    Ok(())
}

/// Reads the quotas of buckets and people in a tenancy into memory.
pub(crate) async fn load(control: &Control, tenancy: &TenancyName) -> Result<(), IdentityError> {
    for record in control.list::<QuotaRecord>(&keyspace::quotas(tenancy), MAX_QUOTAS).await? {
        control.quotas.set(tenancy, &record.scope, record.quota);
    }
    Ok(())
}

/// Removes the quotas in a tenancy that is being deleted.
pub(crate) async fn sweep(control: &Control, tenancy: &TenancyName) -> Result<(), IdentityError> {
    control.quotas.forget(tenancy);
    loop {
        let records = control.list::<QuotaRecord>(&keyspace::quotas(tenancy), SWEEP_KEYS).await?;
        if records.is_empty() {
            return Ok(());
        }
        let delete = records.iter().filter_map(|record| keyspace::quota(tenancy, &record.scope)).collect();
        control.commit(&keyspace::tenancy(tenancy), Batch { delete, ..Batch::default() }, Stale::Nothing).await?;
    }
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
