//! Quotas: how much a tenancy, a bucket of it or a person in it may hold, and what follows when that is reached.
//!
//! A tenancy's quota is part of its record; those of buckets and people are records beside it, in the same group. All of
//! them are held in memory ([`Quotas`]), where every write looks them up. What is used is counted elsewhere, with each
//! commit; whoever counts refuses what would pass a hard limit, looks from time to time where each quota stands
//! ([`Quota::reviewed`]), and has that recorded ([`Identity::mark_quota`]), with an event at each beginning and end.
//!
//! A bucket's quota belongs to the bucket's name: it is there before the bucket is made and stays when the bucket is made
//! anew, so that nobody sheds a limit by that.

mod limits;
mod marks;
mod table;

use policy::QuotaState;
use serde::{Deserialize, Serialize};
use storage::{Batch, limits::BATCH_KEYS};
use types::TenancyName;

use crate::control::{Control, Stale, check_text, put};
use crate::{Event, Identity, IdentityError, keyspace, tenancy};

pub use limits::{Held, Limits, Quota, QuotaChange, QuotaLimit, QuotaOverride, QuotaScope};
pub use marks::{QuotaMark, QuotaMarks};
pub use table::{Quotas, TenancyQuotas};

/// The most quotas of buckets and people in one tenancy: as many as it may have buckets.
pub const MAX_QUOTAS: usize = 10_000;
/// The longest reason of an override, in characters.
pub const MAX_REASON_CHARS: usize = 1024;
/// The greatest limit: counters are signed.
const MAX_LIMIT: u64 = i64::MAX.unsigned_abs();
/// How many records one batch of a deletion removes.
const SWEEP_KEYS: usize = BATCH_KEYS / 2;

/// The record of the quota of a bucket or a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct QuotaRecord {
    scope: QuotaScope,
    quota: Quota,
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
    if current.is_none() && quotas.count() >= MAX_QUOTAS {
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
        Some(key) if quota.is_over() => batch.delete.push(key),
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
