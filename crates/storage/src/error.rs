//! What can go wrong in an engine, in terms of what the caller does next.

use types::BlobId;

use crate::Space;

/// An operation on an engine failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// What was read back is not what was written. Never retried; the data is not returned.
    #[error("damaged data: {0}")]
    Damaged(String),
    /// There is no such blob: it was retired, or never kept.
    #[error("there is no blob {0}")]
    NoSuchBlob(BlobId),
    /// The space was closed: its bucket is gone.
    #[error("space {0} is closed")]
    Closed(Space),
    /// No room for more data. Reads and deletes go on; writes work again when room returns.
    #[error("the disk is full")]
    Full,
    /// The engine takes no writes, because an earlier one failed in a way that may have lost data.
    #[error("the engine takes no more writes: {0}")]
    ReadOnly(String),
    /// A key, value, batch or limit is beyond the bounds of [`crate::limits`]: an error of the caller.
    #[error("beyond the bounds of the storage contract: {0}")]
    Bounds(String),
    /// The device or the network failed; what was asked did not happen.
    #[error("input/output failed: {0}")]
    Io(String),
}

/// A batch was not committed, or may not have been.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold; nothing was changed. Read again and decide anew.
    #[error("expectation {expectation} of the batch does not hold")]
    Conflict {
        /// The place in [`crate::Batch::expect`] of the first one that failed.
        expectation: usize,
    },
    /// A counter would have gone above its bound; nothing was changed.
    #[error("counter {counter} of the batch would pass its bound")]
    OverLimit {
        /// The place in [`crate::Batch::count`].
        counter: usize,
    },
    /// No answer came: the batch may be committed or not. Read, and look for the record's write id.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// The engine failed; nothing was changed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
