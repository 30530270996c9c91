//! Reads while a hundred thousand objects are deleted.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Method, Request};
use types::{Entropy as _, Md5, SeededEntropy};

use super::fill::{Filling, fill, refill};
use super::{Finding, Setup, serve};
use crate::body::{Content, UploadBody};
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::measurement::{Measurement, Tally};
use crate::target::Target;

/// What is deleted.
const DELETED: Filling = Filling::of(100_000);
/// The most that the quiet p99 may grow by.
const AT_MOST: f64 = 2.0;
/// Connections of the readers: some, as of a machine with work to do, and many, as of one that has no time left.
const READERS: [usize; 2] = [8, 64];

/// How objects are deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deletion {
    /// A thousand with a request, as `aws s3 rm --recursive` and every SDK.
    Thousands,
    /// One with a request.
    Singles,
}

impl Deletion {
    const fn name(self) -> &'static str {
        match self {
            Self::Thousands => "thousands",
            Self::Singles => "singles",
        }
    }

    /// Connections that delete.
    const fn connections(self) -> u64 {
        match self {
            Self::Thousands => 4,
            Self::Singles => 8,
        }
    }

    /// Objects of a request.
    const fn step(self) -> u64 {
        match self {
            Self::Thousands => 1000,
            Self::Singles => 1,
        }
    }
}

/// The p99 of reads beside deletes against that of reads alone.
pub(super) async fn measure(setup: &Setup, told: &impl Fn(&str)) -> Result<Vec<Finding>, BenchError> {
    let server = serve(setup).await?;
    let filling = Filling::of(setup.objects);
    let target = fill(&server, filling, told).await?;
    let mut findings = Vec::new();
    for readers in READERS {
        for deletion in [Deletion::Thousands, Deletion::Singles] {
            let name = format!("deletes-{}-p99-of-{readers}-readers", deletion.name());
            if !setup.asks_for(&name) {
                continue;
            }
            let mut rounds = Vec::new();
            let mut deleting = String::new();
            for _ in 0..setup.rounds.max(1) {
                let doomed = refill(&server, DELETED).await?;
                let (quiet, ()) = reads_beside(&target, filling, readers, rest(setup.duration)).await?;
                let deletes = delete_all(&doomed, deletion);
                let started = Instant::now();
                let (beside, ()) = reads_beside(&target, filling, readers, deletes).await?;
                let _ = write!(deleting, " {:.1} s", started.elapsed().as_secs_f64());
                rounds.push((beside.latency.p99_ms, quiet.latency.p99_ms));
            }
            let mut finding = Finding::ratio(name, &rounds, "ms", AT_MOST);
            let _ = write!(finding.note, "; {} deletes took{deleting}", DELETED.keys);
            findings.push(finding);
        }
    }
    server.stop().await?;
    Ok(findings)
}

/// Reads random objects over `readers` connections until `work` is done.
async fn reads_beside<T>(
    target: &Target,
    filling: Filling,
    readers: usize,
    work: impl Future<Output = Result<T, BenchError>>,
) -> Result<(Measurement, T), BenchError> {
    let done = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let tasks: Vec<_> = (0..readers)
        .map(|number| {
            tokio::spawn(read_until(target.clone(), filling, SeededEntropy::new(number as u64), Arc::clone(&done)))
        })
        .collect();
    let result = work.await;
    done.store(true, Ordering::Relaxed);
    let mut tally = Tally::default();
    for task in tasks {
        tally.merge(task.await??);
    }
    Ok((tally.into_measurement("reads".to_owned(), started.elapsed()), result?))
}

async fn rest(duration: Duration) -> Result<(), BenchError> {
    tokio::time::sleep(duration).await;
    Ok(())
}

async fn read_until(
    target: Target,
    filling: Filling,
    randomness: SeededEntropy,
    done: Arc<AtomicBool>,
) -> Result<Tally, BenchError> {
    let mut connection = Connection::new(&target);
    connection.open().await?;
    let mut tally = Tally::default();
    while !done.load(Ordering::Relaxed) {
        let key = filling.key(randomness.next_u64() % filling.keys);
        let request = target.request(Method::GET, &key, "", Content::empty().body(), None)?;
        let asked = Instant::now();
        let answer = connection.send(request, Keep::Length).await?.checked("GET")?;
        tally.answered(asked.elapsed(), answer.bytes);
    }
    Ok(tally)
}

async fn delete_all(target: &Target, deletion: Deletion) -> Result<(), BenchError> {
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..deletion.connections())
        .map(|_| tokio::spawn(delete_some(target.clone(), deletion, Arc::clone(&next))))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn delete_some(target: Target, deletion: Deletion, next: Arc<AtomicU64>) -> Result<(), BenchError> {
    let mut connection = Connection::new(&target);
    loop {
        let first = next.fetch_add(deletion.step(), Ordering::Relaxed);
        if first >= DELETED.keys {
            return Ok(());
        }
        let request = match deletion {
            Deletion::Singles => {
                target.request(Method::DELETE, &DELETED.key(first), "", Content::empty().body(), None)?
            }
            Deletion::Thousands => delete_objects(&target, first, DELETED.keys.min(first + deletion.step()))?,
        };
        let answer = connection.send(request, Keep::Bytes).await?.checked("deletion")?;
        if String::from_utf8_lossy(&answer.kept).contains("<Error>") {
            let text = String::from_utf8_lossy(&answer.kept).chars().take(300).collect();
            return Err(BenchError::Refused { what: "DeleteObjects".to_owned(), status: 200, text });
        }
    }
}

/// A request that deletes the keys of these numbers.
fn delete_objects(target: &Target, first: u64, end: u64) -> Result<Request<UploadBody>, BenchError> {
    let keys = (first..end).map(|number| format!("<Object><Key>{}</Key></Object>", DELETED.key(number)));
    let document = format!("<Delete><Quiet>true</Quiet>{}</Delete>", keys.collect::<String>());
    // S3 takes no such document without its digest: S3 API reference, DeleteObjects.
    let digest = BASE64.encode(Md5::of(document.as_bytes()));
    let mut request =
        target.request(Method::POST, "", "delete=", Content::whole(Bytes::from(document)).body(), None)?;
    request.headers_mut().insert("content-md5", digest.try_into().map_err(http::Error::from)?);
    Ok(request)
}
