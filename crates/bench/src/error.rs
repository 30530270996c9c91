//! Why nothing could be measured.

use std::io;

use storage::{CommitError, StorageError};

/// A measurement that could not be made. Requests that fail while one is made are counted in it instead.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The endpoint is not understood.
    #[error("{0:?} is no endpoint: write http://HOST:PORT")]
    Endpoint(String),
    /// The endpoint can not be reached, or a file of the limits can not be used.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        error: io::Error,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the endpoint broke off: {0}")]
    Http(#[from] hyper::Error),
    /// A request can not be written.
    #[error("a request can not be written: {0}")]
    Request(#[from] http::Error),
    /// The endpoint refuses what has to be there before measuring.
    #[error("{what} was answered with {status}: {text}")]
    Refused {
        /// Which request.
        what: String,
        /// The answer.
        status: u16,
        /// The start of its body.
        text: String,
    },
    /// The engine that was to be measured failed.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// A task ended that was not to end.
    #[error("a measuring task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl BenchError {
    /// `error` while doing `what`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

impl From<StorageError> for BenchError {
    fn from(error: StorageError) -> Self {
        Self::Engine(error.to_string())
    }
}

impl From<CommitError> for BenchError {
    fn from(error: CommitError) -> Self {
        Self::Engine(error.to_string())
    }
}
