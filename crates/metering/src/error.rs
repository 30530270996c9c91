//! What can go wrong.

use storage::{CommitError, StorageError};

/// Why the history could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MeteringError {
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store did not take a record.
    #[error("the history of use can not be written: {0}")]
    Commit(#[from] CommitError),
    /// A record that does not read.
    #[error("the history of use is damaged: {0}")]
    Damaged(String),
}
