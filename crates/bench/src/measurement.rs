//! What came of a workload.

use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;

/// Quantiles of the time from a request's start to its answer's last byte, in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean_ms: f64,
    /// Half of the requests took no longer.
    pub p50_ms: f64,
    /// Nine of ten.
    pub p90_ms: f64,
    /// Ninety-nine of a hundred.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl From<&Histogram> for Latency {
    fn from(histogram: &Histogram) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let quantile = |share| ms(histogram.quantile(share));
        Self {
            mean_ms: ms(histogram.mean()),
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            max_ms: ms(histogram.max()),
        }
    }
}

/// The outcome of one workload on one target.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// What was measured.
    pub name: String,
    /// Requests that were answered as they should be.
    pub requests: u64,
    /// Requests that were not. They count in nothing else.
    pub errors: u64,
    /// The first of the errors.
    pub first_error: Option<String>,
    /// Bytes of bodies, of the direction that the operation is about.
    pub bytes: u64,
    /// From the first request's start to the last answer's end.
    pub seconds: f64,
    /// Of the requests that were answered as they should be.
    pub latency: Latency,
}

impl Measurement {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// Bytes a second.
    pub fn throughput(&self) -> f64 {
        self.bytes as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }
}

/// What one connection, or several, saw.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) latencies: Histogram,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn answered(&mut self, took: Duration, bytes: u64) {
        self.latencies.record(took);
        self.bytes += bytes;
    }

    pub(crate) fn failed(&mut self, error: impl ToString) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.bytes += other.bytes;
    }

    pub(crate) fn into_measurement(self, name: String, elapsed: Duration) -> Measurement {
        Measurement {
            name,
            requests: self.latencies.count(),
            errors: self.errors,
            first_error: self.first_error,
            bytes: self.bytes,
            seconds: elapsed.as_secs_f64(),
            latency: Latency::from(&self.latencies),
        }
    }
}
