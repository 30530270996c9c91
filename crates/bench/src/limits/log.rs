//! An append-only file whose writers share their syncs, and nothing else: no index, no checksums, no names.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::disk::create;
use crate::error::BenchError;
use crate::measurement::{Measurement, Tally};

/// What a writer appends: a body of 4 KiB and what a record takes beside it.
pub const APPEND_BYTES: usize = 4096 + 256;
const NAME: &str = "bench-log";

/// Appends by `writers` at a time for `duration`; each waits until its bytes are synced before it appends again.
///
/// # Errors
/// The device's.
pub async fn appends(folder: &Path, writers: usize, duration: Duration) -> Result<Measurement, BenchError> {
    fs::create_dir_all(folder).map_err(BenchError::io(format!("folder {}", folder.display())))?;
    let path = folder.join(NAME);
    let file = create(&path).map_err(BenchError::io("log"))?;
    let name = format!("log, {writers} writers");
    let result = if writers <= 1 {
        let alone = tokio::task::spawn_blocking(move || alone(file, duration)).await?;
        alone.map(|(tally, took)| tally.into_measurement(name, took))
    } else {
        let (queue, waiting) = channel();
        let committer = tokio::task::spawn_blocking(move || commit(file, &waiting));
        let start = Instant::now();
        let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(queue.clone(), start, duration))).collect();
        drop(queue);
        let mut tally = Tally::default();
        for task in tasks {
            tally.merge(task.await?);
        }
        let took = start.elapsed();
        committer.await?.map(|()| tally.into_measurement(name, took))
    };
    fs::remove_file(&path).map_err(BenchError::io("log"))?;
    result.map_err(BenchError::io("log"))
}

/// One writer needs nobody to share with.
fn alone(mut file: File, duration: Duration) -> std::io::Result<(Tally, Duration)> {
    let record = vec![0x5a; APPEND_BYTES];
    let (mut tally, start) = (Tally::default(), Instant::now());
    while start.elapsed() < duration {
        let begun = Instant::now();
        file.write_all(&record)?;
        file.sync_data()?;
        tally.answered(begun.elapsed(), APPEND_BYTES as u64);
    }
    Ok((tally, start.elapsed()))
}

type Append = (Vec<u8>, oneshot::Sender<()>);

async fn write(queue: Sender<Append>, start: Instant, duration: Duration) -> Tally {
    let mut tally = Tally::default();
    while start.elapsed() < duration {
        let begun = Instant::now();
        let (done, synced) = oneshot::channel();
        if queue.send((vec![0x5a; APPEND_BYTES], done)).is_err() || synced.await.is_err() {
            tally.failed("the log failed");
            break;
        }
        tally.answered(begun.elapsed(), APPEND_BYTES as u64);
    }
    tally
}

/// Writes whatever waits with one write and one sync.
fn commit(mut file: File, waiting: &Receiver<Append>) -> std::io::Result<()> {
    let (mut bytes, mut answers) = (Vec::new(), Vec::new());
    while let Ok(first) = waiting.recv() {
        for (record, answer) in std::iter::once(first).chain(waiting.try_iter()) {
            bytes.extend_from_slice(&record);
            answers.push(answer);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        bytes.clear();
        for answer in answers.drain(..) {
            // A writer that is gone needs no answer.
            let _ = answer.send(());
        }
    }
    Ok(())
}
