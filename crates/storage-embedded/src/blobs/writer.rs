//! Takes in new blobs. A body up to the inline limit stays in memory until a batch keeps it; a longer one streams to a
//! file, a piece in flight while the next is gathered.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use storage::{BlobInfo, BlobWriter, StorageError};
use tokio::task::JoinHandle;
use types::BlobId;

use super::file::{Checksums, directory, file_length, path};
use crate::crc::crc64;
use crate::disk::{File, OpenMode};
use crate::error::from_io;
use crate::store::Shared;

/// The bytes that are gathered before they are written. Twice this is the memory of one upload.
const PIECE_BYTES: usize = 512 << 10;
/// Pieces shorter than this are copied together, so that memory held by many small ones stays bounded.
const SMALL_PIECE_BYTES: usize = 8 << 10;
/// The bytes after which writing back begins while more arrive, so that the sync at the end is short.
const SYNC_BYTES: u64 = 64 << 20;

/// Writes one blob.
pub(crate) struct EmbeddedWriter {
    shared: Arc<Shared>,
    id: BlobId,
    expected: Option<u64>,
    gathered: Gathered,
    /// The thread that writes the last piece, and has the file.
    writing: Option<JoinHandle<(Box<Target>, io::Result<()>)>>,
    /// A sync of what was written so far, beside the writing. Its error is the blob's.
    syncing: Option<JoinHandle<io::Result<()>>>,
    synced: u64,
    stage: Stage,
}

/// How far a writer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// All content is in memory.
    Gathering,
    /// There may be a file.
    Streaming,
    /// The blob is made.
    Finished,
}

/// Pieces that wait to be written.
#[derive(Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    bytes: usize,
}

impl Gathered {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        if piece.len() < SMALL_PIECE_BYTES {
            self.tail.extend_from_slice(&piece);
        } else {
            self.end_tail();
            self.pieces.push(piece);
        }
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
    }

    fn take(&mut self) -> Vec<Bytes> {
        self.end_tail();
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn into_body(mut self) -> Bytes {
        let pieces = self.take();
        match <[Bytes; 1]>::try_from(pieces) {
            // Copied, so that a body which waits does not hold the buffer of a connection.
            Ok([piece]) => Bytes::copy_from_slice(&piece),
            Err(pieces) => pieces.concat().into(),
        }
    }
}

/// A file that is being written, on its way through the threads that write.
struct Target {
    file: Arc<dyn File>,
    checksums: Checksums,
}

impl EmbeddedWriter {
    /// A writer for a name that was reserved.
    pub(crate) fn new(shared: Arc<Shared>, id: BlobId, expected: Option<u64>) -> Self {
        let gathered = Gathered::default();
        Self { shared, id, expected, gathered, writing: None, syncing: None, synced: 0, stage: Stage::Gathering }
    }

    /// Hands what was gathered to the file, once what was handed on before is written.
    async fn spill(&mut self) -> Result<(), StorageError> {
        let mut target = self.idle_target().await?;
        let written = target.checksums.length();
        if written - self.synced >= SYNC_BYTES && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.await_sync().await?;
            self.synced = written;
            let file = Arc::clone(&target.file);
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        }
        let pieces = self.gathered.take();
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let outcome = target.write(&pieces);
            (target, outcome)
        }));
        Ok(())
    }

    async fn idle_target(&mut self) -> Result<Box<Target>, StorageError> {
        match self.writing.take() {
            Some(task) => {
                let (target, outcome) = task.await.map_err(|error| StorageError::Io(error.to_string()))?;
                outcome.map_err(|error| from_io(&error))?;
                Ok(target)
            }
            None if self.stage == Stage::Gathering => self.create_file().await,
            None => Err(StorageError::Io("the writer failed before".to_owned())),
        }
    }

    async fn await_sync(&mut self) -> Result<(), StorageError> {
        match self.syncing.take() {
            Some(task) => {
                let outcome = task.await.map_err(|error| StorageError::Io(error.to_string()))?;
                outcome.map_err(|error| from_io(&error))
            }
            None => Ok(()),
        }
    }

    async fn create_file(&mut self) -> Result<Box<Target>, StorageError> {
        let (shared, id, expected) = (Arc::clone(&self.shared), self.id, self.expected);
        self.stage = Stage::Streaming;
        let created = blocking(move || {
            let path = path(id);
            let file = match shared.disk.open(&path, OpenMode::CreateNew) {
                // The name was reserved, so this file is nobody's: a crash left it, and it is not removed yet.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    shared.disk.remove(&path)?;
                    shared.disk.open(&path, OpenMode::CreateNew)
                }
                opened => opened,
            }?;
            if let Some(expected) = expected {
                file.allocate(file_length(expected))?;
            }
            Ok(Box::new(Target { file, checksums: Checksums::new() }))
        });
        created.await
    }
}

impl Target {
    fn write(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            self.file.write_at(piece, self.checksums.length())?;
            self.checksums.update(piece);
        }
        Ok(())
    }

    /// Completes the file and makes it durable; answers its length and checksum.
    fn finish(self) -> io::Result<(u64, u64)> {
        let length = self.checksums.length();
        let (crc64, end) = self.checksums.finish();
        self.file.write_at(&end, length)?;
        if self.file.len()? != file_length(length) {
            self.file.set_len(file_length(length))?;
        }
        self.file.sync_data()?;
        Ok((length, crc64))
    }
}

#[async_trait]
impl BlobWriter for EmbeddedWriter {
    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.gathered.push(piece);
        let inline = self.shared.options.inline_bytes;
        let limit = if self.stage == Stage::Gathering { inline } else { PIECE_BYTES };
        if self.gathered.bytes > limit {
            if self.shared.preparer.is_short_of_space() {
                return Err(StorageError::Full);
            }
            self.spill().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo, StorageError> {
        let id = self.id;
        if self.stage == Stage::Gathering {
            let body = std::mem::take(&mut self.gathered).into_body();
            let crc64 = crc64(&body);
            if self.shared.making.finish_body(id, &body, crc64) {
                self.stage = Stage::Finished;
                return Ok(BlobInfo { id, length: body.len() as u64, crc64 });
            }
            self.gathered.push(body);
        }
        let mut target = self.idle_target().await?;
        self.await_sync().await?;
        let pieces = self.gathered.take();
        let shared = Arc::clone(&self.shared);
        let (length, crc64) = blocking(move || {
            target.write(&pieces)?;
            let facts = target.finish()?;
            shared.disk.sync_dir(&directory(id))?;
            Ok(facts)
        })
        .await?;
        self.shared.making.finish_file(id, length, crc64);
        self.stage = Stage::Finished;
        Ok(BlobInfo { id, length, crc64 })
    }
}

impl Drop for EmbeddedWriter {
    fn drop(&mut self) {
        match self.stage {
            Stage::Gathering => self.shared.making.forget(&[self.id]),
            // A piece may still be on its way to the file; removing the name does not disturb it.
            Stage::Streaming => self.shared.retirement.discard(&[self.id]),
            Stage::Finished => {}
        }
    }
}

/// Runs `work` on a thread that may wait for the device.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| from_io(&error)),
        Err(error) => Err(StorageError::Io(error.to_string())),
    }
}
