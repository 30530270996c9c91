//! Streams content to a blob's file: pieces are gathered without a copy, and written while the next are.
//!
//! They pass through the page cache and do not stay in it ([`File::write_uncached_at`]): pages that are used again cost a
//! fraction of new ones, the device begins at once, and an upload of gigabytes does not push out what others read
//! (docs/experiments.md has the measurements, and those of writing past the cache).

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use storage::StorageError;
use tokio::task::JoinHandle;
use types::BlobId;

use super::file::{Checksums, directory, file_length, path};
use super::writer::{blocking, joined};
use crate::disk::{Disk, File, MAX_PIECES, OpenMode};
use crate::store::Shared;

/// What is written at a time, in bytes: whole pages, so that none is written twice.
const RUN_BYTES: usize = 640 << 10;
/// The bytes after which a sync begins while more arrive: at the end little is left to be waited for, and no sync of many
/// gigabytes holds up all others.
const SYNC_BYTES: u64 = 16 << 20;

/// A blob's file that is being written. Holds at most two runs of [`RUN_BYTES`].
pub(crate) struct FileWriter {
    file: Arc<dyn File>,
    checksums: Checksums,
    /// The content from `written` on.
    run: Vec<Bytes>,
    run_bytes: usize,
    /// The content before it: written, or on its way.
    written: u64,
    /// The run that is on its way.
    writing: Option<JoinHandle<io::Result<()>>>,
    /// A sync of the content before `synced`, beside the writing. Its error is the blob's.
    syncing: Option<JoinHandle<io::Result<()>>>,
    synced: u64,
}

impl FileWriter {
    /// Makes the file of `id`, with space set aside where the length is known.
    ///
    /// # Errors
    /// The device's, [`StorageError::Full`] among them. There may be a file then.
    pub(crate) async fn create(
        shared: &Arc<Shared>,
        id: BlobId,
        expected: Option<u64>,
    ) -> Result<Box<Self>, StorageError> {
        let shared = Arc::clone(shared);
        let file = blocking(move || {
            let file = create(&*shared.disk, &path(id))?;
            if let Some(expected) = expected {
                file.allocate(file_length(expected))?;
            }
            Ok(file)
        })
        .await?;
        Ok(Box::new(Self {
            file,
            checksums: Checksums::new(),
            run: Vec::new(),
            run_bytes: 0,
            written: 0,
            writing: None,
            syncing: None,
            synced: 0,
        }))
    }

    /// Takes in the next bytes of the content. Waits while a whole run waits for the one before it.
    ///
    /// # Errors
    /// Those of a write, maybe of one before. The writer is of no use then.
    pub(crate) async fn write(&mut self, mut piece: Bytes) -> Result<(), StorageError> {
        self.checksums.update(&piece);
        while !piece.is_empty() {
            let head = piece.split_to(piece.len().min(RUN_BYTES - self.run_bytes));
            self.run_bytes += head.len();
            self.run.push(head);
            if self.run_bytes == RUN_BYTES || self.run.len() == MAX_PIECES {
                self.hand_on().await?;
            }
        }
        Ok(())
    }

    /// Lets the run be written, once the one before it is.
    async fn hand_on(&mut self) -> Result<(), StorageError> {
        ended(self.writing.take()).await?;
        self.sync_beside().await?;
        let (file, run, at) = (Arc::clone(&self.file), std::mem::take(&mut self.run), self.written);
        self.written += std::mem::take(&mut self.run_bytes) as u64;
        self.writing = Some(tokio::task::spawn_blocking(move || file.write_uncached_at(&run, at)));
        Ok(())
    }

    /// Begins a sync where one is due and none is under way.
    async fn sync_beside(&mut self) -> Result<(), StorageError> {
        if self.written - self.synced >= SYNC_BYTES && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            ended(self.syncing.take()).await?;
            self.synced = self.written;
            let file = Arc::clone(&self.file);
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    /// Completes the file and makes it and its name durable; answers its length and checksum.
    ///
    /// # Errors
    /// The device's.
    pub(crate) async fn finish(mut self, shared: &Arc<Shared>, id: BlobId) -> Result<(u64, u64), StorageError> {
        ended(self.writing.take()).await?;
        ended(self.syncing.take()).await?;
        let shared = Arc::clone(shared);
        let Self { file, checksums, run, written, .. } = self;
        let finish = move || {
            let length = checksums.length();
            let (crc64, end) = checksums.finish();
            file.write_uncached_at(&run, written)?;
            file.write_at(&end, length)?;
            if file.len()? != file_length(length) {
                file.set_len(file_length(length))?;
            }
            file.sync_data()?;
            shared.disk.sync_dir(&directory(id))?;
            Ok((length, crc64))
        };
        blocking(finish).await
    }
}

/// Waits for what is under way, if anything is.
async fn ended(task: Option<JoinHandle<io::Result<()>>>) -> Result<(), StorageError> {
    match task {
        Some(task) => joined(task).await,
        None => Ok(()),
    }
}

fn create(disk: &dyn Disk, path: &str) -> io::Result<Arc<dyn File>> {
    match disk.open(path, OpenMode::CreateNew) {
        // The name was reserved, so this file is nobody's: a crash left it, and it is not removed yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(path)?;
            disk.open(path, OpenMode::CreateNew)
        }
        opened => opened,
    }
}
