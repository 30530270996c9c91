//! Takes in new blobs. A body up to the inline limit stays in memory until a batch keeps it; a longer one streams to a
//! file ([`FileWriter`]).

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use storage::{BlobInfo, BlobWriter, StorageError};
use tokio::task::JoinHandle;
use types::BlobId;

use super::file_writer::FileWriter;
use crate::crc::crc64;
use crate::error::from_io;
use crate::store::Shared;

/// Writes one blob.
pub(crate) struct EmbeddedWriter {
    shared: Arc<Shared>,
    id: BlobId,
    expected: Option<u64>,
    stage: Stage,
}

/// How far a writer came.
enum Stage {
    /// All content is in memory.
    Gathering(BytesMut),
    Streaming(Box<FileWriter>),
    /// Something went wrong, or is under way and would be broken off. There may be a file.
    Broken,
    /// The blob is made.
    Finished,
}

impl EmbeddedWriter {
    /// A writer for a name that was reserved.
    pub(crate) fn new(shared: Arc<Shared>, id: BlobId, expected: Option<u64>) -> Self {
        Self { shared, id, expected, stage: Stage::Gathering(BytesMut::new()) }
    }

    /// The file with the content so far. Until it is put back the writer counts as broken.
    async fn take_file(&mut self) -> Result<Box<FileWriter>, StorageError> {
        match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Streaming(file) => Ok(file),
            Stage::Gathering(body) => {
                let mut file = FileWriter::create(&self.shared, self.id, self.expected).await?;
                file.write(body.freeze()).await?;
                Ok(file)
            }
            Stage::Broken | Stage::Finished => Err(StorageError::Io("the writer failed before".to_owned())),
        }
    }
}

#[async_trait]
impl BlobWriter for EmbeddedWriter {
    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError> {
        if let Stage::Gathering(body) = &mut self.stage
            && body.len() + piece.len() <= self.shared.options.inline_bytes
        {
            body.extend_from_slice(&piece);
            return Ok(());
        }
        if self.shared.preparer.is_short_of_space() {
            return Err(StorageError::Full);
        }
        let mut file = self.take_file().await?;
        file.write(piece).await?;
        self.stage = Stage::Streaming(file);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo, StorageError> {
        let id = self.id;
        if let Stage::Gathering(body) = &mut self.stage {
            let bytes = body.split().freeze();
            let crc64 = crc64(&bytes);
            if self.shared.making.finish_body(id, &bytes, crc64) {
                self.stage = Stage::Finished;
                return Ok(BlobInfo { id, length: bytes.len() as u64, crc64 });
            }
            body.extend_from_slice(&bytes);
        }
        let file = self.take_file().await?;
        let (length, crc64) = file.finish(&self.shared, id).await?;
        self.shared.making.finish_file(id, length, crc64);
        self.stage = Stage::Finished;
        Ok(BlobInfo { id, length, crc64 })
    }
}

impl Drop for EmbeddedWriter {
    fn drop(&mut self) {
        match self.stage {
            Stage::Gathering(_) => self.shared.making.forget(&[self.id]),
            // A piece may still be on its way to the file; removing the name does not disturb it.
            Stage::Streaming(_) | Stage::Broken => self.shared.retirement.discard(&[self.id]),
            Stage::Finished => {}
        }
    }
}

/// Runs `work` on a thread that may wait for the device.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    joined(tokio::task::spawn_blocking(work)).await
}

/// What a task that may wait for the device came to.
pub(crate) async fn joined<T>(task: JoinHandle<io::Result<T>>) -> Result<T, StorageError> {
    match task.await {
        Ok(outcome) => outcome.map_err(|error| from_io(&error)),
        Err(error) => Err(StorageError::Io(error.to_string())),
    }
}
