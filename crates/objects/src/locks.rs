//! Turns for writers of the same key in one process.
//!
//! Commits are safe without them: expectations see to that. With them, writers of one key wait for each other instead
//! of failing and trying again in a storm.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use storage::Space;
use tokio::sync::{Mutex, MutexGuard};
use types::{ObjectKey, UploadId};

/// Enough that different keys hardly ever wait for each other at some hundred writers.
const STRIPES: usize = 4096;

/// Holds a turn until it is dropped.
pub(crate) type Turn<'a> = MutexGuard<'a, ()>;

/// Locks, by hash. An upload's comes before its key's where both are held.
pub(crate) struct Locks {
    keys: Vec<Mutex<()>>,
    uploads: Vec<Mutex<()>>,
}

impl Locks {
    pub(crate) fn new() -> Self {
        let stripes = || (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { keys: stripes(), uploads: stripes() }
    }

    /// Waits for the turn to change a key.
    pub(crate) async fn key(&self, space: Space, key: &ObjectKey) -> Turn<'_> {
        self.keys[stripe(&(space, key))].lock().await
    }

    /// Waits for the turn to complete or abort an upload.
    pub(crate) async fn upload(&self, upload: UploadId) -> Turn<'_> {
        self.uploads[stripe(&upload)].lock().await
    }
}

fn stripe(of: &impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    (hasher.finish() % STRIPES as u64) as usize
}
