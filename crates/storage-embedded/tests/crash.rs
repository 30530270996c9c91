//! Loss of power at every kind of moment: what was acknowledged is there, whole, and nothing is there by half.
//!
//! Writers commit batches that touch several keys, a counter and a blob each, on a disk that forgets, keeps or tears
//! what was not synced. The power fails at some operation of the disk; the store is opened on what is left, checked,
//! used again, and checked again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use storage::{Batch, Blobs, Bounded, Expect, Metadata, NewBlob, Space};
use storage_embedded::disk::MemoryDisk;
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, SeededEntropy};

const SPACE: Space = Space(3);
const WRITERS: usize = 4;
/// Batches of each writer in one life of the store.
const BATCHES: u64 = 30;

/// What one writer knows.
#[derive(Default)]
struct Progress {
    /// Batches that were acknowledged.
    done: AtomicU64,
    /// Batches that were begun.
    begun: AtomicU64,
}

fn options(memtable_bytes: u64) -> Options {
    Options {
        segment_bytes: 96 << 10,
        memtable_bytes,
        replay_bytes: memtable_bytes * 8,
        inline_bytes: 16 << 10,
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        ..Options::default()
    }
}

fn open(disk: &MemoryDisk, index: &Path, options: &Options) -> Arc<EmbeddedStore> {
    let opened = EmbeddedStore::open(Arc::new(disk.clone()), index, options.clone(), &SeededEntropy::new(5));
    opened.unwrap_or_else(|error| panic!("the store opens after a crash: {error}"))
}

fn blob_id(writer: usize, number: u64, life: u64) -> BlobId {
    let mut id = [writer as u8; 16];
    id[..8].copy_from_slice(&(number * 7919).to_le_bytes());
    id[8..12].copy_from_slice(&(life as u32).to_le_bytes());
    BlobId(id)
}

/// Small ones travel in the log, every third is a file.
fn body(writer: usize, number: u64) -> Bytes {
    let length = if number % 3 == 2 { 40_000 } else { 3_000 + number as usize };
    Bytes::from(vec![(writer as u64 * 31 + number) as u8; length])
}

/// Some blobs are never retired, so that segments become sparse and are rewritten.
fn stays(number: u64) -> bool {
    number.is_multiple_of(8)
}

fn value(number: u64, blob: BlobId) -> Bytes {
    format!("{number:08} {blob}").into()
}

fn parse(value: &[u8]) -> (u64, BlobId) {
    let text = std::str::from_utf8(value).expect("values are text");
    let (number, blob) = text.split_once(' ').expect("two words");
    (number.parse().expect("a number"), blob.parse().expect("a blob"))
}

/// Goes on from what is stored until the power fails or all is done.
async fn write(store: Arc<EmbeddedStore>, writer: usize, life: u64, progress: Arc<Progress>) {
    let group = format!("w{writer}/");
    let key = |name: &str| format!("{group}{name}").into_bytes();
    let Ok(current) = store.get(SPACE, &key("a")).await else { return };
    let mut last = current.map(|value| (parse(&value), value));
    let first = last.as_ref().map_or(0, |((number, _), _)| number + 1);
    for number in first..first + BATCHES {
        let (id, content) = (blob_id(writer, number, life), body(writer, number));
        progress.begun.store(number + 1, Ordering::SeqCst);
        let keep = if content.len() > 16 << 10 {
            let Ok(mut made) = store.create(id, Some(content.len() as u64)).await else { return };
            if made.write(content).await.is_err() || made.finish().await.is_err() {
                return;
            }
            NewBlob::Made(id)
        } else {
            NewBlob::Inline(id, content)
        };
        let stored = value(number, id);
        let batch = Batch {
            expect: vec![match &last {
                None => Expect::Absent(key("a")),
                Some((_, value)) => Expect::Value(key("a"), value.clone()),
            }],
            read_after: None,
            put: vec![
                (key("a"), stored.clone()),
                (key("b"), stored.clone()),
                (key(&format!("log/{number:08}")), stored.clone()),
            ],
            delete: vec![key(&format!("tick/{}", number.wrapping_sub(1)))],
            keep: vec![keep],
            retire: last.iter().filter(|((number, _), _)| !stays(*number)).map(|((_, blob), _)| *blob).collect(),
            count: vec![Bounded { name: b"batches".to_vec(), delta: 1, at_most: None }],
        };
        if store.commit(SPACE, group.as_bytes(), batch).await.is_err() {
            return;
        }
        progress.done.store(number + 1, Ordering::SeqCst);
        last = Some(((number, id), stored));
    }
}

async fn run_writers(store: &Arc<EmbeddedStore>, life: u64, progress: &[Arc<Progress>]) {
    let writers: Vec<_> = progress
        .iter()
        .enumerate()
        .map(|(writer, progress)| tokio::spawn(write(Arc::clone(store), writer, life, Arc::clone(progress))))
        .collect();
    for writer in writers {
        writer.await.expect("writers do not panic");
    }
}

/// Everything acknowledged is there, and each batch is there whole or not at all.
async fn check(store: &EmbeddedStore, progress: &[Arc<Progress>], place: &str) {
    let (mut total, mut kept) = (0, 0);
    for (writer, progress) in progress.iter().enumerate() {
        let key = |name: &str| format!("w{writer}/{name}").into_bytes();
        let a = store.get(SPACE, &key("a")).await.expect("it reads");
        assert_eq!(store.get(SPACE, &key("b")).await.expect("it reads"), a, "{place}: a batch is there by half");
        let count = a.as_ref().map_or(0, |value| parse(value).0 + 1);
        let (done, begun) = (progress.done.load(Ordering::SeqCst), progress.begun.load(Ordering::SeqCst));
        assert!((done..=begun).contains(&count), "{place}: writer {writer} has {count} of {done} to {begun}");
        progress.done.store(count, Ordering::SeqCst);
        progress.begun.store(count, Ordering::SeqCst);
        let log = store.scan(SPACE, &key("log/"), Some(&key("log0")), 1000).await.expect("it scans");
        assert_eq!(log.len() as u64, count, "{place}");
        total += count;
        for (_, value) in log {
            let (number, blob) = parse(&value);
            if number + 1 < count && !stays(number) {
                continue;
            }
            kept += 1;
            let expected = body(writer, number);
            let stream = store.read(blob, 0..expected.len() as u64).await;
            let content = stream.expect("a blob that a record names is there").collect().await.expect("it reads");
            assert!(content == expected, "{place}: blob {blob}");
        }
    }
    let counters = store.counters(&[b"batches".to_vec()]).await.expect("counters read");
    assert_eq!(counters, [total as i64], "{place}: the counter fits the batches");
    let listed = store.list(None, 1000).await.expect("it lists");
    assert_eq!(listed.len(), kept, "{place}: the blobs that records name, and no others");
}

/// What becomes of the index's directory in the crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum IndexFate {
    Kept,
    Lost,
}

/// Lives through three lives, the first of which ends at the given operation. Answers how many operations it had.
async fn live(crash_at: Option<u64>, seed: u64, memtable_bytes: u64, fate: IndexFate) -> u64 {
    let place = format!("crash at {crash_at:?} seed {seed} memtable {memtable_bytes} index {fate:?}");
    let dir = tempfile::tempdir().expect("there is room");
    let index = dir.path().join("index");
    let options = options(memtable_bytes);
    let progress: Vec<Arc<Progress>> = (0..WRITERS).map(|_| Arc::default()).collect();
    let mut disk = MemoryDisk::new();
    let mut store = open(&disk, &index, &options);
    let opened = disk.operations();
    if let Some(operation) = crash_at {
        disk.crash_at(opened + operation);
    }
    run_writers(&store, 0, &progress).await;
    let operations = disk.operations() - opened;
    for life in 1..=2 {
        disk.crash_at(0);
        // Its threads end, against a dead disk.
        drop(store);
        disk = disk.crash(seed + life);
        if fate == IndexFate::Lost {
            std::fs::remove_dir_all(&index).expect("the index goes");
        }
        store = open(&disk, &index, &options);
        check(&store, &progress, &format!("{place} life {life}")).await;
        disk.crash_at(disk.operations() + 20 + seed % 50);
        run_writers(&store, life, &progress).await;
    }
    operations
}

/// Crashes at operations spread over the whole life, so that each kind of moment is met.
async fn crash_everywhere(points: u64, memtable_bytes: u64, fate: IndexFate) {
    let operations = live(None, 1, memtable_bytes, fate).await;
    assert!(operations > 20, "the writers do something");
    for point in 0..points {
        live(Some(operations * point / points), point * 1000 + 7, memtable_bytes, fate).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_nothing_while_the_index_flushes_often() {
    crash_everywhere(40, 8 << 10, IndexFate::Kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_nothing_while_the_index_lags() {
    crash_everywhere(40, 8 << 20, IndexFate::Kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_index_is_rebuilt_from_the_log() {
    crash_everywhere(15, 8 << 20, IndexFate::Lost).await;
}
