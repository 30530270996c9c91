//! Finishes work of several steps that a crash or a failure cut in two: at start, soon after a request was cut, and now
//! and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use objects::Objects;

use crate::{Done, Job, JobError};

/// How soon the job tries again what it could not finish.
const AGAIN: Duration = Duration::from_secs(60);

/// The job.
pub struct FinishInterrupted {
    objects: Arc<Objects>,
    /// Whether the last run left something.
    left: AtomicBool,
}

impl FinishInterrupted {
    /// For the intents of `objects`.
    pub fn new(objects: Arc<Objects>) -> Self {
        Self { objects, left: AtomicBool::new(false) }
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

    async fn wanted(&self) {
        if self.left.load(Ordering::Relaxed) {
            tokio::time::sleep(AGAIN).await;
        } else {
            self.objects.interrupted().await;
        }
    }

    async fn run(&self) -> Result<Done, JobError> {
        self.left.store(true, Ordering::Relaxed);
        let recovered = self.objects.recover().await.map_err(|error| JobError(error.to_string()))?;
        let items = (recovered.buckets + recovered.uploads) as u64;
        if items > 0 {
            tracing::info!(buckets = recovered.buckets, uploads = recovered.uploads, "finished what was broken off");
        }
        self.left.store(recovered.failed > 0, Ordering::Relaxed);
        match recovered.failed {
            0 => Ok(Done { items }),
            failed => Err(JobError(format!("{failed} steps could not be finished; the log says why"))),
        }
    }
}
