//! Backups of a store that works, what comes back from them, and what a check finds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use storage::maintenance::{Maintenance, Progress};
use storage::{Batch, Blobs, Bounded, Metadata, NewBlob, Space, StorageError};
use storage_embedded::disk::MemoryDisk;
use storage_embedded::{EmbeddedStore, Options, RestoreError, restore};
use tempfile::TempDir;
use types::{BlobId, SeededEntropy};

const SPACE: Space = Space(7);
const LARGE: usize = 150_000;

struct Bench {
    dir: TempDir,
    disk: MemoryDisk,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("there is room"), disk: MemoryDisk::new() }
    }

    fn open(&self) -> Arc<EmbeddedStore> {
        let disk = Arc::new(self.disk.clone());
        EmbeddedStore::open(disk, &self.dir.path().join("index"), options(), &SeededEntropy::new(1)).expect("it opens")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 256 << 10,
        memtable_bytes: 16 << 10,
        replay_bytes: 128 << 10,
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        ..Options::default()
    }
}

fn id(number: u16, generation: u8) -> BlobId {
    let mut id = [generation; 16];
    id[..2].copy_from_slice(&number.wrapping_mul(40503).to_be_bytes());
    id[2..4].copy_from_slice(&number.to_be_bytes());
    BlobId(id)
}

fn body(number: u16, generation: u8) -> Vec<u8> {
    let length = if number.is_multiple_of(5) { LARGE } else { 3000 };
    vec![generation ^ number.to_le_bytes()[0]; length]
}

/// Writes generation `generation` of key `number`: a record that names its blob, and a counter of bytes.
async fn write(store: &EmbeddedStore, number: u16, generation: u8) {
    let (id_now, body_now) = (id(number, generation), body(number, generation));
    let keep = if body_now.len() > store.inline_limit() {
        let mut writer = store.create(id_now, None).await.expect("created");
        writer.write(body_now.clone().into()).await.expect("written");
        writer.finish().await.expect("finished");
        NewBlob::Made(id_now)
    } else {
        NewBlob::Inline(id_now, body_now.clone().into())
    };
    let key = format!("k{number:05}");
    let is_new = store.get(SPACE, key.as_bytes()).await.expect("read").is_none();
    let batch = Batch {
        put: vec![(key.clone().into_bytes(), Bytes::from(vec![generation]))],
        keep: vec![keep],
        retire: if is_new { vec![] } else { vec![id(number, generation - 1)] },
        count: vec![Bounded { name: b"writes".to_vec(), delta: 1, at_most: None }],
        ..Batch::default()
    };
    store.commit(SPACE, key.as_bytes(), batch).await.expect("committed");
}

/// Every key has the blob of its generation, whole; the counter is the number of writes. Answers the generations.
async fn whole(store: &EmbeddedStore) -> Vec<u8> {
    let mut generations = Vec::new();
    let pairs = store.scan(SPACE, b"", None, 1000).await.expect("scanned");
    for (key, value) in pairs {
        let number: u16 = std::str::from_utf8(&key[1..]).expect("text").parse().expect("a number");
        let expected = body(number, value[0]);
        let content = store.read(id(number, value[0]), 0..expected.len() as u64).await.expect("there");
        assert_eq!(content.collect().await.expect("verified"), expected, "key {number}");
        generations.push(value[0]);
    }
    let writes: i64 = generations.iter().map(|generation| i64::from(*generation)).sum();
    assert_eq!(store.counters(&[b"writes".to_vec()]).await.expect("read"), [writes]);
    generations
}

async fn restored(backup: &Path, to: &Path) -> Vec<u8> {
    let report = restore(backup, to, &Progress::unpaced()).expect("restored");
    assert_eq!(report.damages.count, 0, "{report:?}");
    let store = EmbeddedStore::open_directory(to, options(), &SeededEntropy::new(2)).expect("it opens");
    let generations = whole(&store).await;
    let verified = store.verify(&Progress::unpaced()).expect("verified");
    assert_eq!(verified.damages.listed, []);
    // It takes writes like any other.
    write(&store, 0, generations[0] + 1).await;
    store.close().await.expect("closed");
    generations
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_working_store_is_one_moment_and_the_next_copies_what_is_new() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 0..60 {
        write(&store, number, 1).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            let mut generation = 1;
            while !stop.load(Ordering::Relaxed) && generation < 200 {
                generation += 1;
                for number in 0..60 {
                    write(&store, number, generation).await;
                }
            }
        }
    });
    let backup = bench.path("backup");
    let mut last = 0;
    for round in 0..4 {
        let (of_task, directory) = (Arc::clone(&store), backup.clone());
        let made = tokio::task::spawn_blocking(move || {
            let verified = of_task.verify(&Progress::unpaced()).expect("looked");
            assert_eq!(verified.damages.listed, [], "a store that works is whole");
            of_task.backup(&directory, &Progress::unpaced())
        });
        let made = made.await.expect("no panic").expect("made");
        assert_eq!(made.damages.count, 0);
        assert!(made.sequence > last);
        last = made.sequence;
        let generations = restored(&backup, &bench.path(&format!("restored{round}"))).await;
        assert_eq!(generations.len(), 60);
        let newest = generations.iter().max().expect("some");
        assert!(generations.iter().all(|generation| generation + 1 >= *newest), "{generations:?}");
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("no panic");

    let still = Arc::clone(&store);
    let at_rest = tokio::task::spawn_blocking(move || {
        let progress = Progress::unpaced();
        // What the writer left to be reclaimed may move for a while.
        let mut made = still.backup(&backup, &progress).expect("made");
        for _ in 0..100 {
            let (expected, done) = progress.bytes();
            assert_eq!(expected, done, "the bar ends at its end");
            made = still.backup(&backup, &progress).expect("made");
            if made.copied_files == 1 && made.removed_files == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        made
    });
    let again = at_rest.await.expect("no panic");
    assert_eq!(again.copied_files, 1, "the index alone: {again:?}");
    assert_eq!((again.removed_files, again.reused_files >= 12), (0, true), "{again:?}");
}

#[tokio::test]
async fn directories_that_hold_something_else_are_left_alone() {
    let (bench, other) = (Bench::new(), Bench::new());
    let store = bench.open();
    write(&store, 0, 1).await;
    let disk = Arc::new(other.disk.clone());
    let stranger = EmbeddedStore::open(disk, &other.path("index"), options(), &SeededEntropy::new(9)).expect("opens");
    let backup = |store: &EmbeddedStore, name: &str| store.backup(&bench.path(name), &Progress::unpaced());
    backup(&store, "backup").expect("made");
    let refused = backup(&stranger, "backup").expect_err("another store's");
    assert!(refused.to_string().contains("another store"), "{refused}");
    std::fs::create_dir(bench.path("full")).expect("made");
    std::fs::write(bench.path("full/precious"), "data").expect("written");
    assert!(backup(&store, "full").is_err());
    let onto = restore(&bench.path("backup"), &bench.path("full"), &Progress::unpaced());
    assert!(matches!(onto, Err(RestoreError::Occupied)), "{onto:?}");
    let nothing = restore(&bench.path("full"), &bench.path("new"), &Progress::unpaced());
    assert!(matches!(nothing, Err(RestoreError::NoBackup)), "{nothing:?}");
    let stopped = Progress::unpaced();
    stopped.stop();
    assert!(store.backup(&bench.path("backup"), &stopped).is_err());
    restored(&bench.path("backup"), &bench.path("after-all")).await;
}

#[tokio::test]
async fn every_flipped_byte_of_a_backup_shows() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 0..12 {
        write(&store, number, 1).await;
    }
    store.backup(&bench.path("backup"), &Progress::unpaced()).expect("made");
    let mut files = Vec::new();
    find_files(&bench.path("backup"), &mut files);
    files.retain(|file| !file.ends_with("lock") && !file.ends_with("format"));
    assert!(files.len() >= 5, "{files:?}");
    for (round, file) in files.iter().enumerate() {
        let whole = std::fs::read(file).expect("read");
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            std::fs::write(file, &flipped).expect("written");
            let to = bench.path(&format!("r{round}-{at}"));
            match restore(&bench.path("backup"), &to, &Progress::unpaced()) {
                Err(RestoreError::Damaged(_)) => assert!(!to.join("format").exists(), "it is no store"),
                Ok(report) => assert_eq!(report.damages.count, 1, "{} at {at}", file.display()),
                Err(other) => panic!("{} at {at}: {other}", file.display()),
            }
        }
        std::fs::write(file, &whole).expect("written");
    }
    restored(&bench.path("backup"), &bench.path("last")).await;
}

fn find_files(directory: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("listed") {
        let path = entry.expect("listed").path();
        if path.is_dir() { find_files(&path, into) } else { into.push(path) }
    }
}

#[tokio::test]
async fn a_check_finds_what_was_damaged_and_a_backup_keeps_the_rest() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 0..12 {
        write(&store, number, 1).await;
    }
    let verify = || store.verify(&Progress::unpaced()).expect("looked");
    let clean = verify();
    assert_eq!((clean.damages.count, clean.blobs, clean.orphans), (0, 12, 0), "{clean:?}");
    let large = id(5, 1);
    let file = format!("blobs/{:02x}/{large}", large.0[0]);
    let length = bench.disk.files(&file)[0].1;
    // The table of checksums and the footer; the content is a scrub's.
    for offset in [length - 1, length - 64, length - 65, LARGE as u64] {
        bench.disk.damage(&file, offset, 1);
        let found = verify().damages;
        assert_eq!((found.count, found.listed[0].blob), (1, Some(large)), "{found:?}");
        bench.disk.damage(&file, offset, 1);
    }
    bench.disk.damage(&file, 70_000, 1);
    assert_eq!(verify().damages.count, 0);
    let made = store.backup(&bench.path("backup"), &Progress::unpaced()).expect("made");
    assert_eq!((made.damages.count, made.damages.listed[0].blob), (1, Some(large)), "{made:?}");
    let partly = restore(&bench.path("backup"), &bench.path("partly"), &Progress::unpaced()).expect("the rest");
    assert_eq!((partly.damages.count, partly.damages.listed[0].blob), (1, Some(large)), "{partly:?}");
    bench.disk.damage(&file, 70_000, 1);

    let (segment, used) = bench.disk.files("log/").into_iter().next().expect("one");
    for offset in [3, 70, used / 2 / 8 * 8 + 1] {
        bench.disk.damage(&segment, offset.min(5000), 1);
        let found = verify().damages;
        assert!(found.count >= 1, "{offset}: {found:?}");
        bench.disk.damage(&segment, offset.min(5000), 1);
    }
    assert_eq!(verify().damages.count, 0);
    let outcome = store.read(BlobId([0xee; 16]), 0..0).await.err();
    assert!(matches!(outcome, Some(StorageError::NoSuchBlob(_))));
}
