//! The threads beside the committer, and the queue that feeds it.

/// Who does the engine's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// Threads of the store.
    Threads,
    /// Whoever holds the store's [`crate::Steps`].
    Steps,
}

pub(crate) mod keeper;
pub(crate) mod preparer;
pub(crate) mod queue;
pub(crate) mod traffic;
