//! Takes entries off the beginning of the audit log that are older than the installation keeps them.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit::Audit;
use types::{Clock, Timestamp};

use crate::{Done, Job, JobError};

/// The job.
pub struct PruneAudit {
    audit: Audit,
    keep_days: NonZeroU64,
    clock: Arc<dyn Clock>,
}

impl PruneAudit {
    /// For entries that are older than so many days.
    pub fn new(audit: Audit, keep_days: NonZeroU64, clock: Arc<dyn Clock>) -> Self {
        Self { audit, keep_days, clock }
    }
}

#[async_trait]
impl Job for PruneAudit {
    fn name(&self) -> &'static str {
        "prune_audit"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let kept_micros = self.keep_days.get().saturating_mul(24 * 3600 * 1_000_000);
        let before = Timestamp(self.clock.now().0.saturating_sub(kept_micros));
        let items = self.audit.prune(self.name(), before).await.map_err(|error| JobError(error.to_string()))?;
        Ok(Done { items })
    }
}

#[cfg(test)]
mod tests {
    use audit::{Act, Actor, Ending, Source, Via};
    use storage::memory::MemoryStore;
    use types::ManualClock;

    use super::*;

    #[tokio::test]
    async fn entries_go_when_they_are_old() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000_000)));
        let audit = Audit::open(Arc::new(MemoryStore::new()), clock.clone()).await.expect("opens");
        for _ in 0..10 {
            let act = Act {
                actor: Actor::Operator,
                source: Source::via(Via::Socket),
                action: "tenancy.create".to_owned(),
                tenancy: None,
                target: "tenancies t".to_owned(),
                facts: Vec::new(),
            };
            audit.begin(act).end(Ending::done()).await.expect("recorded");
            clock.advance_secs(24 * 3600);
        }
        let days = NonZeroU64::new(4).expect("not 0");
        let job = PruneAudit::new(audit.clone(), days, clock.clone() as Arc<dyn Clock>);
        assert_eq!(job.run().await.expect("done").items, 6);
        assert_eq!(job.run().await.expect("done").items, 0);
        clock.advance_secs(24 * 3600);
        assert_eq!(job.run().await.expect("done").items, 1);
        assert_eq!(audit.verify(None).await.expect("read").fault_count, 0);
    }
}
