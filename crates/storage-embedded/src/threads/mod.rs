//! The threads beside the committer, and the queue that feeds it.

pub(crate) mod keeper;
pub(crate) mod preparer;
pub(crate) mod queue;
