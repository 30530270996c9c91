//! What tenancies, buckets and people use, counted in the same commit as each change.
//!
//! Every version of an object counts with its size, current or not; a delete marker counts for nothing. The parts of
//! uploads in progress count with their bytes under tenancy and bucket.

use storage::{Bounded, Space};
use types::{HexText, TenancyName, UserName};

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
        self.usage(&Counters::Tenancy(tenancy)).await
    }

    /// What a bucket uses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn bucket_usage(&self, bucket: &Bucket) -> Result<Usage, ObjectError> {
        self.usage(&Counters::Bucket(bucket.space())).await
    }

    /// What the objects use that a person wrote in a tenancy.
    ///
    /// # Errors
    /// The engine's.
    pub async fn user_usage(&self, tenancy: &TenancyName, user: &UserName) -> Result<Usage, ObjectError> {
        self.usage(&Counters::User(tenancy, user)).await
    }

    async fn usage(&self, of: &Counters<'_>) -> Result<Usage, ObjectError> {
        let values = self.metadata.counters(&[of.name("bytes"), of.name("objects")]).await?;
        let value = |at: usize| values.get(at).copied().and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        Ok(Usage { bytes: value(0), objects: value(1) })
    }
}

/// The changes of usage that one batch makes: a few numbers, named when the batch is made.
pub(crate) struct UsageChange<'a> {
    bucket: &'a Bucket,
    /// Of the bucket and its tenancy alike.
    bytes: i64,
    objects: i64,
    /// Of the people whose versions come and go: the one who writes, and the one whose version is replaced.
    of_users: Vec<OfUser>,
}

struct OfUser {
    user: UserName,
    bytes: i64,
    objects: i64,
}

/// Whether bytes are counted already under tenancy and bucket, as those of parts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    NotYet,
    AsParts,
}

impl<'a> UsageChange<'a> {
    pub(crate) fn in_bucket(bucket: &'a Bucket) -> Self {
        Self { bucket, bytes: 0, objects: 0, of_users: Vec::new() }
    }

    /// A version comes.
    pub(crate) fn add(&mut self, version: &VersionRecord, counted: Counted) {
        if let Some(object) = version.object() {
            let bytes = signed(object.size);
            if counted == Counted::NotYet {
                self.bytes += bytes;
            }
            self.object(version, bytes, 1);
        }
    }

    /// A version goes.
    pub(crate) fn remove(&mut self, version: &VersionRecord) {
        if let Some(object) = version.object() {
            let bytes = -signed(object.size);
            self.bytes += bytes;
            self.object(version, bytes, -1);
        }
    }

    /// A part comes.
    pub(crate) fn add_part(&mut self, size: u64) {
        self.bytes += signed(size);
    }

    /// A part goes.
    pub(crate) fn remove_part(&mut self, size: u64) {
        self.bytes -= signed(size);
    }

    fn object(&mut self, version: &VersionRecord, bytes: i64, objects: i64) {
        self.objects += objects;
        let Some(owner) = &version.owner else { return };
        match self.of_users.iter_mut().find(|of| of.user == *owner) {
            Some(of) => {
                of.bytes += bytes;
                of.objects += objects;
            }
            None => self.of_users.push(OfUser { user: owner.clone(), bytes, objects }),
        }
    }

    /// What to put into the batch.
    pub(crate) fn into_count(self) -> Vec<Bounded> {
        let tenancy = &self.bucket.tenancy;
        let mut count = Vec::with_capacity(4 + 2 * self.of_users.len());
        let mut change = |of: Counters<'_>, bytes: i64, objects: i64| {
            let changed = [("bytes", bytes), ("objects", objects)].into_iter().filter(|(_, delta)| *delta != 0);
            count.extend(changed.map(|(what, delta)| Bounded { name: of.name(what), delta, at_most: None }));
        };
        change(Counters::Bucket(self.bucket.space()), self.bytes, self.objects);
        change(Counters::Tenancy(tenancy), self.bytes, self.objects);
        for of in &self.of_users {
            change(Counters::User(tenancy, &of.user), of.bytes, of.objects);
        }
        count
    }
}

/// What has counters of its own.
enum Counters<'a> {
    Tenancy(&'a TenancyName),
    Bucket(Space),
    User(&'a TenancyName, &'a UserName),
}

impl Counters<'_> {
    /// The name of the counter of `what`.
    fn name(&self, what: &str) -> Vec<u8> {
        match self {
            Self::Tenancy(tenancy) => ["t", tenancy.as_str(), what].join("/").into_bytes(),
            Self::Bucket(space) => {
                ["b", HexText::<16>::lower(&space.0.to_be_bytes()).as_str(), what].join("/").into_bytes()
            }
            Self::User(tenancy, user) => ["u", tenancy.as_str(), user.as_str(), what].join("/").into_bytes(),
        }
    }
}

/// Sizes are at most 50 TiB.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
