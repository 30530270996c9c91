//! Reads every byte of the store in its turn, at a pace that clients do not notice, so that damage is known while there
//! is still a copy elsewhere. A pass that the end of the server broke off goes on after the next start.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use objects::Objects;
use objects::inspect::Inspected;
use objects::scrub::PassOf;
use storage::maintenance::{Damages, Maintenance, Progress};

use crate::{Done, Job, JobError};

/// How often it is looked whether a pass is due, and how long after the start of the server for the first time: what is
/// restarted often is not to read more for it.
const INTERVAL: Duration = Duration::from_secs(3600);

/// The job.
pub struct Scrub {
    objects: Arc<Objects>,
    engine: Arc<dyn Maintenance>,
    period: Duration,
    bytes_per_second: NonZeroU64,
}

impl Scrub {
    /// For what `objects` and its `engine` hold: a pass once in `period`, whatever restarts come between, at most `bytes_per_second` fast.
    pub fn new(
        objects: Arc<Objects>,
        engine: Arc<dyn Maintenance>,
        period: Duration,
        bytes_per_second: NonZeroU64,
    ) -> Self {
        Self { objects, engine, period, bytes_per_second }
    }
}

#[async_trait]
impl Job for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    fn period(&self) -> Duration {
        self.period.min(INTERVAL)
    }

    fn delay(&self) -> Duration {
        INTERVAL
    }

    async fn run(&self) -> Result<Done, JobError> {
        if !self.objects.is_scrub_due(self.period).await.map_err(failed)? {
            return Ok(Done::default());
        }
        let progress = Arc::new(Progress::paced(self.bytes_per_second));
        let inspected = scrub(&self.objects, &self.engine, PassOf::Job, &progress).await?;
        match inspected.damages.count {
            0 => Ok(Done { items: inspected.blobs }),
            count => Err(JobError(format!("{count} damages were found; the log names their objects"))),
        }
    }
}

/// Reads everything once: the engine's own structure, then the content of every object. A pass of the job goes on where
/// the one before was broken off. Dropped, it ends early.
///
/// # Errors
/// What kept it from reading. What is damaged is in the answer.
pub async fn scrub(
    objects: &Objects,
    engine: &Arc<dyn Maintenance>,
    of: PassOf,
    progress: &Arc<Progress>,
) -> Result<Inspected, JobError> {
    let mut stop = StopOnDrop(Some(Arc::clone(progress)));
    let pass = objects.begin_scrub(of).await.map_err(failed)?;
    let (mut log_bytes, mut damages) = (0, Damages::default());
    if pass.needs_structure() {
        let (of_task, watched) = (Arc::clone(engine), Arc::clone(progress));
        // It waits for the disk, and for its pace.
        let verified = tokio::task::spawn_blocking(move || of_task.verify(&watched)).await;
        let verified = verified.map_err(failed)?.map_err(failed)?;
        (log_bytes, damages) = (verified.log_bytes, verified.damages);
    }
    let mut inspected = objects.scrub(pass, of, progress, &damages.listed).await.map_err(failed)?;
    inspected.bytes += log_bytes;
    stop.0 = None;
    Ok(inspected)
}

fn failed(error: impl std::fmt::Display) -> JobError {
    JobError(error.to_string())
}

/// The part of the work that has a thread of its own is to end with the rest.
struct StopOnDrop(Option<Arc<Progress>>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use storage::StorageError;
    use storage::maintenance::{BackedUp, Verified};
    use storage::memory::MemoryStore;
    use types::{Clock as _, ManualClock, SeededEntropy, Timestamp};

    use super::*;

    /// An engine that finds what it is told to find.
    struct Finding(Verified);

    impl Maintenance for Finding {
        fn failure(&self) -> Option<String> {
            None
        }

        fn verify(&self, _progress: &Progress) -> Result<Verified, StorageError> {
            Ok(self.0.clone())
        }

        fn backup(&self, _directory: &Path, _progress: &Progress) -> Result<BackedUp, StorageError> {
            Err(StorageError::Full)
        }
    }

    #[tokio::test]
    async fn a_run_fails_where_something_is_damaged() {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1)));
        let objects = Arc::new(Objects::new(
            Arc::clone(&store) as Arc<dyn storage::Metadata>,
            store,
            Arc::clone(&clock) as Arc<dyn types::Clock>,
            Arc::new(SeededEntropy::new(1)),
        ));
        for damages in [0, 1, 3] {
            let mut verified = Verified { log_bytes: 5, ..Verified::default() };
            (0..damages).for_each(|number| verified.damages.add(format!("segment {number}"), None));
            let engine: Arc<dyn Maintenance> = Arc::new(Finding(verified));
            let pace = NonZeroU64::new(1 << 20).expect("not 0");
            let job = Scrub::new(Arc::clone(&objects), engine, Duration::from_secs(60), pace);
            clock.advance_secs(60);
            match job.run().await {
                Ok(done) => assert_eq!((damages, done.items), (0, 0)),
                Err(JobError(what)) => assert!(what.starts_with(&format!("{damages} damages")), "{what}"),
            }
            let last = objects.scrub_status().await.expect("told").last.expect("one");
            assert_eq!((last.damages, last.ended), (damages, clock.now()));
            clock.advance_secs(59);
            assert!(job.run().await.is_ok(), "nothing is due");
            assert_eq!(objects.scrub_status().await.expect("told").last, Some(last));
        }
    }
}
