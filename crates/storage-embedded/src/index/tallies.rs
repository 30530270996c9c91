//! The numbers of the index that nearly every group changes: counters, the live bytes of segments, and the last record.
//!
//! They stand beside the tree until a memtable is sealed, and enter it then, so that a group costs the tree nothing
//! for them, and a flush has one value of each. A number that stands here is newer than the tree's. As memtables are
//! flushed whole, what is on disk is still exactly the state after one record, and the log has the rest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::snapshots::{Snapshot, Snapshots};

/// What a number takes in memory beside its key, in bytes, roughly.
const OVERHEAD_BYTES: usize = 80;

/// The numbers that are newer than the tree's, by their keys in the index.
#[derive(Default)]
pub(crate) struct Tallies {
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    numbers: HashMap<Vec<u8>, i64>,
    bytes: usize,
}

/// Everything in the index as of one moment.
pub(crate) struct Moment {
    pub(super) snapshot: Arc<Snapshot>,
    /// In the place of what the tree has under the same keys.
    pub(super) tallies: BTreeMap<Vec<u8>, i64>,
}

impl Tallies {
    /// For changes, which others see together once the guard is dropped.
    pub(super) fn change(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The number under a key; `None` where the tree's is the newest.
    pub(super) fn get(&self, key: &[u8]) -> Option<i64> {
        self.state.lock().numbers.get(key).copied()
    }

    /// The numbers under some keys, and the moment to look for the others in the tree.
    pub(super) fn get_all(&self, keys: &[Vec<u8>], snapshots: &Snapshots) -> (Vec<Option<i64>>, Arc<Snapshot>) {
        let state = self.state.lock();
        (keys.iter().map(|key| state.numbers.get(key).copied()).collect(), snapshots.current())
    }

    pub(super) fn moment(&self, snapshots: &Snapshots) -> Moment {
        let state = self.state.lock();
        let tallies = state.numbers.iter().map(|(key, number)| (key.clone(), *number)).collect();
        Moment { snapshot: snapshots.current(), tallies }
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

    /// The memory that is taken, in bytes, roughly.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Vec<u8>, i64)> {
        self.bytes = 0;
        self.numbers.drain()
    }
}
