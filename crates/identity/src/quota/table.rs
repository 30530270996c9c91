//! Every quota in memory, where each request and write looks them up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use policy::QuotaState;
use types::{BucketName, TenancyName, Timestamp, UserName};

use super::limits::{Quota, QuotaScope};

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
        self.all_that(|_, quota| !quota.is_unlimited())
    }

    /// Every quota for which `matches` holds, in the order of [`Self::all`].
    pub fn all_that(&self, matches: impl Fn(&QuotaScope, &Quota) -> bool) -> Vec<(QuotaScope, Quota)> {
        let buckets = self.buckets.iter().map(|(name, quota)| (QuotaScope::Bucket(name.clone()), quota));
        let owners = self.owners.iter().map(|(name, quota)| (QuotaScope::Owner(name.clone()), quota));
        let all = std::iter::once((QuotaScope::Tenancy, &self.tenancy)).chain(buckets).chain(owners);
        let matching = all.filter(|(scope, quota)| matches(scope, quota));
        let mut found: Vec<_> = matching.map(|(scope, quota)| (scope, quota.clone())).collect();
        found.sort_by(|left, right| left.0.cmp(&right.0));
        found
    }

    /// How many quotas of buckets and people there are.
    pub(super) fn count(&self) -> usize {
        self.buckets.len() + self.owners.len()
    }

    fn set(&mut self, scope: &QuotaScope, quota: Quota) {
        match scope {
            QuotaScope::Tenancy => self.tenancy = quota,
            QuotaScope::Bucket(bucket) if quota.is_over() => {
                self.buckets.remove(bucket);
            }
            QuotaScope::Owner(user) if quota.is_over() => {
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
        self.tenancy.is_over() && self.buckets.is_empty() && self.owners.is_empty()
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
    }

    /// Forgets a tenancy's.
    pub fn forget(&self, tenancy: &TenancyName) {
        self.0.tenancies.write().remove(tenancy);
    }

    /// Notes that a quota refused a write.
    pub fn refuse(&self, tenancy: &TenancyName, scope: &QuotaScope) {
        self.0.refused.lock().insert((tenancy.clone(), scope.clone()));
    }

    /// The quotas of a tenancy that refused a write since this was asked last.
    pub fn take_refusals(&self, tenancy: &TenancyName) -> HashSet<QuotaScope> {
        let mut refused = self.0.refused.lock();
        let (taken, rest) = refused.drain().partition::<HashSet<_>, _>(|(of, _)| of == tenancy);
        *refused = rest;
        taken.into_iter().map(|(_, scope)| scope).collect()
    }
}
