//! What can go wrong.

use identity::IdentityError;
use storage::{CommitError, StorageError};

/// Something could not be told, or looked at.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// People or events could not be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store failed; nothing was changed by the step that failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Whether the change happened is unknown. Doing it again does no harm.
    #[error("the outcome of the change is unknown: {0}")]
    Unknown(String),
    /// Something else changed the same thing; nothing was changed here. Try again.
    #[error("another change came between")]
    Contention,
    /// A record does not parse.
    #[error("the record {key} is damaged: {reason}")]
    Damaged {
        /// Where it lies.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such entry.
    #[error("there is no entry {0} in this inbox")]
    NoSuchEntry(String),
    /// There is no mail server.
    #[error("no mail server is configured")]
    NoMailServer,
    /// The mail server, or what it was given, is wrong.
    #[error("{0}")]
    Mail(String),
    /// A template is wrong: an error of the program.
    #[error("the text of an event can not be made: {0}")]
    Text(#[from] minijinja::Error),
}

impl From<CommitError> for NotifyError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } | CommitError::OverLimit { .. } => Self::Contention,
            CommitError::Unknown(reason) => Self::Unknown(reason),
            CommitError::Storage(error) => Self::Storage(error),
        }
    }
}
