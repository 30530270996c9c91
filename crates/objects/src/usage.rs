//! What tenancies, buckets and people use, counted in the same commit as each change.
//!
//! Every version of an object counts with its size, current or not; a delete marker counts for nothing. The parts of
//! uploads in progress count with their bytes under tenancy and bucket.

use std::collections::BTreeMap;

use storage::Bounded;
use types::{TenancyName, UserName};

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

impl Objects {
    /// What a tenancy uses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn tenancy_usage(&self, tenancy: &TenancyName) -> Result<Usage, ObjectError> {
        self.usage(&of_tenancy(tenancy)).await
    }

    /// What a bucket uses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn bucket_usage(&self, bucket: &Bucket) -> Result<Usage, ObjectError> {
        self.usage(&of_bucket(bucket)).await
    }

    /// What the objects use that a person wrote in a tenancy.
    ///
    /// # Errors
    /// The engine's.
    pub async fn user_usage(&self, tenancy: &TenancyName, user: &UserName) -> Result<Usage, ObjectError> {
        self.usage(&of_user(tenancy, user)).await
    }

    async fn usage(&self, of: &str) -> Result<Usage, ObjectError> {
        let names = [format!("{of}/bytes").into_bytes(), format!("{of}/objects").into_bytes()];
        let values = self.metadata.counters(&names).await?;
        let value = |at: usize| values.get(at).copied().and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        Ok(Usage { bytes: value(0), objects: value(1) })
    }
}

/// The changes of usage that one batch makes.
pub(crate) struct UsageChange<'a> {
    bucket: &'a Bucket,
    deltas: BTreeMap<String, i64>,
}

/// Whether bytes are counted already under tenancy and bucket, as those of parts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    NotYet,
    AsParts,
}

impl<'a> UsageChange<'a> {
    pub(crate) fn in_bucket(bucket: &'a Bucket) -> Self {
        Self { bucket, deltas: BTreeMap::new() }
    }

    /// A version comes.
    pub(crate) fn add(&mut self, version: &VersionRecord, counted: Counted) {
        if let Some(object) = version.object() {
            let bytes = signed(object.size);
            if counted == Counted::NotYet {
                self.bytes(bytes);
            }
            self.object(version, bytes, 1);
        }
    }

    /// A version goes.
    pub(crate) fn remove(&mut self, version: &VersionRecord) {
        if let Some(object) = version.object() {
            let bytes = -signed(object.size);
            self.bytes(bytes);
            self.object(version, bytes, -1);
        }
    }

    /// A part comes.
    pub(crate) fn add_part(&mut self, size: u64) {
        self.bytes(signed(size));
    }

    /// A part goes.
    pub(crate) fn remove_part(&mut self, size: u64) {
        self.bytes(-signed(size));
    }

    fn bytes(&mut self, bytes: i64) {
        self.change(format!("{}/bytes", of_tenancy(&self.bucket.tenancy)), bytes);
        self.change(format!("{}/bytes", of_bucket(self.bucket)), bytes);
    }

    fn object(&mut self, version: &VersionRecord, bytes: i64, objects: i64) {
        self.change(format!("{}/objects", of_tenancy(&self.bucket.tenancy)), objects);
        self.change(format!("{}/objects", of_bucket(self.bucket)), objects);
        if let Some(owner) = &version.owner {
            let of = of_user(&self.bucket.tenancy, owner);
            self.change(format!("{of}/bytes"), bytes);
            self.change(format!("{of}/objects"), objects);
        }
    }

    fn change(&mut self, name: String, delta: i64) {
        *self.deltas.entry(name).or_insert(0) += delta;
    }

    /// What to put into the batch.
    pub(crate) fn into_count(self) -> Vec<Bounded> {
        let changed = self.deltas.into_iter().filter(|(_, delta)| *delta != 0);
        changed.map(|(name, delta)| Bounded { name: name.into_bytes(), delta, at_most: None }).collect()
    }
}

fn of_tenancy(tenancy: &TenancyName) -> String {
    format!("t/{tenancy}")
}

fn of_bucket(bucket: &Bucket) -> String {
    format!("b/{}", bucket.space())
}

fn of_user(tenancy: &TenancyName, user: &UserName) -> String {
    format!("u/{tenancy}/{user}")
}

/// Sizes are at most 50 TiB.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
