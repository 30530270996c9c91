//! Large blobs: through the page cache and past it, on file systems that can do the latter and on those that can not.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use storage::{Batch, Blobs, Metadata, NewBlob, Space, StorageError};
use storage_embedded::disk::{Disk, DiskLock, Fault, File, MemoryDisk, OpenMode, RealDisk};
use storage_embedded::{EmbeddedStore, Options};
use tempfile::TempDir;
use types::{BlobId, Entropy as _, SeededEntropy};

const SPACE: Space = Space(1);
/// What the engine writes at a time.
const BUFFER: usize = 640 << 10;

/// A disk that refuses to write past the page cache: when a file is opened for it, or when it is written.
struct Refusing {
    disk: MemoryDisk,
    at: Refusal,
}

#[derive(Clone, Copy)]
enum Refusal {
    Open,
    Write,
}

struct RefusingFile(Arc<dyn File>);

impl Disk for Refusing {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        match (mode, self.at) {
            (OpenMode::WriteDirect, Refusal::Open) => Err(io::ErrorKind::InvalidInput.into()),
            (OpenMode::WriteDirect, Refusal::Write) => Ok(Arc::new(RefusingFile(self.disk.open(path, mode)?))),
            _ => self.disk.open(path, mode),
        }
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        self.disk.make_dir(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &str) -> io::Result<DiskLock> {
        self.disk.lock(path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

impl File for RefusingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
        self.0.read_cached_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::InvalidInput.into())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.0.allocate(length)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn open(dir: &TempDir, disk: Arc<dyn Disk>, direct_bytes: u64) -> Arc<EmbeddedStore> {
    let options = Options { segment_bytes: 256 << 10, direct_bytes, reserve_bytes: 0, ..Options::default() };
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

async fn check(disk: impl Fn(&TempDir) -> Arc<dyn Disk>, direct_bytes: u64) {
    let dir = tempfile::tempdir().expect("there is room");
    let disk = disk(&dir);
    let store = open(&dir, Arc::clone(&disk), direct_bytes);
    let mut bodies = Vec::new();
    let lengths = [65_537, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER, 3 * BUFFER + 4096, 4 * BUFFER + 77];
    for (number, length) in lengths.into_iter().enumerate() {
        let mut body = vec![0; length];
        SeededEntropy::new(number as u64).fill(&mut body);
        let (id, body) = (BlobId([number as u8 + 1; 16]), Bytes::from(body));
        write(&store, id, &body, [65_536, 300_001, usize::MAX / 2][number % 3], number % 2 == 0).await.unwrap();
        bodies.push((id, body));
    }
    store.close().await.expect("it closes");
    drop(store);
    let store = open(&dir, disk, direct_bytes);
    for (id, body) in bodies {
        let found = store.read(id, 0..body.len() as u64).await.unwrap().collect().await.unwrap();
        assert!(found == body, "{id} of {} bytes", body.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_on_any_file_system() {
    for direct_bytes in [0, u64::MAX] {
        check(|dir| Arc::new(RealDisk::new(&dir.path().join("disk")).unwrap()), direct_bytes).await;
        check(|_| Arc::new(MemoryDisk::new()), direct_bytes).await;
    }
    for at in [Refusal::Open, Refusal::Write] {
        check(move |_| Arc::new(Refusing { disk: MemoryDisk::new(), at }), 0).await;
    }
}

#[tokio::test]
async fn a_write_or_sync_that_fails_on_its_way_fails_the_blob_and_leaves_no_file() {
    for (fault, length) in [(Fault::Write, 2 * BUFFER), (Fault::Write, 5 * BUFFER), (Fault::Sync, 40 * BUFFER)] {
        let (dir, disk) = (tempfile::tempdir().unwrap(), MemoryDisk::new());
        let store = open(&dir, Arc::new(disk.clone()), 0);
        let (id, body) = (BlobId([1; 16]), Bytes::from(vec![7; length]));
        disk.fail(fault, 1);
        write(&store, id, &body, 100_000, true).await.expect_err("a write failed");
        write(&store, BlobId([2; 16]), &body, 100_000, true).await.expect("the device writes again");
        while disk.files("blobs/01").iter().any(|(_, length)| *length > 0) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(matches!(store.read(id, 0..1).await.err(), Some(StorageError::NoSuchBlob(_))));
    }
}
