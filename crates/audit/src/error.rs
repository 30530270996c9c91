//! What can go wrong with the log.

use storage::StorageError;

/// The log could not be written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// The store failed. What was to be appended is not in the log.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The entry may be in the log or not: look, before anything is concluded.
    #[error("whether the audit log has the entry is unknown: {0}")]
    Unknown(String),
    /// The log is not as it was written. `commonhold check` tells where.
    #[error("the audit log is damaged: {0}; look with: commonhold admin audit verify")]
    Damaged(String),
}
