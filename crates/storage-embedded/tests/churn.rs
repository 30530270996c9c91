//! Readers while everything changes under them: memtables flush, tables compact, segments are rewritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use storage::{Batch, Blobs, Metadata, NewBlob, Space};
use storage_embedded::disk::MemoryDisk;
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, SeededEntropy};

const SPACE: Space = Space(1);
const STABLE: usize = 3000;
const ROUNDS: u64 = 400;

fn options() -> Options {
    Options {
        segment_bytes: 256 << 10,
        memtable_bytes: 48 << 10,
        replay_bytes: 512 << 10,
        cache_bytes: 256 << 10,
        reserve_bytes: 0,
        ..Options::default()
    }
}

fn blob_id(writer: u64, round: u64) -> BlobId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&round.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    id[8..].copy_from_slice(&writer.to_le_bytes());
    BlobId(id)
}

fn body(writer: u64, round: u64) -> Bytes {
    vec![(writer * 41 + round) as u8; 2000 + round as usize % 500].into()
}

/// Overwrites one record with a new body each round, and puts and deletes keys between the stable ones.
async fn write(store: Arc<EmbeddedStore>, writer: u64) {
    for round in 0..ROUNDS {
        let group = format!("k{:05}", (writer * 977 + round * 31) as usize % STABLE);
        let passing = format!("{group}/passing/{writer}").into_bytes();
        let batch = if round % 2 == 0 {
            Batch { put: vec![(passing, Bytes::from(vec![b'p'; 200]))], ..Batch::default() }
        } else {
            Batch { delete: vec![passing], ..Batch::default() }
        };
        store.commit(SPACE, group.as_bytes(), batch).await.expect("commit works");
        let group = format!("own/{writer}/");
        let batch = Batch {
            put: vec![(format!("{group}current").into_bytes(), Bytes::from(round.to_string()))],
            keep: vec![NewBlob::Inline(blob_id(writer, round), body(writer, round))],
            retire: round.checked_sub(1).map(|before| blob_id(writer, before)).into_iter().collect(),
            ..Batch::default()
        };
        store.commit(SPACE, group.as_bytes(), batch).await.expect("commit works");
    }
}

/// Pages through everything; each stable key must be there exactly once, in order.
async fn scan(store: Arc<EmbeddedStore>, done: Arc<AtomicBool>, page: usize) -> u64 {
    let mut rounds = 0;
    while !done.load(Ordering::SeqCst) || rounds == 0 {
        let mut from = b"k".to_vec();
        let mut stable = 0;
        let mut last = Vec::new();
        loop {
            let found = store.scan(SPACE, &from, Some(b"l"), page).await.expect("scan works");
            for (key, _) in &found {
                assert!(*key > last, "keys come in order and once");
                last = key.to_vec();
                if !key.windows(7).any(|part| part == b"passing") {
                    assert_eq!(key.as_ref(), format!("k{stable:05}").as_bytes(), "no stable key is lost");
                    stable += 1;
                }
            }
            if found.len() < page {
                break;
            }
            from.clone_from(&last);
            from.push(0);
        }
        assert_eq!(stable, STABLE);
        rounds += 1;
        tokio::task::yield_now().await;
    }
    rounds
}

/// Pins, reads a record, reads the blob that it names.
async fn read(store: Arc<EmbeddedStore>, done: Arc<AtomicBool>, writer: u64, reads: Arc<AtomicU64>) {
    let key = format!("own/{writer}/current");
    while !done.load(Ordering::SeqCst) {
        let pin = store.pin();
        if let Some(value) = store.get(SPACE, key.as_bytes()).await.expect("get works") {
            let round: u64 = std::str::from_utf8(&value).expect("text").parse().expect("a number");
            tokio::task::yield_now().await;
            let expected = body(writer, round);
            let stream = store.read(blob_id(writer, round), 0..expected.len() as u64).await;
            let content = stream.expect("a pinned blob is there").collect().await.expect("it reads");
            assert!(content == expected, "writer {writer} round {round}");
            reads.fetch_add(1, Ordering::SeqCst);
        }
        drop(pin);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn readers_see_whole_moments_while_everything_moves() {
    let dir = tempfile::tempdir().expect("there is room");
    let disk = MemoryDisk::new();
    let open = || {
        let index = dir.path().join("index");
        EmbeddedStore::open(Arc::new(disk.clone()), &index, options(), &SeededEntropy::new(1)).expect("it opens")
    };
    let store = open();
    for number in 0..STABLE {
        let key = format!("k{number:05}");
        let batch = Batch { put: vec![(key.as_bytes().to_vec(), Bytes::from(vec![b's'; 100]))], ..Batch::default() };
        store.commit(SPACE, key.as_bytes(), batch).await.expect("commit works");
    }
    let first_segment = disk.files("log/").into_iter().map(|(name, _)| name).min().expect("there is a log");
    let (done, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let scanners: Vec<_> =
        [97, 1000].map(|page| tokio::spawn(scan(Arc::clone(&store), Arc::clone(&done), page))).into_iter().collect();
    let readers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(read(Arc::clone(&store), Arc::clone(&done), writer, Arc::clone(&reads))))
        .collect();
    let writers: Vec<_> = (0..8).map(|writer| tokio::spawn(write(Arc::clone(&store), writer))).collect();
    for writer in writers {
        writer.await.expect("writers do not panic");
    }
    done.store(true, Ordering::SeqCst);
    for scanner in scanners {
        assert!(scanner.await.expect("scanners do not panic") > 0);
    }
    for reader in readers {
        reader.await.expect("readers do not panic");
    }
    assert!(reads.load(Ordering::SeqCst) > 100, "readers read");
    let oldest = disk.files("log/").into_iter().map(|(name, _)| name).min();
    assert!(oldest.is_some_and(|oldest| oldest > first_segment), "segments were given back meanwhile");
    let tables = std::fs::read_dir(dir.path().join("index/tables")).expect("there are tables");
    let numbers = tables.map(|table| table.expect("it reads").file_name().to_string_lossy().parse::<usize>());
    let numbers: Vec<_> = numbers.map(|number| number.expect("tables have numbers")).collect();
    let made = numbers.iter().max().map_or(0, |last| last + 1);
    assert!(made > numbers.len() + 4, "tables were flushed and merged meanwhile");
    store.close().await.expect("it closes");
    drop(store);
    scan(open(), Arc::new(AtomicBool::new(true)), 500).await;
}
