//! The project's targets: each pairs work on the store with the limit that bounds it, in the same process and minute.
//!
//! A round measures the limit and then the store; the ratio of a row is the median of its rounds' ratios, so that
//! whatever else the machine does falls on both. The targets are those of the issue on performance.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use storage::Engine;

use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::limits::bare_server::{Answers, BareServer};
use crate::limits::{disk, engine, hashes, log};
use crate::measurement::Measurement;
use crate::run::{clear, prepare, run};
use crate::target::{Credentials, PayloadSigning, Target};
use crate::workload::{Operation, Stop, Workload};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Connections of the rows that want many.
const MANY: usize = 64;
/// Connections of the listings and of the ranges.
const SOME: usize = 8;
/// The objects that small reads choose among.
const SMALL_OBJECTS: u64 = 10_000;

/// What the targets are measured with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The store.
    pub store: Target,
    /// A folder on the device that the store uses.
    pub folder: PathBuf,
    /// The store's engine on that device, for the row without HTTP; that row is left out without one.
    pub engine: Option<Engine>,
    /// How long one measurement takes, but for those of 1 GiB.
    pub duration: Duration,
    /// How often each row is measured.
    pub rounds: usize,
    /// Names of the rows to measure begin with one of these; all where empty.
    pub only: Vec<String>,
}

/// Whether a target is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Met,
    /// It is not.
    Missed,
    /// It could not be measured, or requests failed.
    Failed,
}

/// One row: what was achieved.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The work.
    pub name: String,
    /// What both numbers count.
    pub unit: &'static str,
    /// The store's, of the round with the median ratio.
    pub ours: f64,
    /// The limit's, of that round.
    pub limit: f64,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// The lowest of the rounds' ratios.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// What the ratio is to be.
    pub target: f64,
    /// Whether lower is better.
    pub at_most: bool,
    /// Whether it is.
    pub verdict: Verdict,
    /// What went wrong, if anything.
    pub error: Option<String>,
}

/// One pairing of work and limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Row {
    PutSmall,
    Engine,
    PutAlone,
    GetSmall,
    Head,
    Range,
    List,
    ListEach,
    PutLarge,
    PutMultipart,
    GetLarge,
    Delete,
}

/// Name, unit, target and whether the target is a most. A row whose target is 0 has none, and is there to be seen beside
/// the one above it.
const ROWS: [(Row, &str, &str, f64, bool); 12] = [
    (Row::PutSmall, "put-4KiB-64", "req/s", 0.40, false),
    (Row::Engine, "engine-4KiB-64", "commits/s", 0.50, false),
    (Row::PutAlone, "put-4KiB-1", "ms", 1.6, true),
    (Row::GetSmall, "get-4KiB-64", "req/s", 0.45, false),
    (Row::Head, "head-64", "req/s", 0.50, false),
    (Row::Range, "range-256KiB-of-1GiB-8", "MB/s", 0.60, false),
    (Row::List, "list-1000-8", "req/s", 0.50, false),
    (Row::ListEach, "list-each-1000-8", "req/s", 0.0, false),
    (Row::PutLarge, "put-1GiB", "MB/s", 0.85, false),
    (Row::PutMultipart, "put-1GiB-multipart-8", "MB/s", 0.80, false),
    (Row::GetLarge, "get-1GiB", "MB/s", 0.70, false),
    (Row::Delete, "delete-64", "req/s", 1.0, false),
];

/// Measures every row that was asked for. `told` hears of each as it is done.
pub async fn measure(setup: &Setup, mut told: impl FnMut(&Outcome)) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (row, name, unit, target, at_most) in ROWS {
        let is_asked = setup.only.is_empty() || setup.only.iter().any(|only| name.starts_with(only.as_str()));
        if !is_asked || (row == Row::Engine && setup.engine.is_none()) {
            continue;
        }
        let rounds = measure_row(setup, row).await;
        let outcome = judge(name, unit, target, at_most, rounds);
        told(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

/// The store's number and the limit's, of each round.
async fn measure_row(setup: &Setup, row: Row) -> Result<Vec<(f64, f64)>, BenchError> {
    let bench = Bench { setup, file: setup.folder.join("bench-bare") };
    let mut rounds = Vec::new();
    for _ in 0..setup.rounds.max(1) {
        rounds.push(match row {
            Row::PutSmall => bench.put_small().await?,
            Row::Engine => bench.engine().await?,
            Row::PutAlone => bench.put_alone().await?,
            Row::GetSmall => bench.small_reads(Operation::Get).await?,
            Row::Head => bench.small_reads(Operation::Head).await?,
            Row::Range => bench.large_reads(Operation::Range { range_size: 256 * KIB }, SOME).await?,
            Row::List => bench.list(Operation::List).await?,
            Row::ListEach => bench.list(Operation::ListEach).await?,
            Row::PutLarge => bench.put_large().await?,
            Row::PutMultipart => bench.put_multipart().await?,
            Row::GetLarge => bench.large_reads(Operation::Get, 1).await?,
            Row::Delete => bench.delete().await?,
        });
    }
    Ok(rounds)
}

fn judge(
    name: &str,
    unit: &'static str,
    target: f64,
    at_most: bool,
    rounds: Result<Vec<(f64, f64)>, BenchError>,
) -> Outcome {
    let (mut rounds, error) = match rounds {
        Ok(rounds) => (rounds, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let ratio = |(ours, limit): (f64, f64)| ours / limit.max(f64::MIN_POSITIVE);
    rounds.sort_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
    let at = |index: usize| rounds.get(index).copied().unwrap_or_default();
    let (ours, limit) = at(rounds.len() / 2);
    let achieved = ratio((ours, limit));
    let verdict = match error {
        Some(_) => Verdict::Failed,
        None if (achieved <= target) == at_most || achieved == target => Verdict::Met,
        None => Verdict::Missed,
    };
    Outcome {
        name: name.to_owned(),
        unit,
        ours,
        limit,
        ratio: achieved,
        lowest: ratio(at(0)),
        highest: ratio(at(rounds.len().saturating_sub(1))),
        target,
        at_most,
        verdict,
        error,
    }
}

struct Bench<'a> {
    setup: &'a Setup,
    /// What the bare server reads.
    file: PathBuf,
}

impl Bench<'_> {
    async fn put_small(&self) -> Result<(f64, f64), BenchError> {
        let workload = self.workload("put/", Operation::Put, 4 * KIB, MANY);
        let limit = self.bare(Answers::Hashes, &workload).await?;
        let ours = self.ours(&workload).await?;
        Ok((ours.rate(), limit.rate()))
    }

    async fn engine(&self) -> Result<(f64, f64), BenchError> {
        let limit = log::appends(&self.setup.folder, MANY, self.setup.duration).await?;
        let Some(engine) = &self.setup.engine else { return Err(BenchError::Engine("there is none".to_owned())) };
        let ours = engine::commits(engine, MANY, self.setup.duration).await?;
        Ok((ours.rate(), limit.rate()))
    }

    async fn put_alone(&self) -> Result<(f64, f64), BenchError> {
        let workload = self.workload("put/", Operation::Put, 4 * KIB, 1);
        let limit = log::appends(&self.setup.folder, 1, self.setup.duration).await?;
        let ours = self.ours(&workload).await?;
        Ok((ours.latency.p50_ms, limit.latency.p50_ms))
    }

    async fn small_reads(&self, operation: Operation) -> Result<(f64, f64), BenchError> {
        let workload = Workload { objects: SMALL_OBJECTS, ..self.workload("get/", operation, 4 * KIB, MANY) };
        let limit = self.bare(Answers::Memory(Bytes::from(vec![0x5a; 4096])), &workload).await?;
        let ours = self.ours(&workload).await?;
        Ok((ours.rate(), limit.rate()))
    }

    async fn list(&self, operation: Operation) -> Result<(f64, f64), BenchError> {
        let workload = Workload { objects: SMALL_OBJECTS, ..self.workload("get/", operation, 4 * KIB, SOME) };
        let page = self.page().await?;
        let limit = self.bare(Answers::Memory(page), &workload).await?;
        let ours = self.ours(&workload).await?;
        Ok((ours.rate(), limit.rate()))
    }

    /// The store's own page, for the bare server to answer.
    async fn page(&self) -> Result<Bytes, BenchError> {
        let workload = Workload { objects: SMALL_OBJECTS, ..self.workload("get/", Operation::List, 4 * KIB, SOME) };
        prepare(&self.setup.store, &workload).await?;
        let query = "list-type=2&max-keys=1000&prefix=get%2F";
        let request = self.setup.store.request(Method::GET, "", query, Content::empty().body(), None)?;
        let answer = Connection::new(&self.setup.store).send(request, Keep::Bytes).await?.checked("ListObjectsV2")?;
        Ok(answer.kept.into())
    }

    async fn put_large(&self) -> Result<(f64, f64), BenchError> {
        let duration = self.setup.duration;
        let limit = tokio::task::spawn_blocking(move || hashes::md5(duration)).await?;
        let ours = self.once(&self.workload("large/", Operation::Put, GIB, 1)).await?;
        Ok((ours.throughput() / 1e6, limit / 1e6))
    }

    async fn put_multipart(&self) -> Result<(f64, f64), BenchError> {
        let (duration, folder) = (self.setup.duration, self.setup.folder.clone());
        let md5 = tokio::task::spawn_blocking(move || hashes::md5(duration)).await?;
        let (write, _) = tokio::task::spawn_blocking(move || disk::sequential(&folder)).await??;
        let operation = Operation::PutMultipart { part_size: 16 * MIB, parallel_parts: 8 };
        let ours = self.once(&self.workload("large/", operation, GIB, 1)).await?;
        Ok((ours.throughput() / 1e6, write.min(2.0 * md5) / 1e6))
    }

    async fn large_reads(&self, operation: Operation, connections: usize) -> Result<(f64, f64), BenchError> {
        let workload = Workload { objects: 1, ..self.workload("read/", operation, GIB, connections) };
        let path = self.file.clone();
        let file = tokio::task::spawn_blocking(move || bare_file(&path)).await?;
        let file = file.map_err(BenchError::io("the bare server's file"))?;
        let limit = self.bare(Answers::File(Arc::new(file)), &workload).await;
        std::fs::remove_file(&self.file).map_err(BenchError::io("the bare server's file"))?;
        // Read once, the object is in the page cache, as the bare server's file is.
        let once = Workload { operation: Operation::Get, connections: 1, stop: Stop::Count(1), ..workload.clone() };
        self.ours(&once).await?;
        let ours = self.measured(&workload).await?;
        Ok((ours.throughput() / 1e6, limit?.throughput() / 1e6))
    }

    async fn delete(&self) -> Result<(f64, f64), BenchError> {
        let put = self.ours(&self.workload("put/", Operation::Put, 4 * KIB, MANY)).await?;
        // As many as were put, so that both go on for about as long.
        let objects = put.requests;
        let workload = Workload { objects, ..self.workload("delete/", Operation::Delete, 4 * KIB, MANY) };
        let ours = self.ours(&workload).await?;
        Ok((ours.rate(), put.rate()))
    }

    fn workload(&self, prefix: &str, operation: Operation, size: u64, connections: usize) -> Workload {
        let stop = Stop::After(self.setup.duration);
        Workload { operation, size, connections, stop, objects: 0, prefix: prefix.to_owned() }
    }

    async fn bare(&self, answers: Answers, workload: &Workload) -> Result<Measurement, BenchError> {
        let server = BareServer::start(answers)?;
        let credentials = Credentials {
            access_key: "bare".to_owned(),
            secret_key: "bare".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let target = Target::new("bare", &server.endpoint(), "bench", credentials, PayloadSigning::Unsigned)?;
        without_errors(run(&target, workload).await?)
    }

    async fn ours(&self, workload: &Workload) -> Result<Measurement, BenchError> {
        prepare(&self.setup.store, workload).await?;
        self.measured(workload).await
    }

    async fn measured(&self, workload: &Workload) -> Result<Measurement, BenchError> {
        without_errors(run(&self.setup.store, workload).await?)
    }

    /// One request, whose object goes again.
    async fn once(&self, workload: &Workload) -> Result<Measurement, BenchError> {
        let workload = Workload { stop: Stop::Count(1), ..workload.clone() };
        let measured = self.ours(&workload).await?;
        clear(&self.setup.store, &workload.prefix).await?;
        Ok(measured)
    }
}

/// A file of 1 GiB, in the page cache as far as there is memory.
fn bare_file(path: &Path) -> std::io::Result<File> {
    let mut file = disk::create(path)?;
    let piece = vec![0x5a; MIB as usize];
    for _ in 0..GIB / MIB {
        file.write_all(&piece)?;
    }
    file.sync_data()?;
    Ok(file)
}

/// A number that counts failures is none.
fn without_errors(measurement: Measurement) -> Result<Measurement, BenchError> {
    match measurement.errors {
        0 => Ok(measurement),
        errors => Err(BenchError::Refused {
            what: format!("{} requests of {:?}", errors, measurement.name),
            status: 0,
            text: measurement.first_error.unwrap_or_default(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_round_is_judged() {
        let cases = [
            (vec![(4.0, 10.0), (1.0, 10.0), (9.0, 10.0)], 0.4, false, Verdict::Met, 0.4),
            (vec![(3.9, 10.0), (1.0, 10.0), (9.0, 10.0)], 0.4, false, Verdict::Missed, 0.39),
            (vec![(1.5, 1.0)], 1.6, true, Verdict::Met, 1.5),
            (vec![(1.7, 1.0)], 1.6, true, Verdict::Missed, 1.7),
        ];
        for (rounds, target, at_most, verdict, ratio) in cases {
            let outcome = judge("x", "req/s", target, at_most, Ok(rounds));
            assert_eq!(outcome.verdict, verdict);
            assert!((outcome.ratio - ratio).abs() < 1e-9);
        }
        let failed = judge("x", "req/s", 1.0, false, Err(BenchError::Engine("gone".to_owned())));
        assert_eq!((failed.verdict, failed.error.is_some()), (Verdict::Failed, true));
    }
}
