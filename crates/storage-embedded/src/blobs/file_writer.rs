//! Streams content to a blob's file: gathered into a buffer, which is written while the next is filled.
//!
//! It goes through the page cache, which has more on its way to the device at a time than an upload has buffers, and
//! serves whoever reads soon (docs/performance.md has what was measured past it).

use std::io;
use std::sync::Arc;

use storage::StorageError;
use tokio::task::JoinHandle;
use types::BlobId;

use super::buffers::{BUFFER_BYTES, Buffer};
use super::file::{Checksums, directory, file_length, path};
use super::writer::{blocking, joined};
use crate::disk::{Disk, File, OpenMode};
use crate::store::Shared;

/// The bytes after which a sync begins while more arrive: at the end little is left to be waited for, and no sync of many
/// gigabytes holds up all others.
const SYNC_BYTES: u64 = 16 << 20;

/// A blob's file that is being written. Holds two buffers of [`BUFFER_BYTES`].
pub(crate) struct FileWriter {
    file: Arc<dyn File>,
    checksums: Checksums,
    /// The content from `written` on, as far as `filled`.
    buffer: Buffer,
    filled: usize,
    /// The content before it: written, or on its way.
    written: u64,
    /// The buffer that is on its way.
    writing: Option<JoinHandle<io::Result<Buffer>>>,
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
        let (checksums, buffer) = (Checksums::new(), Buffer::new(BUFFER_BYTES));
        Ok(Box::new(Self { file, checksums, buffer, filled: 0, written: 0, writing: None, syncing: None, synced: 0 }))
    }

    /// Takes in the next bytes of the content. Waits while a full buffer waits for the one before it.
    ///
    /// # Errors
    /// Those of a write, maybe of one before. The writer is of no use then.
    pub(crate) async fn write(&mut self, mut piece: &[u8]) -> Result<(), StorageError> {
        while !piece.is_empty() {
            if self.filled == BUFFER_BYTES {
                self.hand_on().await?;
            }
            let (head, rest) = piece.split_at(piece.len().min(BUFFER_BYTES - self.filled));
            self.buffer.as_mut()[self.filled..][..head.len()].copy_from_slice(head);
            self.checksums.update(head);
            self.filled += head.len();
            piece = rest;
        }
        Ok(())
    }

    /// Lets the full buffer be written, once the one before it is.
    async fn hand_on(&mut self) -> Result<(), StorageError> {
        let empty = self.written_buffer().await?.unwrap_or_else(|| Buffer::new(BUFFER_BYTES));
        self.sync_beside().await?;
        let full = std::mem::replace(&mut self.buffer, empty);
        let (file, at) = (Arc::clone(&self.file), self.written);
        (self.written, self.filled) = (self.written + self.filled as u64, 0);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            file.write_at(full.as_ref(), at)?;
            Ok(full)
        }));
        Ok(())
    }

    /// The buffer that was on its way, if one was.
    async fn written_buffer(&mut self) -> Result<Option<Buffer>, StorageError> {
        match self.writing.take() {
            Some(task) => joined(task).await.map(Some),
            None => Ok(None),
        }
    }

    /// Begins a sync where one is due and none is under way.
    async fn sync_beside(&mut self) -> Result<(), StorageError> {
        if self.written - self.synced >= SYNC_BYTES && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.await_sync().await?;
            self.synced = self.written;
            let file = Arc::clone(&self.file);
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    async fn await_sync(&mut self) -> Result<(), StorageError> {
        match self.syncing.take() {
            Some(task) => joined(task).await,
            None => Ok(()),
        }
    }

    /// Completes the file and makes it and its name durable; answers its length and checksum.
    ///
    /// # Errors
    /// The device's.
    pub(crate) async fn finish(mut self, shared: &Arc<Shared>, id: BlobId) -> Result<(u64, u64), StorageError> {
        self.written_buffer().await?;
        self.await_sync().await?;
        let shared = Arc::clone(shared);
        let Self { file, checksums, buffer, filled, written, .. } = self;
        let finish = move || {
            let length = checksums.length();
            let (crc64, end) = checksums.finish();
            file.write_at(&buffer.as_ref()[..filled], written)?;
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
