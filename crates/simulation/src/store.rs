//! The store of a run: a disk that fails, an engine without threads on it, and what opens both again.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};

use objects::Objects;
use storage::{Blobs, Metadata};
use storage_embedded::disk::{Fault, MemoryDisk};
use storage_embedded::{EmbeddedStore, Options, Preparation, Steps};
use tempfile::TempDir;
use types::{ManualClock, SeededEntropy, Timestamp};

use crate::dice::Dice;

/// How often a future may be polled without an end before it counts as stuck.
const POLLS: usize = 20_000;
/// Where Linux has a file system in memory.
const IN_MEMORY: &str = "/dev/shm";
/// The moment at which a run begins.
const BEGINNING: Timestamp = Timestamp::from_secs(1_000_000_000);

/// How the index is written behind the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum IndexPace {
    /// It is flushed often, and segments are given back.
    Eager,
    /// It is flushed at rest only, which few stores come to, and nearly everything is replayed.
    Lazy,
}

/// What outlives a crash.
pub(crate) struct Place {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) options: Options,
    seed: u64,
    pace: IndexPace,
    indexes: TempDir,
    index: u64,
    /// Whether the log alone may no longer have everything.
    index_needed: Cell<bool>,
    openings: u64,
}

/// The store, open.
pub(crate) struct Store {
    pub(crate) engine: Arc<EmbeddedStore>,
    pub(crate) steps: Steps,
    pub(crate) objects: Objects,
}

impl Place {
    /// An empty disk, with an engine's limits so small that everything happens in a short run.
    pub(crate) fn new(seed: u64, dice: &Dice) -> Result<Self, String> {
        let pace = if dice.chance(65) { IndexPace::Eager } else { IndexPace::Lazy };
        let memtable_bytes = if pace == IndexPace::Eager { 4 << 10 } else { 64 << 20 };
        let preparation = if dice.chance(50) { Preparation::Zeroed } else { Preparation::Reserved };
        let options = Options {
            segment_bytes: 96 << 10,
            memtable_bytes,
            replay_bytes: memtable_bytes * 8,
            inline_bytes: 16 << 10,
            cache_bytes: 1 << 20,
            reserve_bytes: 64 << 10,
            preparation,
            ..Options::default()
        };
        Ok(Self {
            disk: MemoryDisk::new(),
            clock: Arc::new(ManualClock::new(BEGINNING)),
            options,
            seed,
            pace,
            indexes: index_directory().map_err(|error| format!("no directory for the index: {error}"))?,
            index: 0,
            index_needed: Cell::new(false),
            openings: 0,
        })
    }

    /// Opens the store on what is there.
    pub(crate) fn open(&mut self) -> Result<Store, String> {
        self.openings += 1;
        let entropy = Arc::new(SeededEntropy::new(self.seed.wrapping_mul(1000) + self.openings));
        let path = self.index_path();
        let disk = Arc::new(self.disk.clone());
        let opened = EmbeddedStore::open_stepped(disk, &path, self.options.clone(), &*entropy);
        let (engine, steps) = opened.map_err(|error| error.to_string())?;
        let metadata: Arc<dyn Metadata> = Arc::clone(&engine) as _;
        let blobs: Arc<dyn Blobs> = Arc::clone(&engine) as _;
        let objects = Objects::new(metadata, blobs, Arc::clone(&self.clock) as _, entropy);
        Ok(Store { engine, steps, objects })
    }

    fn index_path(&self) -> PathBuf {
        self.indexes.path().join(self.index.to_string())
    }

    /// The power fails: what was not synced is lost, kept or torn. Where the log has everything, the index may be lost.
    pub(crate) fn crash(&mut self, dice: &Dice) {
        self.disk = self.disk.crash(dice.number());
        if self.pace == IndexPace::Lazy && !self.index_needed.get() && dice.chance(40) {
            self.index += 1;
        }
    }

    /// The length of the log, where segments are given back.
    pub(crate) fn reclaimed_log_bytes(&self) -> Option<u64> {
        let files = self.disk.files("log/");
        (self.pace == IndexPace::Eager).then(|| files.iter().map(|(_, length)| length).sum())
    }

    /// The index's part in memory was set aside for a flush, by closing or at rest.
    pub(crate) fn sealed(&self) {
        self.index_needed.set(true);
    }

    /// No operation fails from now on.
    pub(crate) fn heal(&self) {
        for fault in [Fault::Write, Fault::Sync, Fault::Read, Fault::ShortRead, Fault::Allocate] {
            self.disk.fail(fault, 0);
        }
        self.disk.set_capacity(None);
    }
}

/// A directory for the files of the index: in memory, where there is such a file system, as they are written often and
/// outlive nothing.
fn index_directory() -> io::Result<TempDir> {
    TempDir::new_in(IN_MEMORY).or_else(|_| TempDir::new())
}

thread_local! {
    /// While this is held, the runtime's one thread for blocking work waits: work that a request asks for is never done
    /// before the request waits for it, so whether it waits does not depend on how quick a thread is.
    static GATE: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// Opens the gate for good, so that the runtime can end. Dropped before the runtime.
pub(crate) struct OpenAtEnd;

impl Drop for OpenAtEnd {
    fn drop(&mut self) {
        GATE.take();
    }
}

/// Lets tasks go on, does the blocking work that was asked for, and lets tasks go on that waited for it. It costs a
/// change of threads and back, so it is not called where nothing can be waiting.
pub(crate) async fn settle() {
    tokio::task::yield_now().await;
    let (done, wait) = channel::<()>();
    let (gate, opened) = channel::<()>();
    drop(tokio::task::spawn_blocking(move || drop(done)));
    drop(tokio::task::spawn_blocking(move || opened.recv()));
    drop(GATE.replace(Some(gate)));
    // What was asked before is done once this ends, with an error, as nothing is ever sent.
    let _ = wait.recv();
    tokio::task::yield_now().await;
}

/// Runs `future` to its end, doing the committer's work whenever it waits.
///
/// # Errors
/// Where it does not end.
pub(crate) async fn drive<T>(steps: &mut Steps, future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    for _ in 0..POLLS {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(value);
        }
        settle().await;
        steps.commit();
    }
    Err("a request does not end".to_owned())
}
