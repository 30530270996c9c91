//! When jobs run, and what is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Clock, Timestamp};

/// Runs of jobs by `job` and `outcome` (`done` or `failed`).
pub const JOB_RUNS: &str = "commonhold_job_runs_total";
/// Things that jobs dealt with, by `job`.
pub const JOB_ITEMS: &str = "commonhold_job_items_total";
/// Seconds that runs took, by `job`.
pub const JOB_DURATION_SECONDS: &str = "commonhold_job_duration_seconds";
/// When a job last ended well, in seconds since 1970, by `job`.
pub const JOB_LAST_RUN_SECONDS: &str = "commonhold_job_last_run_timestamp_seconds";

/// How long a job that is wanted early waits first: what calls for it often comes in numbers, and from a device that is
/// busy failing.
const BREATH: Duration = Duration::from_secs(5);

/// What came of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Done {
    /// How many things were dealt with.
    pub items: u64,
}

/// A run failed. What it had done stays done; the next run goes on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JobError(pub String);

/// Work that comes back.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// Its name in logs and metrics.
    fn name(&self) -> &'static str;

    /// How long after the start of one run the next one starts, at the earliest.
    fn period(&self) -> Duration;

    /// How long after the start of the scheduler the first run starts.
    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    /// Waits until there is a reason to run before the period is over. Dropped where it is over first.
    async fn wanted(&self) {
        std::future::pending().await
    }

    /// Does what there is to do. May be dropped at any point where it waits.
    ///
    /// # Errors
    /// [`JobError`]; it is logged and counted, and the job runs again in its period.
    async fn run(&self) -> Result<Done, JobError>;
}

/// How the jobs of a server are: what their runs came to since it started. Cheap to clone; clones are of one.
#[derive(Clone, Debug, Default)]
pub struct JobRuns(Arc<Mutex<BTreeMap<&'static str, JobState>>>);

/// How one job is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobState {
    /// Its name.
    pub name: &'static str,
    /// How long after the start of one run the next one starts.
    pub period: Duration,
    /// Since when it runs, where it does now.
    pub running_since: Option<Timestamp>,
    /// Its last run that has ended; `None` where none has yet.
    pub last: Option<JobRun>,
}

/// A run that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRun {
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How many things it dealt with, or why it failed.
    pub outcome: Result<u64, String>,
}

impl JobRuns {
    /// Every job, in the order of names.
    pub fn all(&self) -> Vec<JobState> {
        self.0.lock().values().cloned().collect()
    }

    fn know(&self, job: &dyn Job) {
        let state = JobState { name: job.name(), period: job.period(), running_since: None, last: None };
        self.0.lock().insert(job.name(), state);
    }

    fn begin(&self, name: &str, now: Timestamp) {
        if let Some(state) = self.0.lock().get_mut(name) {
            state.running_since = Some(now);
        }
    }

    fn end(&self, name: &str, run: JobRun) {
        if let Some(state) = self.0.lock().get_mut(name) {
            (state.running_since, state.last) = (None, Some(run));
        }
    }
}

/// Runs jobs until it is stopped.
#[derive(Debug)]
pub struct Scheduler {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Scheduler {
    /// Starts `jobs`: each after its delay, and then in its period. Two runs of one job never overlap. `runs` tells
    /// how they are from then on.
    pub fn start(jobs: Vec<Box<dyn Job>>, clock: Arc<dyn Clock>, runs: &JobRuns) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        for job in jobs {
            runs.know(&*job);
            let (clock, stop, runs) = (Arc::clone(&clock), stop.clone(), runs.clone());
            tasks.spawn(async move { stop.run_until_cancelled(repeat(&*job, &*clock, &runs)).await });
        }
        tasks.close();
        Self { tasks, stop }
    }

    /// Stops all jobs and waits until they have.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

async fn repeat(job: &dyn Job, clock: &dyn Clock, runs: &JobRuns) {
    let mut next = Instant::now() + job.delay();
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = job.wanted() => tokio::time::sleep(BREATH).await,
        }
        next = Instant::now() + job.period();
        run_once(job, clock, runs).await;
    }
}

async fn run_once(job: &dyn Job, clock: &dyn Clock, runs: &JobRuns) {
    let (name, started) = (job.name(), Instant::now());
    runs.begin(name, clock.now());
    let result = job.run().await;
    let elapsed = started.elapsed();
    let outcome = result.as_ref().map(|done| done.items).map_err(ToString::to_string);
    runs.end(name, JobRun { ended: clock.now(), took: elapsed, outcome });
    metrics::histogram!(JOB_DURATION_SECONDS, "job" => name).record(elapsed);
    match result {
        Ok(Done { items }) => {
            metrics::counter!(JOB_RUNS, "job" => name, "outcome" => "done").increment(1);
            metrics::counter!(JOB_ITEMS, "job" => name).increment(items);
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
            metrics::gauge!(JOB_LAST_RUN_SECONDS, "job" => name).set(clock.now().as_secs() as f64);
            tracing::debug!(job = name, items, ?elapsed, "a job is done");
        }
        Err(error) => {
            metrics::counter!(JOB_RUNS, "job" => name, "outcome" => "failed").increment(1);
            tracing::error!(job = name, %error, "a job failed; it runs again in its period");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use types::SystemClock;

    use super::*;

    struct Counting {
        runs: Arc<AtomicU64>,
        takes: Duration,
        fails: bool,
    }

    #[async_trait]
    impl Job for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn period(&self) -> Duration {
            Duration::from_secs(60)
        }

        async fn run(&self) -> Result<Done, JobError> {
            self.runs.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.takes).await;
            if self.fails { Err(JobError("no".to_owned())) } else { Ok(Done { items: 1 }) }
        }
    }

    /// A job that is wanted early, once.
    struct Wanted(Arc<AtomicU64>);

    #[async_trait]
    impl Job for Wanted {
        fn name(&self) -> &'static str {
            "wanted"
        }

        fn period(&self) -> Duration {
            Duration::from_secs(3600)
        }

        async fn wanted(&self) {
            if self.0.load(Ordering::Relaxed) > 1 {
                std::future::pending::<()>().await;
            }
        }

        async fn run(&self) -> Result<Done, JobError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Done { items: 1 })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_is_wanted_runs_before_its_period_is_over() {
        let runs = Arc::new(AtomicU64::new(0));
        let scheduler =
            Scheduler::start(vec![Box::new(Wanted(Arc::clone(&runs)))], Arc::new(SystemClock), &JobRuns::default());
        for (seconds, expected) in [(11, 2), (3600, 3)] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            assert_eq!(runs.load(Ordering::Relaxed), expected, "after {seconds} s more");
        }
        scheduler.stop().await;
    }

    /// A job runs at the start and once in its period; one that fails does too, one that is slow never overlaps
    /// itself, and none runs after the stop.
    #[tokio::test(start_paused = true)]
    async fn jobs_come_back_until_they_are_stopped() {
        for (takes_seconds, fails, expected) in [(1, false, 3), (1, true, 3), (100, false, 2)] {
            let runs = Arc::new(AtomicU64::new(0));
            let takes = Duration::from_secs(takes_seconds);
            let job = Counting { runs: Arc::clone(&runs), takes, fails };
            let told = JobRuns::default();
            let scheduler = Scheduler::start(vec![Box::new(job)], Arc::new(SystemClock), &told);
            assert_eq!(
                told.all().iter().map(|state| (state.name, &state.last)).collect::<Vec<_>>(),
                [("counting", &None)]
            );
            tokio::time::sleep(Duration::from_secs(150)).await;
            assert_eq!(runs.load(Ordering::Relaxed), expected, "a run takes {takes_seconds} s");
            let [state] = told.all().try_into().expect("one job");
            assert_eq!(state.running_since.is_some(), takes_seconds == 100, "its second run is under way");
            let last = state.last.expect("one has ended");
            assert_eq!((last.took, last.outcome), (takes, if fails { Err("no".to_owned()) } else { Ok(1) }));
            scheduler.stop().await;
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(runs.load(Ordering::Relaxed), expected);
        }
    }
}
