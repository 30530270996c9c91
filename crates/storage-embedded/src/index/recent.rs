//! When keys were changed last, so that the committer need not look up what a caller has read just before.
//!
//! Each key has one of a fixed number of places, by its hash, with the sequence number of the last group that changed a
//! key there. So the answer is certain where it says that a key was not changed, and else may be another key's.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use storage::Moment;

/// Places, 32 KiB in all: some ten times as many as there are changes between a request's reading and its commit where
/// hundreds are at work.
const PLACES: usize = 4096;

/// The last changes. The committer's own, though an index is shared.
pub(super) struct Recent {
    seqnos: Vec<AtomicU64>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { seqnos: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Notes that a group changes a key.
    pub(super) fn note(&self, key: &[u8], seqno: u64) {
        self.seqnos[place(key)].store(seqno, Ordering::Relaxed);
    }

    /// Whether no group that became visible after `moment` changed a key.
    pub(super) fn is_unchanged_since(&self, moment: Moment, key: &[u8]) -> bool {
        self.seqnos[place(key)].load(Ordering::Relaxed) < moment.0
    }
}

fn place(key: &[u8]) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % PLACES as u64) as usize
}
