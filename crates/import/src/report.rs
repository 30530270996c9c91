//! What became of an import.

use serde::Serialize;

use crate::{Counts, NotCarried, Problem};

/// What became of a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BucketReport {
    /// Which.
    pub bucket: String,
    /// Whether it was made in the destination.
    pub made: bool,
    /// The settings that came over, such as `policy`.
    pub settings: Vec<String>,
}

/// What became of an import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Whether nothing was written: all numbers are then of what would be done.
    pub dry_run: bool,
    /// Each bucket.
    pub buckets: Vec<BucketReport>,
    /// In numbers.
    #[serde(flatten)]
    pub counts: Counts,
    /// What went wrong: the first thousand.
    pub problems: Vec<Problem>,
    /// What has no place in the destination: the first thousand.
    pub lost: Vec<NotCarried>,
}

impl Report {
    /// Whether all that there is to copy is there, and the same.
    pub const fn is_whole(&self) -> bool {
        self.counts.failed == 0
    }
}
