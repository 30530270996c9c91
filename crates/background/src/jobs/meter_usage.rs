//! Keeps the history of use: writes the traffic that was counted, and what is stored, into the records of the day.
//!
//! What had traffic is looked at in each run, and everything in the first of each day and after a start: what nobody
//! touches does not change but by jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use access::{Access, action};
use async_trait::async_trait;
use identity::Identity;
use metering::{Day, Metering, Stored, Subject};
use objects::{Objects, UsageDetail};
use parking_lot::Mutex;
use types::{TenancyName, UserName};

use crate::{Done, Job, JobError};

/// Bytes that are stored, by `tenancy` and `kind`.
pub const STORED_BYTES: &str = "commonhold_tenancy_stored_bytes";
/// Objects and parts that are stored, by `tenancy` and `kind`.
pub const STORED_OBJECTS: &str = "commonhold_tenancy_stored_objects";

/// The most people of a tenancy whose storage is noted each day.
const PEOPLE: usize = 10_000;

/// The job.
pub struct MeterUsage {
    metering: Arc<Metering>,
    identity: Arc<Identity>,
    objects: Arc<Objects>,
    access: Arc<Access>,
    /// The day of the last look at everything, and of the last time that old days were added up.
    looked: Mutex<Option<Day>>,
}

impl MeterUsage {
    /// For what `objects` has in the tenancies of `identity`.
    pub const fn new(
        metering: Arc<Metering>,
        identity: Arc<Identity>,
        objects: Arc<Objects>,
        access: Arc<Access>,
    ) -> Self {
        Self { metering, identity, objects, access, looked: Mutex::new(None) }
    }

    async fn everything(&self) -> Result<BTreeMap<TenancyName, BTreeSet<Subject>>, JobError> {
        let mut found = BTreeMap::new();
        for tenancy in self.identity.tenancies() {
            let tenancy = tenancy.name.clone();
            let mut subjects = BTreeSet::from([Subject::Tenancy]);
            let operator = self.access.operator(tenancy.clone());
            let grant = self.access.authorize_on_tenancy::<action::ListAllMyBuckets>(&operator).map_err(failed)?;
            for bucket in self.objects.list_buckets(&grant).await.map_err(failed)? {
                subjects.insert(Subject::Bucket(bucket.name.clone()));
                subjects.insert(Subject::Person(bucket.owner.clone()));
            }
            let roles = self.identity.roles(&tenancy, PEOPLE).await.map_err(failed)?;
            subjects.extend(roles.into_iter().map(|role| Subject::Person(role.user)));
            found.insert(tenancy, subjects);
        }
        Ok(found)
    }

    async fn stored(
        &self,
        tenancy: &TenancyName,
        of: &Subject,
    ) -> Result<(Stored, Option<UserName>), objects::ObjectError> {
        let (detail, owner) = match of {
            Subject::Tenancy => (self.objects.tenancy_usage_detail(tenancy).await?, None),
            Subject::Person(person) => (self.objects.user_usage_detail(tenancy, person).await?, None),
            Subject::Bucket(bucket) => match self.objects.find_bucket(tenancy, bucket).await? {
                Some(bucket) => (self.objects.bucket_usage_detail(&bucket).await?, Some(bucket.owner.clone())),
                // It was deleted, and was empty then.
                None => (UsageDetail::default(), None),
            },
        };
        Ok((detail.into(), owner))
    }
}

#[async_trait]
impl Job for MeterUsage {
    fn name(&self) -> &'static str {
        "meter_usage"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let today = self.metering.today();
        let is_first = self.looked.lock().as_ref() != Some(&today);
        let mut by_tenancy = if is_first { self.everything().await? } else { BTreeMap::new() };
        for series in self.metering.flush().await.map_err(failed)? {
            by_tenancy.entry(series.tenancy).or_default().insert(series.of);
        }
        let mut done = Done::default();
        for (tenancy, subjects) in by_tenancy {
            let mut noted = Vec::with_capacity(subjects.len());
            for of in subjects {
                let (stored, owner) = self.stored(&tenancy, &of).await.map_err(failed)?;
                if of == Subject::Tenancy {
                    tell(&tenancy, &stored);
                }
                noted.push((of, stored, owner));
            }
            done.items += noted.len() as u64;
            self.metering.note_stored(&tenancy, noted).await.map_err(failed)?;
        }
        if is_first {
            self.metering.condense().await.map_err(failed)?;
            *self.looked.lock() = Some(today);
        }
        Ok(done)
    }
}

fn tell(tenancy: &TenancyName, stored: &Stored) {
    let Stored { bytes, objects, older_bytes, older_objects, parts_bytes, parts } = *stored;
    for (kind, bytes, count) in [
        ("current", bytes.saturating_sub(older_bytes + parts_bytes), objects.saturating_sub(older_objects)),
        ("older", older_bytes, older_objects),
        ("parts", parts_bytes, parts),
    ] {
        let name = tenancy.as_str();
        metrics::gauge!(STORED_BYTES, "tenancy" => name.to_owned(), "kind" => kind).set(bytes as f64);
        metrics::gauge!(STORED_OBJECTS, "tenancy" => name.to_owned(), "kind" => kind).set(count as f64);
    }
}

fn failed(error: impl std::fmt::Display) -> JobError {
    JobError(error.to_string())
}
