//! Measures durable commits per second, beside a bare log that does the same appends with a shared sync.
//!
//! `cargo run --release -p storage-embedded --example commit_rate -- [DIRECTORY] [SECONDS] [OBJECTS]`
//!
//! One operation is a batch as a PUT makes it: one expectation, a record of 350 bytes under a key of 76, a counter, and
//! a body of 4 KiB where the column says so. The bare log takes the same bytes from as many threads; one of them
//! writes and syncs for all that wait.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use storage::{Batch, Blobs, Bounded, Expect, Metadata, NewBlob, Space};
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, OsEntropy};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const RECORD_BYTES: usize = 350;
const KEY_BYTES: usize = 76;
const BODY_BYTES: usize = 4096;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(|| PathBuf::from("commit-rate-data"), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(3), |seconds| seconds.parse())?;
    let objects = arguments.next().map_or(Ok(100_000), |objects| objects.parse())?;
    let duration = Duration::from_secs(seconds);
    println!("writers  body  engine/s  p50 ms  p99 ms  bare log/s  share");
    for body in [0, BODY_BYTES] {
        for writers in [1, 16, 64] {
            let (rate, p50, p99) = measure_engine(&directory, writers, body, duration).await?;
            let bare = measure_bare_log(&directory, writers, body, duration)?;
            let share = 100.0 * rate / bare;
            println!("{writers:7}  {body:4}  {rate:8.0}  {p50:6.2}  {p99:6.2}  {bare:10.0}  {share:4.0}%");
        }
    }
    measure_reads(&directory, objects).await?;
    Ok(())
}

async fn measure_engine(
    directory: &Path,
    writers: usize,
    body: usize,
    duration: Duration,
) -> Result<(f64, f64, f64), Failure> {
    let path = directory.join(format!("engine-{writers}-{body}"));
    let store = EmbeddedStore::open_directory(&path, Options::default(), &OsEntropy)?;
    let started = Instant::now();
    let tasks: Vec<_> =
        (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&store), writer, body, started + duration))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = started.elapsed();
    store.close().await?;
    drop(store);
    std::fs::remove_dir_all(&path)?;
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or(0) as f64 / 1000.0;
    Ok((latencies.len() as f64 / elapsed.as_secs_f64(), at(50), at(99)))
}

/// Commits until `end`; answers the latencies in microseconds.
async fn write(store: Arc<EmbeddedStore>, writer: usize, body: usize, end: Instant) -> Result<Vec<u64>, Failure> {
    let mut latencies = Vec::new();
    let record = Bytes::from(vec![b'r'; RECORD_BYTES]);
    let body = Bytes::from(vec![b'b'; body]);
    let mut number = 0_u64;
    while Instant::now() < end {
        let begun = Instant::now();
        let (group, batch) = batch(writer, number, &record, &body);
        store.commit(Space(1), &group, batch).await?;
        latencies.push(u64::try_from(begun.elapsed().as_micros())?);
        number += 1;
    }
    Ok(latencies)
}

fn batch(writer: usize, number: u64, record: &Bytes, body: &Bytes) -> (Vec<u8>, Batch) {
    let mut key = format!("o/{writer:04}/{number:016}/").into_bytes();
    let group = key.clone();
    key.resize(KEY_BYTES, b'k');
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    id[8..].copy_from_slice(&(writer as u64).to_le_bytes());
    let keep = if body.is_empty() { Vec::new() } else { vec![NewBlob::Inline(BlobId(id), body.clone())] };
    let count = vec![Bounded { name: b"bytes".to_vec(), delta: 1, at_most: None }];
    let expect = vec![Expect::Absent(key.clone())];
    (group, Batch { expect, put: vec![(key, record.clone())], keep, count, ..Batch::default() })
}

/// A log without anything behind it.
struct BareLog {
    file: File,
    state: Mutex<BareState>,
    synced: Condvar,
}

#[derive(Default)]
struct BareState {
    waiting: Vec<u8>,
    /// Groups that were begun and that are durable.
    begun: u64,
    durable: u64,
    writing: bool,
    end: u64,
}

impl BareLog {
    fn append(&self, bytes: &[u8]) -> Result<(), Failure> {
        let lock = || self.state.lock().map_err(|error| error.to_string());
        let mut state = lock()?;
        state.waiting.extend_from_slice(bytes);
        let mine = state.begun + 1;
        while state.durable < mine {
            if state.writing {
                state = self.synced.wait(state).map_err(|error| error.to_string())?;
                continue;
            }
            state.writing = true;
            state.begun += 1;
            let group = std::mem::take(&mut state.waiting);
            let at = state.end;
            state.end += group.len() as u64;
            drop(state);
            self.file.write_all_at(&group, at)?;
            self.file.sync_data()?;
            state = lock()?;
            state.writing = false;
            state.durable = state.begun;
            self.synced.notify_all();
        }
        Ok(())
    }
}

fn measure_bare_log(directory: &Path, writers: usize, body: usize, duration: Duration) -> Result<f64, Failure> {
    let path = directory.join("bare");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 4 << 30)?;
    file.sync_all()?;
    let log = Arc::new(BareLog { file, state: Mutex::default(), synced: Condvar::new() });
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let threads: Vec<_> = (0..writers)
        .map(|_| {
            let (log, stop, count) = (Arc::clone(&log), Arc::clone(&stop), Arc::clone(&count));
            std::thread::spawn(move || -> Result<(), Failure> {
                let bytes = vec![7; RECORD_BYTES + KEY_BYTES + body];
                while !stop.load(Ordering::Relaxed) {
                    log.append(&bytes)?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    std::thread::sleep(duration);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    let rate = count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// Reads of what the page cache has, one task, and pages of 1,000 keys.
async fn measure_reads(directory: &Path, objects: u64) -> Result<(), Failure> {
    let path = directory.join("reads");
    let store = EmbeddedStore::open_directory(&path, Options::default(), &OsEntropy)?;
    let (record, body) = (Bytes::from(vec![b'r'; RECORD_BYTES]), Bytes::from(vec![b'b'; BODY_BYTES]));
    let tasks: Vec<_> = (0..64)
        .map(|writer| {
            let (store, record, body) = (Arc::clone(&store), record.clone(), body.clone());
            tokio::spawn(async move {
                for number in 0..objects / 64 {
                    let (group, batch) = batch(writer, number, &record, &body);
                    store.commit(Space(1), &group, batch).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let mut store = Some(store);
    for how in ["without its last flush, as after a crash", "after an orderly close"] {
        if how.starts_with("after")
            && let Some(store) = &store
        {
            store.close().await?;
        }
        drop(store.take());
        let started = Instant::now();
        store = Some(EmbeddedStore::open_directory(&path, Options::default(), &OsEntropy)?);
        println!("open with {objects} objects {how}: {:.0} ms", started.elapsed().as_secs_f64() * 1000.0);
    }
    let store = store.ok_or("a store is open")?;
    let blobs = store.list(None, 1000).await?;
    let page = store.scan(Space(1), b"", None, 1000).await?;
    let (rounds, started) = (20, Instant::now());
    for _ in 0..rounds {
        for (key, _) in &page {
            store.get(Space(1), key).await?;
        }
    }
    println!("get: {:.0}/s", (rounds * page.len()) as f64 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    for _ in 0..rounds {
        for blob in &blobs {
            store.read(blob.id, 0..blob.length).await?.collect().await?;
        }
    }
    println!("read 4 KiB: {:.0}/s", (rounds * blobs.len()) as f64 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    for _ in 0..rounds {
        store.scan(Space(1), b"", None, 1000).await?;
    }
    println!("scan 1000 keys: {:.2} ms", started.elapsed().as_secs_f64() * 1000.0 / rounds as f64);
    drop(store);
    std::fs::remove_dir_all(&path)?;
    Ok(())
}
