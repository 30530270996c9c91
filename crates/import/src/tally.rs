//! What was done so far, counted by all workers together.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Serialize;

use crate::{NotCarried, Problem};

/// The most problems that are kept, of each kind; further ones are counted.
const KEPT: usize = 1000;

/// Numbers of an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Objects and versions that the source has, as far as it was listed.
    pub found: u64,
    /// Their bytes.
    pub found_bytes: u64,
    /// Those that were there already.
    pub present: u64,
    /// Those that were copied, and found to be the same.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Those that could not be copied, or differ.
    pub failed: u64,
    /// What has no place in the destination.
    pub not_carried: u64,
}

/// Counts while an import runs. Shared by its workers and by whoever shows its progress.
#[derive(Debug, Default)]
pub struct Tally {
    found: AtomicU64,
    found_bytes: AtomicU64,
    present: AtomicU64,
    copied: AtomicU64,
    copied_bytes: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    problems: Mutex<Vec<Problem>>,
    not_carried: Mutex<Vec<NotCarried>>,
}

impl Tally {
    /// The numbers of now.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            found: read(&self.found),
            found_bytes: read(&self.found_bytes),
            present: read(&self.present),
            copied: read(&self.copied),
            copied_bytes: read(&self.copied_bytes),
            failed: read(&self.failed),
            not_carried: read(&self.lost),
        }
    }

    /// What went wrong, and what has no place: the first thousand of each.
    pub fn told(&self) -> (Vec<Problem>, Vec<NotCarried>) {
        (self.problems.lock().clone(), self.not_carried.lock().clone())
    }

    pub(crate) fn found(&self, bytes: u64) {
        self.found.fetch_add(1, Ordering::Relaxed);
        self.found_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn present(&self) {
        self.present.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn copied(&self, bytes: u64) {
        self.copied.fetch_add(1, Ordering::Relaxed);
        self.copied_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, bucket: &str, key: &str, error: &impl ToString) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut problems = self.problems.lock();
        if problems.len() < KEPT {
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            problems.push(Problem { bucket, key, error: error.to_string() });
        }
    }

    /// Notes it, once: a further attempt finds the same again.
    pub(crate) fn not_carried(&self, lost: NotCarried) {
        let mut all = self.not_carried.lock();
        if all.contains(&lost) {
            return;
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
        if all.len() < KEPT {
            all.push(lost);
        }
    }
}
