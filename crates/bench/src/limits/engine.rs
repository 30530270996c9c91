//! The engine's own writes, without HTTP, signatures or S3.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use storage::{Batch, Engine, NewBlob, Space};
use types::{BlobId, Entropy as _, OsEntropy};

use crate::error::BenchError;
use crate::measurement::{Measurement, Tally};

/// The space that is written to. Far from those that buckets get.
const SPACE: Space = Space(u64::MAX - 1);
/// The body that travels with each commit.
const BODY_BYTES: usize = 4096;
/// What an object's head record takes.
const RECORD_BYTES: usize = 200;

/// Durable commits of a record with a body of 4 KiB, by `writers` at a time for `duration`.
///
/// # Errors
/// The engine's.
pub async fn commits(engine: &Engine, writers: usize, duration: Duration) -> Result<Measurement, BenchError> {
    let run = OsEntropy.next_u64();
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| tokio::spawn(write(engine.clone(), Arc::from(format!("{run:016x}/{writer}/")), start, duration)))
        .collect();
    let mut tally = Tally::default();
    for task in tasks {
        tally.merge(task.await??);
    }
    Ok(tally.into_measurement(format!("engine, {writers} writers"), start.elapsed()))
}

async fn write(engine: Engine, prefix: Arc<str>, start: Instant, duration: Duration) -> Result<Tally, BenchError> {
    let body = Bytes::from(vec![0x5a; BODY_BYTES]);
    let record = Bytes::from(vec![0xa5; RECORD_BYTES]);
    let (mut tally, mut number) = (Tally::default(), 0u64);
    while start.elapsed() < duration {
        let begun = Instant::now();
        let mut id = BlobId([0; 16]);
        OsEntropy.fill(&mut id.0);
        let key = format!("{prefix}{number:012}").into_bytes();
        let batch = Batch {
            put: vec![(key.clone(), record.clone())],
            keep: vec![NewBlob::Inline(id, body.clone())],
            ..Batch::default()
        };
        engine.metadata.commit(SPACE, &key, batch).await?;
        number += 1;
        tally.answered(begun.elapsed(), BODY_BYTES as u64);
    }
    Ok(tally)
}
