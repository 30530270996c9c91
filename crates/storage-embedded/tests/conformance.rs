//! The engine keeps the contracts, in a real directory and on a disk in memory, with the usual options and with tiny
//! ones that make everything happen often: segments roll, memtables flush, segments are rewritten.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use storage::Engine;
use storage::conformance::{self, Subject};
use storage_embedded::disk::{Disk, MemoryDisk, RealDisk};
use storage_embedded::{EmbeddedStore, Options};
use tempfile::TempDir;
use types::SeededEntropy;

type MakeDisk = fn(&TempDir) -> Arc<dyn Disk>;

struct Embedded {
    options: Options,
    make_disk: MakeDisk,
    current: Mutex<Option<Opened>>,
}

struct Opened {
    dir: TempDir,
    disk: Arc<dyn Disk>,
    store: Arc<EmbeddedStore>,
}

impl Embedded {
    fn open_at(&self, dir: TempDir, disk: Arc<dyn Disk>) -> Engine {
        let index = dir.path().join("index");
        let entropy = SeededEntropy::new(1);
        let store = EmbeddedStore::open(Arc::clone(&disk), &index, self.options.clone(), &entropy).expect("it opens");
        let engine = Engine::new(Arc::clone(&store));
        *self.current.lock() = Some(Opened { dir, disk, store });
        engine
    }
}

#[async_trait]
impl Subject for Embedded {
    async fn open(&self) -> Engine {
        let dir = tempfile::tempdir().expect("there is room");
        let disk = (self.make_disk)(&dir);
        self.open_at(dir, disk)
    }

    async fn reopen(&self, engine: Engine) -> Engine {
        drop(engine);
        let opened = self.current.lock().take().expect("a store is open");
        opened.store.close().await.expect("it closes");
        let Opened { dir, disk, store } = opened;
        assert_eq!(Arc::strong_count(&store), 1, "nobody else has the store");
        drop(store);
        self.open_at(dir, disk)
    }
}

fn real(dir: &TempDir) -> Arc<dyn Disk> {
    Arc::new(RealDisk::new(dir.path()).expect("the directory is there"))
}

fn memory(_: &TempDir) -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::new())
}

fn tiny() -> Options {
    Options {
        segment_bytes: 64 << 10,
        memtable_bytes: 16 << 10,
        replay_bytes: 128 << 10,
        inline_bytes: 64 << 10,
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        ..Options::default()
    }
}

async fn check(options: Options, make_disk: MakeDisk) {
    conformance::run(&Embedded { options, make_disk, current: Mutex::new(None) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_directory_keeps_the_contracts() {
    check(Options { segment_bytes: 1 << 20, ..Options::default() }, real).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiny_segments_and_memtables_keep_the_contracts() {
    check(tiny(), real).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_in_memory_keeps_the_contracts() {
    check(tiny(), memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_with_restarts_agree_with_the_reference() {
    for seed in 100..130 {
        let subject = Embedded { options: tiny(), make_disk: memory, current: Mutex::new(None) };
        conformance::random::agrees_with_the_reference(&subject, seed, 150).await;
    }
}
