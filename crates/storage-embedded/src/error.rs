//! What can go wrong at opening, and how errors of the disk and the tree read in terms of the contracts.

use std::io;

use storage::StorageError;

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the store open.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The store was written by another version of the format.
    #[error("the data directory has format {found:?}; this program reads {expected:?}")]
    Format {
        /// What the format file says.
        found: String,
        /// What this program writes.
        expected: String,
    },
    /// The options contradict the format.
    #[error("invalid options: {0}")]
    Options(String),
    /// Acknowledged data is missing or does not verify. Nothing was changed.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The device failed.
    #[error("input/output failed: {0}")]
    Io(#[from] io::Error),
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Damaged(what) => Self::Damaged(what),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

/// The contract's error for a failure of the device.
pub(crate) fn from_io(error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::Full,
        _ => StorageError::Io(error.to_string()),
    }
}

/// The contract's error for a failure of the index's tree.
pub(crate) fn from_tree(error: &lsm_tree::Error) -> StorageError {
    match error {
        lsm_tree::Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => from_io(error),
        other => damaged(format!("the index: {other}")),
    }
}

/// Counts and logs damage, and makes its error.
pub(crate) fn damaged(what: String) -> StorageError {
    metrics::counter!("commonhold_storage_damaged_total").increment(1);
    tracing::error!(what, "damaged data");
    StorageError::Damaged(what)
}
