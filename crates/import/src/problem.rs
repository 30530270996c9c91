//! What did not come over, and why.

use serde::Serialize;

/// Something of the source that has no place in the destination.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NotCarried {
    /// In which bucket.
    pub bucket: String,
    /// Of which object; of the bucket itself where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What.
    pub what: String,
    /// Why not, and what to do.
    pub why: String,
}

/// An object that could not be copied, or is not the same as its source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// In which bucket.
    pub bucket: String,
    /// Which.
    pub key: String,
    /// What happened.
    pub error: String,
}
