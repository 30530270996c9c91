//! What stands over the tree: values that would be changed again before they are on disk.
//!
//! - Numbers that nearly every group changes: counters, the live bytes of segments, and the last record.
//! - Blobs that were retired. Most are forgotten moments later, so the tree only sees that they go. Until then it has
//!   them as kept, with the place that they are read at.
//!
//! All of it enters the tree when a memtable is sealed, so that a flush has one value of each. What stands here is newer
//! than the tree's. As memtables are flushed whole, what is on disk is still exactly the state after one record, and the
//! log has the rest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use types::BlobId;

use super::keys;
use super::snapshots::{Snapshot, Snapshots};
use crate::blobs::place::Place;

/// What a value takes in memory beside its key, in bytes, roughly.
const OVERHEAD_BYTES: usize = 80;
/// The retired blobs that may stand here: some times as many as are retired before the first of them is forgotten. More
/// of them, which a pin holds back, would be long in the memory and in the way of a seal.
pub(super) const RETIRED_BLOBS: usize = 16 << 10;

/// What is newer than the tree.
#[derive(Default)]
pub(crate) struct Overlay {
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// By their keys in the index.
    numbers: HashMap<Vec<u8>, i64>,
    retired: HashMap<BlobId, Place>,
    /// What the numbers take.
    bytes: usize,
}

/// Everything in the index as of one moment.
pub(crate) struct Moment {
    pub(super) snapshot: Arc<Snapshot>,
    /// In the place of what the tree has under the same keys; `None` where there is nothing.
    pub(super) over: BTreeMap<Vec<u8>, Option<Bytes>>,
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

    /// The place of a blob that was retired; `None` where the tree has it as it is.
    pub(super) fn retired(&self, id: BlobId) -> Option<Place> {
        self.state.lock().retired.get(&id).copied()
    }

    /// The blobs that are retired though the tree has them as kept, and the moment at which it does.
    pub(super) fn all_retired(&self, snapshots: &Snapshots) -> (HashSet<BlobId>, Arc<Snapshot>) {
        let state = self.state.lock();
        (state.retired.keys().copied().collect(), snapshots.current())
    }

    pub(super) fn moment(&self, snapshots: &Snapshots) -> Moment {
        let state = self.state.lock();
        let numbers = state.numbers.iter().map(|(key, number)| (key.clone(), Some(encode_i64(*number))));
        let retired = state.retired.iter().flat_map(|(id, place)| retired_pairs(*id, *place));
        Moment { snapshot: snapshots.current(), over: numbers.chain(retired).collect() }
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

    /// Whether so many more retired blobs may stand here.
    pub(super) fn has_room(&self, blobs: usize) -> bool {
        self.retired.len() + blobs <= RETIRED_BLOBS
    }

    /// Notes that a blob is retired, or that the tree has it as it is.
    pub(super) fn retire(&mut self, id: BlobId, place: Option<Place>) {
        match place {
            Some(place) => self.retired.insert(id, place),
            None => self.retired.remove(&id),
        };
    }

    /// The memory that is taken, in bytes, roughly.
    pub(super) fn bytes(&self) -> u64 {
        (self.bytes + self.retired.len() * OVERHEAD_BYTES) as u64
    }

    /// Takes everything out, as the tree is to have it.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Vec<u8>, Option<Bytes>)> {
        self.bytes = 0;
        let numbers = self.numbers.drain().map(|(key, number)| (key, Some(encode_i64(number))));
        numbers.chain(self.retired.drain().flat_map(|(id, place)| retired_pairs(id, place)))
    }
}

/// What the tree has of a retired blob.
pub(super) fn retired_pairs(id: BlobId, place: Place) -> [(Vec<u8>, Option<Bytes>); 2] {
    [(keys::blob(id), None), (keys::retired(id), Some(place.encode()))]
}

fn encode_i64(number: i64) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}
