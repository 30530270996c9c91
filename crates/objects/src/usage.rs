//! What tenancies, buckets and people use, counted in the same commit as each change, and held against their quotas there.
//!
//! Every version of an object counts with its size, current or not; a delete marker counts for nothing. The parts of
//! uploads in progress count with their bytes. What of the whole are older versions, and what parts, is counted beside it;
//! the rest are current objects. A plain PUT changes two counters each of bucket, tenancy and person, and no more.
//!
//! A counter that would rise above a quota's hard limit fails its commit, and counters are exact across groups: so
//! however many writers race, nothing ever passes a limit. What adds nothing always goes on.

use identity::QuotaScope;
use identity::quota::TenancyQuotas;
use metering::Stored;
use storage::{Bounded, Space};
use types::{HexText, TenancyName, Timestamp, UserName};

use crate::record::VersionRecord;
use crate::{Bucket, ObjectError, Objects};

/// How much something holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Bytes of content.
    pub bytes: u64,
    /// Objects, counting every version that is no delete marker.
    pub objects: u64,
}

/// How much something holds, and of what kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UsageDetail {
    /// All of it, which is what quotas limit.
    pub total: Usage,
    /// What of it are versions that are not the current one of their key.
    pub older: Usage,
    /// What of it are parts of uploads in progress: their bytes, and how many there are.
    pub parts: Usage,
}

impl UsageDetail {
    /// What of it are current objects.
    pub fn current(&self) -> Usage {
        Usage {
            bytes: self.total.bytes.saturating_sub(self.older.bytes + self.parts.bytes),
            objects: self.total.objects.saturating_sub(self.older.objects),
        }
    }
}

impl From<UsageDetail> for Stored {
    fn from(UsageDetail { total, older, parts }: UsageDetail) -> Self {
        Self {
            bytes: total.bytes,
            objects: total.objects,
            older_bytes: older.bytes,
            older_objects: older.objects,
            parts_bytes: parts.bytes,
            parts: parts.objects,
        }
    }
}

impl Objects {
    /// What a tenancy uses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn tenancy_usage(&self, tenancy: &TenancyName) -> Result<Usage, ObjectError> {
        Ok(self.tenancy_usage_detail(tenancy).await?.total)
    }

    /// What a tenancy uses, by kind.
    ///
    /// # Errors
    /// The engine's.
    pub async fn tenancy_usage_detail(&self, tenancy: &TenancyName) -> Result<UsageDetail, ObjectError> {
        self.usage_of(&Counters::Tenancy(tenancy)).await
    }

    /// What a bucket uses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn bucket_usage(&self, bucket: &Bucket) -> Result<Usage, ObjectError> {
        Ok(self.bucket_usage_detail(bucket).await?.total)
    }

    /// What a bucket uses, by kind.
    ///
    /// # Errors
    /// The engine's.
    pub async fn bucket_usage_detail(&self, bucket: &Bucket) -> Result<UsageDetail, ObjectError> {
        self.usage_of(&Counters::Bucket(bucket.space())).await
    }

    /// What the objects and parts use that a person wrote in a tenancy.
    ///
    /// # Errors
    /// The engine's.
    pub async fn user_usage(&self, tenancy: &TenancyName, user: &UserName) -> Result<Usage, ObjectError> {
        Ok(self.user_usage_detail(tenancy, user).await?.total)
    }

    /// What the objects and parts use that a person wrote in a tenancy, by kind.
    ///
    /// # Errors
    /// The engine's.
    pub async fn user_usage_detail(&self, tenancy: &TenancyName, user: &UserName) -> Result<UsageDetail, ObjectError> {
        self.usage_of(&Counters::User(tenancy, user)).await
    }

    async fn usage_of(&self, of: &Counters<'_>) -> Result<UsageDetail, ObjectError> {
        let values = self.metadata.counters(&COUNTED.map(|what| of.name(what))).await?;
        let value = |at: usize| values.get(at).copied().and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        let usage = |bytes: usize| Usage { bytes: value(bytes), objects: value(bytes + 1) };
        Ok(UsageDetail { total: usage(0), older: usage(2), parts: usage(4) })
    }
}

/// The counters of each bucket, tenancy and person: bytes and number of all, of older versions, and of parts.
pub(crate) const COUNTED: [&str; 6] = ["bytes", "objects", "older/bytes", "older/objects", "parts/bytes", "parts"];

/// The changes of usage that one batch makes: a few numbers, named when the batch is made.
pub(crate) struct UsageChange<'a> {
    bucket: &'a Bucket,
    /// Of the bucket and its tenancy alike, in the order of [`COUNTED`].
    all: [i64; 6],
    /// Of the people whose versions and parts come and go: the one who writes, and the one whose version is replaced.
    of_users: Vec<(UserName, [i64; 6])>,
}

/// Whether bytes are counted already, as those of parts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    NotYet,
    /// As this many parts.
    AsParts(usize),
}

/// Whether a version is its key's current one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Current,
    Older,
}

impl<'a> UsageChange<'a> {
    pub(crate) fn in_bucket(bucket: &'a Bucket) -> Self {
        Self { bucket, all: [0; 6], of_users: Vec::new() }
    }

    /// A version comes and is the current one.
    pub(crate) fn add(&mut self, version: &VersionRecord, counted: Counted) {
        if let Some(object) = version.object() {
            let bytes = signed(object.size);
            let change = match counted {
                Counted::NotYet => [bytes, 1, 0, 0, 0, 0],
                Counted::AsParts(parts) => [0, 1, 0, 0, -bytes, -(parts as i64)],
            };
            self.change(version.owner.as_ref(), change);
        }
    }

    /// A version goes.
    pub(crate) fn remove(&mut self, version: &VersionRecord, place: Place) {
        if let Some(object) = version.object() {
            let bytes = -signed(object.size);
            let change = match place {
                Place::Current => [bytes, -1, 0, 0, 0, 0],
                Place::Older => [bytes, -1, bytes, -1, 0, 0],
            };
            self.change(version.owner.as_ref(), change);
        }
    }

    /// The current version becomes an older one, or an older one the current.
    pub(crate) fn becomes(&mut self, version: &VersionRecord, place: Place) {
        if let Some(object) = version.object() {
            let sign = if place == Place::Older { 1 } else { -1 };
            self.change(version.owner.as_ref(), [0, 0, sign * signed(object.size), sign, 0, 0]);
        }
    }

    /// A part comes to an upload of `owner`.
    pub(crate) fn add_part(&mut self, owner: Option<&UserName>, size: u64) {
        self.change(owner, [signed(size), 0, 0, 0, signed(size), 1]);
    }

    /// A part goes.
    pub(crate) fn remove_part(&mut self, owner: Option<&UserName>, size: u64) {
        self.change(owner, [-signed(size), 0, 0, 0, -signed(size), -1]);
    }

    /// An object of this size comes that there is no record of yet.
    pub(crate) fn expect(&mut self, owner: Option<&UserName>, size: u64) {
        self.change(owner, [signed(size), 1, 0, 0, 0, 0]);
    }

    fn change(&mut self, owner: Option<&UserName>, change: [i64; 6]) {
        add(&mut self.all, change);
        let Some(owner) = owner else { return };
        match self.of_users.iter_mut().find(|(user, _)| user == owner) {
            Some((_, sum)) => add(sum, change),
            None => self.of_users.push((owner.clone(), change)),
        }
    }

    /// What to put into a batch that adds nothing.
    pub(crate) fn into_count(self) -> Vec<Bounded> {
        self.into_bounded(None, Timestamp::default()).count
    }

    /// What to put into a batch, with the limits that hold now.
    pub(crate) fn into_bounded(self, quotas: Option<&TenancyQuotas>, now: Timestamp) -> Charge {
        let Bucket { tenancy, name, .. } = self.bucket;
        let mut charge = Charge { count: Vec::with_capacity(4 + 2 * self.of_users.len()), bounds: Vec::new() };
        let of_bucket = quotas.and_then(|quotas| quotas.bucket(name)).map(|quota| quota.bound_at(now));
        charge.add(&Counters::Bucket(self.bucket.space()), self.all, of_bucket, || QuotaScope::Bucket(name.clone()));
        let of_tenancy = quotas.map(|quotas| quotas.tenancy().bound_at(now));
        charge.add(&Counters::Tenancy(tenancy), self.all, of_tenancy, || QuotaScope::Tenancy);
        for (user, change) in &self.of_users {
            let of_owner = quotas.and_then(|quotas| quotas.owner(user)).map(|quota| quota.bound_at(now));
            charge.add(&Counters::User(tenancy, user), *change, of_owner, || QuotaScope::Owner(user.clone()));
        }
        charge
    }
}

/// The counters that a batch changes, and which of them have a limit.
#[derive(Default)]
pub(crate) struct Charge {
    pub(crate) count: Vec<Bounded>,
    pub(crate) bounds: Vec<Bound>,
}

/// The limit on one counter of a batch.
pub(crate) struct Bound {
    /// Its place in the batch.
    pub(crate) counter: usize,
    pub(crate) scope: QuotaScope,
    pub(crate) measure: Measure,
    /// What would be added.
    pub(crate) added: u64,
}

/// What of a quota is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// Bytes.
    Bytes,
    /// The number of objects.
    Objects,
}

impl Charge {
    fn add(
        &mut self,
        of: &Counters<'_>,
        change: [i64; 6],
        limits: Option<identity::quota::Limits>,
        scope: impl Fn() -> QuotaScope,
    ) {
        let limits = limits.unwrap_or_default();
        for (at, delta) in change.into_iter().enumerate().filter(|(_, delta)| *delta != 0) {
            let limited = match at {
                0 => limits.bytes.map(|limit| (limit, Measure::Bytes)),
                1 => limits.objects.map(|limit| (limit, Measure::Objects)),
                _ => None,
            };
            let limited = limited.filter(|_| delta > 0);
            if let Some((_, measure)) = limited {
                let added = delta.unsigned_abs();
                self.bounds.push(Bound { counter: self.count.len(), scope: scope(), measure, added });
            }
            let at_most = limited.map(|(limit, _)| signed(limit));
            self.count.push(Bounded { name: of.name(COUNTED[at]), delta, at_most });
        }
    }
}

/// What has counters of its own.
pub(crate) enum Counters<'a> {
    Tenancy(&'a TenancyName),
    Bucket(Space),
    User(&'a TenancyName, &'a UserName),
}

impl Counters<'_> {
    /// The name of the counter of `what`.
    pub(crate) fn name(&self, what: &str) -> Vec<u8> {
        match self {
            Self::Tenancy(tenancy) => ["t", tenancy.as_str(), what].join("/").into_bytes(),
            Self::Bucket(space) => {
                ["b", HexText::<16>::lower(&space.0.to_be_bytes()).as_str(), what].join("/").into_bytes()
            }
            Self::User(tenancy, user) => ["u", tenancy.as_str(), user.as_str(), what].join("/").into_bytes(),
        }
    }
}

fn add(sum: &mut [i64; 6], change: [i64; 6]) {
    for (sum, change) in sum.iter_mut().zip(change) {
        *sum += change;
    }
}

/// Sizes are at most 50 TiB.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
