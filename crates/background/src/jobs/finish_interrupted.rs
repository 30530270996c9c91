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
        let recovered = self.objects.recover().await.map_err(|error| JobError(error.to_string()))?;
        let items = (recovered.buckets + recovered.uploads) as u64;
        if items > 0 {
            tracing::info!(buckets = recovered.buckets, uploads = recovered.uploads, "finished what was broken off");
        }
        match recovered.failed {
            0 => Ok(Done { items }),
            failed => Err(JobError(format!("{failed} steps could not be finished; the log says why"))),
        }
    }
}
