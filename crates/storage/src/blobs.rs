//! Write-once byte strings.

use std::any::Any;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use types::BlobId;

use crate::{ByteStream, StorageError};

/// What is known of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlobInfo {
    /// Its name.
    pub id: BlobId,
    /// Its length in bytes.
    pub length: u64,
    /// The CRC-64/NVME of its content.
    pub crc64: u64,
}

/// Keeps blobs readable: one that a record named when the pin was taken can be read until the pin is dropped, even
/// when it is retired meanwhile. Long-held pins delay the return of space.
pub struct Pin(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>);

impl Pin {
    /// A pin that lasts as long as `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin")
    }
}

/// Takes in the content of one new blob. Dropped unfinished, it leaves nothing behind.
#[async_trait]
pub trait BlobWriter: Send {
    /// Appends `piece`. Waits where the device is slower than the caller, so memory stays bounded.
    ///
    /// # Errors
    /// [`StorageError::Full`] and the device's own; the writer is of no use after one.
    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError>;

    /// Makes the blob durable. It must then be kept by a batch ([`crate::NewBlob::Made`]) while the process lives, or
    /// it is reaped.
    ///
    /// # Errors
    /// As for `write`. A failed sync counts as lost data: the blob does not exist.
    async fn finish(self: Box<Self>) -> Result<BlobInfo, StorageError>;
}

/// Write-once byte strings under unique names.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// The largest body in bytes that may travel inside a commit ([`crate::NewBlob::Inline`]).
    fn inline_limit(&self) -> usize;

    /// Starts a blob. `expected` is its length, where known, for preallocation; a different one is no error.
    ///
    /// # Errors
    /// [`StorageError::Full`] where there is no room for what is expected.
    async fn create(&self, id: BlobId, expected: Option<u64>) -> Result<Box<dyn BlobWriter>, StorageError>;

    /// Makes `to` a second name for the content of `from`, without copying bytes where the engine can. Each name is
    /// kept and retired for itself.
    ///
    /// # Errors
    /// [`StorageError::NoSuchBlob`] where `from` is gone.
    async fn link(&self, from: BlobId, to: BlobId) -> Result<BlobInfo, StorageError>;

    /// Pins every blob that a record names now. Cheap.
    fn pin(&self) -> Pin;

    /// The bytes `range` of a blob, verified before they are handed on. A range beyond the end is an error of the
    /// caller ([`StorageError::Bounds`]).
    ///
    /// # Errors
    /// [`StorageError::NoSuchBlob`], [`StorageError::Damaged`]; the latter also from the stream.
    async fn read(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, StorageError>;

    /// Up to `limit` kept blobs with names after `after`, in the order of names: for scrubbing.
    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobInfo>, StorageError>;
}
