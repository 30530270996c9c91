//! Finishes work of several steps that a crash or a failure cut in two.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use objects::Objects;

use crate::{Done, Job, JobError};

/// The job.
pub struct FinishInterrupted {
    objects: Arc<Objects>,
}

impl FinishInterrupted {
    /// For the intents of `objects`.
    pub fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }
}

#[async_trait]
impl Job for FinishInterrupted {
    fn name(&self) -> &'static str {
        "finish_interrupted"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let items = self.objects.recover().await.map_err(|error| JobError(error.to_string()))?;
        Ok(Done { items })
    }
}
