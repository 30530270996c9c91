//! Holds quotas against what is used, so that what is reached takes effect beyond the write that was refused, and is told.
//!
//! It runs soon after a quota was changed or refused a write, and otherwise once in its period: a state such as `read-only`
//! begins and ends within that time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;
use objects::Objects;

use crate::{Done, Job, JobError};

/// How long after a refusal it runs: many come together.
const GATHERING: Duration = Duration::from_secs(1);

/// The job.
pub struct ReviewQuotas {
    identity: Arc<Identity>,
    objects: Arc<Objects>,
}

impl ReviewQuotas {
    /// For the quotas of `identity`, on what `objects` counts.
    pub const fn new(identity: Arc<Identity>, objects: Arc<Objects>) -> Self {
        Self { identity, objects }
    }
}

#[async_trait]
impl Job for ReviewQuotas {
    fn name(&self) -> &'static str {
        "review_quotas"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn wanted(&self) {
        self.identity.quotas().wanted().await;
        tokio::time::sleep(GATHERING).await;
    }

    async fn run(&self) -> Result<Done, JobError> {
        let mut done = Done::default();
        for tenancy in self.identity.quotas().tenancies() {
            let crossings = self.objects.review_quotas(&self.identity, &tenancy).await;
            done.items += crossings.map_err(|error| JobError(error.to_string()))?;
        }
        Ok(done)
    }
}
