//! What stands over the tree: values that would be changed again before they are on disk.
//!
//! - Numbers that nearly every group changes: counters, the live bytes of segments, and the last record.
//! - Which blobs were retired. Most are forgotten moments later, so the tree only sees that they go. Until then it has
//!   them as kept, with the place that they are read at.
//!
//! All of it enters the tree before a memtable is sealed, so that a flush has one value of each. What stands here is newer
//! than the tree's. As memtables are flushed whole, what is on disk is still exactly the state after one record, and the
//! log has the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use types::BlobId;

use super::snapshots::{Snapshot, Snapshots};

/// What a value takes in memory beside its key, in bytes, roughly.
const OVERHEAD_BYTES: usize = 80;
/// The retired blobs with which it is full: some times as many as are retired before the first of them is forgotten. To
/// look up the places of more, which a pin holds back, would stop writers for long.
pub(super) const RETIRED_BLOBS: usize = 8 << 10;

/// What is newer than the tree.
#[derive(Default)]
pub(crate) struct Overlay {
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// By their keys in the index.
    numbers: BTreeMap<Vec<u8>, i64>,
    retired: BTreeSet<BlobId>,
    /// What the numbers take.
    bytes: usize,
}

/// Everything in the index as of one moment.
pub(crate) struct View {
    pub(super) snapshot: Arc<Snapshot>,
    /// In the place of what the tree has under the same keys.
    pub(super) numbers: BTreeMap<Vec<u8>, Bytes>,
    /// Those of the blobs that the tree has as kept.
    pub(super) retired: BTreeSet<BlobId>,
}

impl Overlay {
    /// For changes, which others see together once the guard is dropped.
    pub(super) fn change(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The number under a key; `None` where the tree's is the newest.
    pub(super) fn number(&self, key: &[u8]) -> Option<i64> {
        self.state.lock().numbers.get(key).copied()
    }

    /// The numbers under some keys, and the moment to look for the others in the tree.
    pub(super) fn numbers(&self, keys: &[Vec<u8>], snapshots: &Snapshots) -> (Vec<Option<i64>>, Arc<Snapshot>) {
        let state = self.state.lock();
        (keys.iter().map(|key| state.numbers.get(key).copied()).collect(), snapshots.current())
    }

    /// Whether a blob is retired though the tree has it as kept.
    pub(super) fn is_retired(&self, id: BlobId) -> bool {
        self.state.lock().retired.contains(&id)
    }

    /// The blobs that are retired though the tree has them as kept, and the moment at which it does.
    pub(super) fn retired(&self, snapshots: &Snapshots) -> (BTreeSet<BlobId>, Arc<Snapshot>) {
        let state = self.state.lock();
        (state.retired.clone(), snapshots.current())
    }

    pub(super) fn view(&self, snapshots: &Snapshots) -> View {
        let state = self.state.lock();
        let numbers = state.numbers.iter().map(|(key, number)| (key.clone(), encode_i64(*number)));
        View { snapshot: snapshots.current(), numbers: numbers.collect(), retired: state.retired.clone() }
    }
}

impl State {
    pub(super) fn set(&mut self, key: &[u8], number: i64) {
        match self.numbers.get_mut(key) {
            Some(known) => *known = number,
            None => {
                self.bytes += key.len() + OVERHEAD_BYTES;
                self.numbers.insert(key.to_vec(), number);
            }
        }
    }

    /// Notes whether a blob is retired that the tree has as kept.
    pub(super) fn retire(&mut self, id: BlobId, is_retired: bool) {
        if is_retired {
            self.retired.insert(id);
        } else {
            self.retired.remove(&id);
        }
    }

    /// Whether the tree should take what is here.
    pub(super) fn is_full(&self) -> bool {
        self.retired.len() >= RETIRED_BLOBS
    }

    /// The memory that is taken, in bytes, roughly.
    pub(super) fn bytes(&self) -> u64 {
        (self.bytes + self.retired.len() * OVERHEAD_BYTES) as u64
    }

    /// Takes the numbers out, and forgets the retired blobs: the tree has both from now on.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Vec<u8>, Bytes)> {
        self.bytes = 0;
        self.retired.clear();
        std::mem::take(&mut self.numbers).into_iter().map(|(key, number)| (key, encode_i64(number)))
    }
}

fn encode_i64(number: i64) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}
