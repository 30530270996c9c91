//! What is counted.

use std::time::Duration;

use crate::failure::Failure;

/// Questions to the directory by `operation` and `outcome` (`done`, `refused` or `away`).
pub const DIRECTORY_REQUESTS: &str = "commonhold_directory_requests_total";
/// Seconds that questions took, by `operation`.
pub const DIRECTORY_REQUEST_SECONDS: &str = "commonhold_directory_request_duration_seconds";
/// 1 while no server of the directory can be reached, else 0.
pub const DIRECTORY_AWAY: &str = "commonhold_directory_away";

/// Counts one question.
pub(crate) fn count<T>(operation: &'static str, elapsed: Duration, outcome: &Result<T, Failure>) {
    let outcome = match outcome {
        Ok(_) => "done",
        Err(Failure::Refused { .. }) => "refused",
        Err(Failure::Away(_)) => "away",
    };
    metrics::counter!(DIRECTORY_REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
    metrics::histogram!(DIRECTORY_REQUEST_SECONDS, "operation" => operation).record(elapsed);
}

/// Tells whether the directory is away.
pub(crate) fn set_away(is_away: bool) {
    metrics::gauge!(DIRECTORY_AWAY).set(if is_away { 1.0 } else { 0.0 });
}
