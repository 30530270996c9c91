//! Writes the last uses of access keys to the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;

use crate::{Done, Job, JobError};

/// The job.
pub struct FlushLastUses {
    identity: Arc<Identity>,
}

impl FlushLastUses {
    /// For the keys of `identity`.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl Job for FlushLastUses {
    fn name(&self) -> &'static str {
        "flush_last_uses"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let items = self.identity.flush_last_uses().await.map_err(|error| JobError(error.to_string()))?;
        Ok(Done { items })
    }
}
