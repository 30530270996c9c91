//! Jobs that run beside the requests, each in a file of its own in [`jobs`].
//!
//! [`scheduler`] runs a [`Job`] after its delay, then once in its period and when it is wanted, counts what came of it, and
//! stops with the server. A job is safe to stop at any point: what it left is found by its next run.

pub mod jobs;
mod scheduler;

pub use scheduler::{
    Done, JOB_DURATION_SECONDS, JOB_ITEMS, JOB_LAST_RUN_SECONDS, JOB_RUNS, Job, JobError, JobRun, JobRuns, JobState,
    Scheduler,
};
