//! What this machine could do at best, by bare means.
//!
//! [`bare_server`] is hyper with nothing behind it; [`log`] a file with a shared sync and no index; [`disk`] and
//! [`hashes`] the device and one core. [`engine`] is no limit but the store's engine without HTTP, to be held against
//! the log.

pub mod bare_server;
pub mod disk;
pub mod engine;
pub mod hashes;
pub mod log;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::error::BenchError;

/// One of the machine's limits.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// What was done.
    pub name: String,
    /// How much of it.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
}

impl Limit {
    fn new(name: &str, value: f64, unit: &'static str) -> Self {
        Self { name: name.to_owned(), value, unit }
    }
}

/// The limits that need no endpoint. Works in `folder`, and removes what it made there.
///
/// # Errors
/// The device's.
pub async fn measure(folder: &Path, writers: usize, duration: Duration) -> Result<Vec<Limit>, BenchError> {
    let mut limits = Vec::new();
    let shared = log::appends(folder, writers, duration).await?;
    limits.push(Limit::new(&format!("log: {writers} writers share fdatasync"), shared.rate(), "appends/s"));
    let alone = log::appends(folder, 1, duration).await?;
    limits.push(Limit::new("log: one append + fdatasync, median", alone.latency.p50_ms, "ms"));
    let of_disk = folder.to_owned();
    let (write, read) = tokio::task::spawn_blocking(move || disk::sequential(&of_disk)).await??;
    limits.push(Limit::new("disk: sequential write with fdatasync", write / 1e6, "MB/s"));
    limits.push(Limit::new("disk: sequential read, not cached", read / 1e6, "MB/s"));
    let hashes = tokio::task::spawn_blocking(move || hashes::measure(duration)).await?;
    limits.extend(hashes.into_iter().map(|(name, rate)| Limit::new(&format!("one core: {name}"), rate / 1e6, "MB/s")));
    Ok(limits)
}
