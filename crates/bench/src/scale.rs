//! What shows only at scale: the start after a kill, memory at rest and under uploads, listings of large buckets, reads
//! beside deletes, and the first byte of an object of many parts.
//!
//! These rows need a full store and its process. So they start the program themselves, on a data directory in the
//! folder they are given ([`Server`]), fill what a row needs and is not there yet ([`fill`]), and end it. What was
//! filled stays: a second run begins at once, and removing the folder is the caller's part. Bounds are those of the
//! issue on performance; each is a time, a size, or a ratio of two measurements that alternate.

mod deletes;
mod fill;
mod pages;
mod parts;
mod restart;
mod uploads;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::error::BenchError;
use crate::server::Server;
use crate::targets::Verdict;

/// What the rows are measured with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program that is measured: `commonhold` itself.
    pub program: PathBuf,
    /// Where its data directory and its log are; made where it is missing, and kept.
    pub folder: PathBuf,
    /// The objects of the full store.
    pub objects: u64,
    /// The parts of the object of many; each has 5 MiB, the least that S3 allows.
    pub parts: u64,
    /// The bytes of each of many uploads at the same time. A store may set that space aside for all of them at once.
    pub upload_bytes: u64,
    /// How long one measurement takes.
    pub duration: Duration,
    /// How often each row is measured.
    pub rounds: usize,
    /// Names of the rows to measure begin with one of these; all where empty.
    pub only: Vec<String>,
}

impl Setup {
    /// Whether a row was asked for, or something that its name begins the name of.
    fn asks_for(&self, name: &str) -> bool {
        let asks = |only: &String| name.starts_with(only.as_str()) || only.starts_with(name);
        self.only.is_empty() || self.only.iter().any(asks)
    }
}

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was measured.
    pub name: String,
    /// What came of it: the worst round of a time or a size, the median round of a ratio.
    pub value: f64,
    /// What it counts.
    pub unit: &'static str,
    /// The most that it may be.
    pub at_most: f64,
    /// Whether it is.
    pub verdict: Verdict,
    /// The measurements behind it, or what went wrong.
    pub note: String,
}

impl Finding {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, at_most: f64, note: impl Into<String>) -> Self {
        let verdict = if value <= at_most { Verdict::Met } else { Verdict::Missed };
        Self { name: name.into(), value, unit, at_most, verdict, note: note.into() }
    }

    /// The median of `rounds`, each a measurement and what it is held against.
    fn ratio(name: impl Into<String>, rounds: &[(f64, f64)], unit: &str, at_most: f64) -> Self {
        let ratio = |(first, second): (f64, f64)| first / second.max(f64::MIN_POSITIVE);
        let mut sorted = rounds.to_vec();
        sorted.sort_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let each: Vec<String> = rounds.iter().map(|(first, second)| format!("{first:.3}:{second:.3}")).collect();
        Self::new(name, ratio(median), "x", at_most, format!("{} {unit}", each.join(" ")))
    }

    fn failed(name: &str, error: &BenchError) -> Self {
        let (name, note) = (name.to_owned(), error.to_string());
        Self { name, value: 0.0, unit: "", at_most: 0.0, verdict: Verdict::Failed, note }
    }
}

/// What is measured together, since it needs the same objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Row {
    Start,
    Memory,
    List,
    Deletes,
    Parts,
    Uploads,
}

const ROWS: [(Row, &str); 6] = [
    (Row::Start, "start"),
    (Row::Memory, "memory"),
    (Row::List, "list"),
    (Row::Deletes, "deletes"),
    (Row::Parts, "parts"),
    (Row::Uploads, "uploads"),
];

/// Measures every row that was asked for. `told` hears of the filling, which takes minutes.
pub async fn measure(setup: &Setup, told: impl Fn(&str)) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (row, name) in ROWS {
        if !setup.asks_for(name) {
            continue;
        }
        let measured = match row {
            Row::Start => restart::starts(setup, &told).await,
            Row::Memory => restart::memory(setup, &told).await,
            Row::List => pages::measure(setup, &told).await,
            Row::Deletes => deletes::measure(setup, &told).await,
            Row::Parts => parts::measure(setup, &told).await,
            Row::Uploads => uploads::measure(setup).await,
        };
        findings.extend(measured.unwrap_or_else(|error| vec![Finding::failed(name, &error)]));
    }
    findings
}

/// Starts the server on what the folder holds.
async fn serve(setup: &Setup) -> Result<Server, BenchError> {
    Ok(Server::start(&setup.program, &setup.folder).await?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_round_of_a_ratio_is_judged() {
        let cases = [
            (vec![(2.0, 1.0), (9.0, 1.0), (1.0, 1.0)], 2.0, Verdict::Met),
            (vec![(2.1, 1.0), (9.0, 1.0), (1.0, 1.0)], 2.1, Verdict::Missed),
        ];
        for (rounds, value, verdict) in cases {
            let finding = Finding::ratio("x", &rounds, "ms", 2.0);
            assert_eq!((finding.value, finding.verdict), (value, verdict), "{rounds:?}");
        }
    }
}
