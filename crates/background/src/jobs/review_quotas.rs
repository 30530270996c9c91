//! Holds quotas against what is used, so that what is reached takes effect beyond the write that was refused, and is told.
//!
//! It runs each second, so that a state such as `read-only` begins and ends within that time; no request waits for it.
//! Only the quotas with such an action, and those that refused a write, are looked at that often, the others each tenth time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;
use objects::{Objects, Review};

use crate::{Done, Job, JobError};

/// One run in this many looks at every quota.
const WHOLE_EVERY: u64 = 10;

/// The job.
pub struct ReviewQuotas {
    identity: Arc<Identity>,
    objects: Arc<Objects>,
    runs: AtomicU64,
}

impl ReviewQuotas {
    /// For the quotas of `identity`, on what `objects` counts.
    pub const fn new(identity: Arc<Identity>, objects: Arc<Objects>) -> Self {
        Self { identity, objects, runs: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Job for ReviewQuotas {
    fn name(&self) -> &'static str {
        "review_quotas"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let is_whole = self.runs.fetch_add(1, Ordering::Relaxed).is_multiple_of(WHOLE_EVERY);
        let review = if is_whole { Review::Whole } else { Review::Pressing };
        let mut done = Done::default();
        for tenancy in self.identity.quotas().tenancies() {
            let crossings = self.objects.review_quotas(&self.identity, &tenancy, review).await;
            done.items += crossings.map_err(|error| JobError(error.to_string()))?;
        }
        Ok(done)
    }
}
