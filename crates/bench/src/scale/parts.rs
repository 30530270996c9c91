//! The first byte of an object of many parts.
//!
//! Its parts are copies of one object (UploadPartCopy), which a store may keep as names of the same bytes: so it needs
//! neither the disk nor the minutes that sending them would.

use std::time::Instant;

use http::Method;

use super::fill::make_bucket;
use super::{Finding, Setup, serve};
use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::histogram::Histogram;
use crate::multipart::Uploader;
use crate::target::Target;

/// The least that a part may have: S3 API reference, "Amazon S3 multipart upload limits".
const PART_BYTES: u64 = 5 << 20;
const PARALLEL_PARTS: usize = 8;
/// As fast, within what two measurements of the same may differ by.
const AS_FAST: f64 = 1.25;
const BUCKET: &str = "parts";

/// The median time to the first byte of an object of many parts against one of one part, from its start and of its
/// last byte.
pub(super) async fn measure(setup: &Setup, told: &impl Fn(&str)) -> Result<Vec<Finding>, BenchError> {
    let server = serve(setup).await?;
    let target = server.target(BUCKET)?;
    make_bucket(&mut Connection::new(&target), &target).await?;
    let source = key(0);
    if !exists(&target, &source).await? {
        let request = target.request(Method::PUT, &source, "", Content::new(PART_BYTES).body(), None)?;
        Connection::new(&target).send(request, Keep::Bytes).await?.checked("PUT of the part")?;
    }
    for parts in [1, setup.parts] {
        if !exists(&target, &key(parts)).await? {
            told(&format!("making {}: {} MiB in copies of one part", key(parts), (parts * PART_BYTES) >> 20));
            let mut uploader = Uploader::copying(&target, (&source, PART_BYTES), parts, PARALLEL_PARTS).await?;
            uploader.upload(&key(parts)).await?;
        }
    }
    let mut findings = Vec::new();
    for (name, place) in [("first", Place::Start), ("last", Place::End)] {
        let mut rounds = Vec::new();
        for _ in 0..setup.rounds.max(1) {
            let one = first_bytes(&target, 1, place, setup).await?;
            rounds.push((first_bytes(&target, setup.parts, place, setup).await?, one));
        }
        let name = format!("parts-{}-{name}-byte", setup.parts);
        findings.push(Finding::ratio(name, &rounds, "ms", AS_FAST));
    }
    server.stop().await?;
    Ok(findings)
}

/// Which byte is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The whole object, of which the first byte is waited for.
    Start,
    /// The last byte alone.
    End,
}

fn key(parts: u64) -> String {
    format!("object-of-{parts}-parts")
}

async fn exists(target: &Target, key: &str) -> Result<bool, BenchError> {
    let ask = target.request(Method::HEAD, key, "", Content::empty().body(), None)?;
    Ok(Connection::new(target).send(ask, Keep::Bytes).await?.status.is_success())
}

/// The median time to the first byte of the answer, in milliseconds.
async fn first_bytes(target: &Target, parts: u64, place: Place, setup: &Setup) -> Result<f64, BenchError> {
    let last = parts * PART_BYTES - 1;
    let range = (place == Place::End).then_some((last, last));
    let mut times = Histogram::default();
    let started = Instant::now();
    while started.elapsed() < setup.duration {
        let mut connection = Connection::new(target);
        connection.open().await?;
        let request = target.request(Method::GET, &key(parts), "", Content::empty().body(), range)?;
        let asked = Instant::now();
        connection.first_byte(request).await?;
        times.record(asked.elapsed());
    }
    Ok(times.quantile(0.5).as_secs_f64() * 1e3)
}
