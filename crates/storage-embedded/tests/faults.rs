//! Failing devices, full ones, and flipped bits.

use std::sync::Arc;

use bytes::Bytes;
use storage::maintenance::{Maintenance as _, Progress};
use storage::{Batch, Blobs, CommitError, Expect, Metadata, NewBlob, Space, StorageError};
use storage_embedded::disk::{Fault, MemoryDisk};
use storage_embedded::{EmbeddedStore, OpenError, Options};
use tempfile::TempDir;
use types::{BlobId, SeededEntropy};

const SPACE: Space = Space(1);

struct Bench {
    dir: TempDir,
    disk: MemoryDisk,
    options: Options,
}

impl Bench {
    fn new() -> Self {
        let options =
            Options { segment_bytes: 256 << 10, reserve_bytes: 0, cache_bytes: 1 << 20, ..Options::default() };
        Self { dir: tempfile::tempdir().expect("there is room"), disk: MemoryDisk::new(), options }
    }

    fn open(&self) -> Result<Arc<EmbeddedStore>, OpenError> {
        let disk = Arc::new(self.disk.clone());
        EmbeddedStore::open(disk, &self.dir.path().join("index"), self.options.clone(), &SeededEntropy::new(1))
    }
}

fn put(key: &str, value: &str) -> Batch {
    Batch { put: vec![(key.as_bytes().to_vec(), Bytes::copy_from_slice(value.as_bytes()))], ..Batch::default() }
}

fn keep(number: u8, length: usize) -> Batch {
    let body = Bytes::from(vec![number; length]);
    Batch { keep: vec![NewBlob::Inline(BlobId([number; 16]), body)], ..put(&format!("k{number}"), "v") }
}

async fn commit(store: &EmbeddedStore, batch: Batch) -> Result<(), CommitError> {
    store.commit(SPACE, b"k", batch).await
}

#[tokio::test]
async fn a_failed_sync_ends_all_writes_and_hides_the_group() {
    for fault in [Fault::Sync, Fault::Write] {
        let bench = Bench::new();
        let store = bench.open().unwrap();
        commit(&store, put("k1", "before")).await.unwrap();
        bench.disk.fail(fault, 1);
        let outcome = commit(&store, put("k1", "lost")).await;
        assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
        assert_eq!(store.get(SPACE, b"k1").await.unwrap().unwrap(), "before");
        let outcome = commit(&store, put("k2", "late")).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::ReadOnly(_)))), "{outcome:?}");
        assert!(matches!(store.create(BlobId([1; 16]), None).await.err(), Some(StorageError::ReadOnly(_))));
        store.close().await.unwrap();
        drop(store);
        let store = bench.open().unwrap();
        commit(&store, put("k2", "after reopening")).await.unwrap();
    }
}

/// After a while such a writer commits on the thread that he is on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_who_is_alone_gets_the_same_answers() {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    for round in 0..100 {
        let value = round.to_string();
        commit(&store, put("k1", &value)).await.unwrap();
        assert_eq!(store.get(SPACE, b"k1").await.unwrap().unwrap(), value);
        let refused = Batch { expect: vec![Expect::Absent(b"k1".to_vec())], ..put("k1", "refused") };
        assert!(matches!(commit(&store, refused).await, Err(CommitError::Conflict { expectation: 0 })));
    }
    bench.disk.fail(Fault::Sync, 1);
    let outcome = commit(&store, put("k1", "lost")).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    assert_eq!(store.get(SPACE, b"k1").await.unwrap().unwrap(), "99");
    let outcome = commit(&store, put("k1", "late")).await;
    assert!(matches!(outcome, Err(CommitError::Storage(StorageError::ReadOnly(_)))), "{outcome:?}");
    store.close().await.unwrap();
    drop(store);
    let value = bench.open().unwrap().get(SPACE, b"k1").await.unwrap().unwrap();
    assert!(value == "99" || value == "lost", "{value:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_bodies_and_recovers_by_itself() {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    commit(&store, keep(1, 100)).await.unwrap();
    let used: u64 = bench.disk.files("").iter().map(|(_, length)| length).sum();
    bench.disk.set_capacity(Some(used + 1000));
    let mut refused = 0;
    for number in 2..40 {
        match commit(&store, keep(number, 30_000)).await {
            Ok(()) => {}
            Err(CommitError::Storage(StorageError::Full)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0);
    let outcome = store.create(BlobId([99; 16]), Some(1 << 20)).await.err();
    assert!(matches!(outcome, Some(StorageError::Full)), "{outcome:?}");
    assert!(store.read(BlobId([1; 16]), 0..100).await.is_ok(), "reads go on");
    bench.disk.set_capacity(None);
    let mut recovered = false;
    for _ in 0..100 {
        recovered = commit(&store, keep(50, 30_000)).await.is_ok();
        if recovered {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(recovered, "writes work again when room returns");
}

#[tokio::test]
async fn deletes_go_on_while_the_reserve_is_touched() {
    let mut bench = Bench::new();
    bench.options.reserve_bytes = 1 << 20;
    let store = bench.open().unwrap();
    commit(&store, keep(1, 100)).await.unwrap();
    let used: u64 = bench.disk.files("").iter().map(|(_, length)| length).sum();
    bench.disk.set_capacity(Some(used + (600 << 10)));
    let mut full = false;
    for number in 2..100 {
        full = matches!(commit(&store, keep(number, 10)).await, Err(CommitError::Storage(StorageError::Full)));
        if full {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(full, "bodies are refused");
    let delete = Batch { delete: vec![b"k1".to_vec()], retire: vec![BlobId([1; 16])], ..Batch::default() };
    commit(&store, delete).await.unwrap();
    assert_eq!(store.get(SPACE, b"k1").await.unwrap(), None);
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_is_damage_not_an_end() {
    // Many groups; a bit flipped in any but the last must be reported, wherever in the record it is.
    let bench = Bench::new();
    let store = bench.open().unwrap();
    for number in 0..20 {
        commit(&store, put(&format!("k{number}"), &"v".repeat(100))).await.unwrap();
    }
    drop(store);
    let (segment, length) = bench.disk.files("log/").into_iter().find(|(_, length)| *length > 0).unwrap();
    let end = length.min(3000);
    for offset in (64..end).step_by(97) {
        bench.disk.damage(&segment, offset, 0x10);
        std::fs::remove_dir_all(bench.dir.path().join("index")).unwrap();
        let outcome = bench.open().map(|_| ());
        // Padding between records is the only place where a flipped bit changes nothing.
        if let Ok(()) = outcome {
            let store = bench.open().unwrap();
            for number in 0..20 {
                assert!(store.get(SPACE, format!("k{number}").as_bytes()).await.unwrap().is_some(), "at {offset}");
            }
        } else {
            assert!(matches!(outcome, Err(OpenError::Damaged(_))), "at {offset}: {outcome:?}");
        }
        bench.disk.damage(&segment, offset, 0x10);
    }
    let store = bench.open().unwrap();
    assert!(store.get(SPACE, b"k19").await.unwrap().is_some());
}

/// Whatever goes through the whole log does it in pieces, so it takes no more memory where segments are long.
#[tokio::test]
async fn a_long_segment_is_read_in_pieces() {
    let mut bench = Bench::new();
    bench.options.segment_bytes = 32 << 20;
    let store = bench.open().unwrap();
    for number in 0..200 {
        commit(&store, keep(number, 60_000)).await.unwrap();
    }
    let progress = Progress::unpaced();
    let read = |what: &str| {
        let longest = bench.disk.longest_read();
        assert!((60_000..2 << 20).contains(&longest), "{what} read {longest} bytes at once");
    };
    let verified = store.verify(&progress).unwrap();
    assert!(verified.damages.count == 0 && verified.log_bytes > 200 * 60_000, "{verified:?}");
    read("the check");
    let backed_up = store.backup(&bench.dir.path().join("backup"), &progress).unwrap();
    assert_eq!((backed_up.damages.count, backed_up.copied_bytes > 200 * 60_000), (0, true), "{backed_up:?}");
    read("the backup");
    store.close().await.unwrap();
    drop(store);
    // The index is lost: everything is replayed.
    std::fs::remove_dir_all(bench.dir.path().join("index")).unwrap();
    bench.disk.longest_read();
    let store = bench.open().unwrap();
    read("the opening");
    for number in 0..200 {
        let body = store.read(BlobId([number; 16]), 0..60_000).await.unwrap().collect().await.unwrap();
        assert_eq!(body, vec![number; 60_000], "blob {number}");
    }
}

#[tokio::test]
async fn flipped_bits_in_bodies_are_never_handed_on() {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    commit(&store, keep(1, 5000)).await.unwrap();
    let id = BlobId([2; 16]);
    let mut writer = store.create(id, None).await.unwrap();
    writer.write(vec![2; 1 << 20].into()).await.unwrap();
    writer.finish().await.unwrap();
    commit(&store, Batch { keep: vec![NewBlob::Made(id)], ..Batch::default() }).await.unwrap();
    let (segment, _) = bench.disk.files("log/").into_iter().next().unwrap();
    bench.disk.damage(&segment, 3000, 1);
    let outcome = store.read(BlobId([1; 16]), 0..10).await;
    assert!(matches!(outcome, Err(StorageError::Damaged(_))), "{outcome:?}");
    let file = format!("blobs/02/{id}");
    for (offset, range) in [(0, 0..1), (700_000, 655_360..720_000), (700_000, 0..1 << 20), ((1 << 20) + 3, 0..1)] {
        bench.disk.damage(&file, offset, 0x80);
        let outcome = async { store.read(id, range.clone()).await?.collect().await }.await;
        assert!(matches!(outcome, Err(StorageError::Damaged(_))), "{offset}: {outcome:?}");
        bench.disk.damage(&file, offset, 0x80);
    }
    assert!(store.read(id, 0..1 << 20).await.unwrap().collect().await.is_ok());
}

#[tokio::test]
async fn dead_space_comes_back() {
    let mut bench = Bench::new();
    bench.options.memtable_bytes = 4 << 10;
    bench.options.replay_bytes = 64 << 10;
    let store = bench.open().unwrap();
    // Every tenth body stays, so segments are rewritten rather than only removed.
    for number in 0..=250 {
        commit(&store, keep(number, 20_000)).await.unwrap();
        if number % 10 != 0 {
            let retire = Batch { retire: vec![BlobId([number; 16])], ..Batch::default() };
            commit(&store, retire).await.unwrap();
        }
    }
    let mut log_bytes = 0;
    for round in 0..100 {
        log_bytes = bench.disk.files("log/").iter().map(|(_, length)| length).sum();
        if log_bytes < 26 * 20_000 * 2 + 3 * (256 << 10) {
            break;
        }
        // Small batches, so that the index's checkpoint moves.
        for _ in 0..10 {
            commit(&store, put("k", &format!("{round}").repeat(500))).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(log_bytes < 26 * 20_000 * 2 + 3 * (256 << 10), "the log has {log_bytes} bytes");
    for number in (0..=250).step_by(10) {
        let body = store.read(BlobId([number; 16]), 0..20_000).await.unwrap().collect().await.unwrap();
        assert_eq!(body, vec![number; 20_000], "blob {number} moved whole");
    }
    store.close().await.unwrap();
    drop(store);
    let store = bench.open().unwrap();
    for number in (0..=250).step_by(10) {
        assert!(store.read(BlobId([number; 16]), 0..20_000).await.is_ok(), "blob {number} after reopening");
    }
}

#[tokio::test]
async fn a_second_process_is_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open_directory(dir.path(), Options::default(), &SeededEntropy::new(1));
    let first = open().unwrap();
    assert!(matches!(open().err(), Some(OpenError::Locked)));
    drop(first);
    assert!(open().is_ok());
    std::fs::write(dir.path().join("format"), "commonhold-embedded 2\n").unwrap();
    assert!(matches!(open().err(), Some(OpenError::Format { .. })));
}
