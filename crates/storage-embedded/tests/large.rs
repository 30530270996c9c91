//! Large blobs, which are files: of any length and in pieces of any length, and on a device that fails.

use std::sync::Arc;

use bytes::Bytes;
use storage::{Batch, Blobs, Metadata, NewBlob, Space, StorageError};
use storage_embedded::disk::{Disk, Fault, MemoryDisk, RealDisk};
use storage_embedded::{EmbeddedStore, Options};
use tempfile::TempDir;
use types::{BlobId, Entropy as _, SeededEntropy};

const SPACE: Space = Space(1);
/// What the engine writes at a time, in bytes.
const RUN: usize = 640 << 10;

fn open(dir: &TempDir, disk: Arc<dyn Disk>) -> Arc<EmbeddedStore> {
    let options = Options { segment_bytes: 256 << 10, reserve_bytes: 0, ..Options::default() };
    EmbeddedStore::open(disk, &dir.path().join("index"), options, &SeededEntropy::new(1)).expect("it opens")
}

/// Writes a blob in pieces of this length and keeps it.
async fn write(store: &EmbeddedStore, id: BlobId, body: &Bytes, piece: usize, told: bool) -> Result<(), StorageError> {
    let mut writer = store.create(id, told.then_some(body.len() as u64)).await?;
    for start in (0..body.len()).step_by(piece) {
        writer.write(body.slice(start..body.len().min(start + piece))).await?;
    }
    let info = writer.finish().await?;
    assert_eq!(info.length, body.len() as u64);
    let batch = Batch { keep: vec![NewBlob::Made(id)], ..Batch::default() };
    store.commit(SPACE, b"k", batch).await.map_err(|error| StorageError::Io(error.to_string()))
}

async fn check(disk: impl Fn(&TempDir) -> Arc<dyn Disk>) {
    let dir = tempfile::tempdir().expect("there is room");
    let disk = disk(&dir);
    let store = open(&dir, Arc::clone(&disk));
    let mut bodies = Vec::new();
    let lengths = [65_537, RUN - 1, RUN, RUN + 1, 2 * RUN, 3 * RUN + 4096, 4 * RUN + 77];
    for (number, length) in lengths.into_iter().enumerate() {
        let mut body = vec![0; length];
        SeededEntropy::new(number as u64).fill(&mut body);
        let (id, body) = (BlobId([number as u8 + 1; 16]), Bytes::from(body));
        write(&store, id, &body, [65_536, 300_001, usize::MAX / 2, 97][number % 4], number % 2 == 0)
            .await
            .expect("it is written");
        bodies.push((id, body));
    }
    store.close().await.expect("it closes");
    drop(store);
    let store = open(&dir, disk);
    for (id, body) in bodies {
        let found =
            store.read(id, 0..body.len() as u64).await.expect("it is there").collect().await.expect("it is whole");
        assert!(found == body, "{id} of {} bytes", body.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read() {
    check(|dir| Arc::new(RealDisk::new(&dir.path().join("disk")).expect("there is room"))).await;
    // A file system in memory has no cache to pass.
    let memory = tempfile::tempdir_in("/dev/shm").expect("Linux has one");
    check(|_| Arc::new(RealDisk::new(&memory.path().join("disk")).expect("there is room"))).await;
    check(|_| Arc::new(MemoryDisk::new())).await;
}

#[tokio::test]
async fn a_write_or_sync_that_fails_on_its_way_fails_the_blob_and_leaves_no_file() {
    for (fault, length) in [(Fault::Write, 2 * RUN), (Fault::Write, 5 * RUN), (Fault::Sync, 40 * RUN)] {
        let (dir, disk) = (tempfile::tempdir().unwrap(), MemoryDisk::new());
        let store = open(&dir, Arc::new(disk.clone()));
        let (id, body) = (BlobId([1; 16]), Bytes::from(vec![7; length]));
        // Once there is a segment, nobody else writes.
        store.commit(SPACE, b"k", Batch::default()).await.unwrap();
        disk.fail(fault, 1);
        write(&store, id, &body, 100_000, true).await.expect_err("a write failed");
        write(&store, BlobId([2; 16]), &body, 100_000, true).await.expect("the device writes again");
        while disk.files("blobs/01").iter().any(|(_, length)| *length > 0) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(matches!(store.read(id, 0..1).await.err(), Some(StorageError::NoSuchBlob(_))));
    }
}
