//! Pins, and the retired blobs that wait for them.
//!
//! Time is cut into epochs; each group that retires blobs ends one, after it became visible. A pin belongs to the
//! epoch that it was taken in. A blob that was retired at the end of an epoch is deleted once no pin of that epoch or
//! an earlier one is left: whoever pins later can not find a record that names it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::Pin;
use types::BlobId;

/// The most blobs that are deleted at a time: about what is retired between two rounds of the reclaimer where two cores do
/// nothing but delete. With fewer it falls behind, and [`crate::index::overlay`] fills.
const BATCH: usize = 4096;

/// What pins hold back, and what they no longer do.
#[derive(Default)]
pub(crate) struct Retirement {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    epoch: u64,
    /// The epochs that have pins, with how many.
    pins: BTreeMap<u64, usize>,
    /// In the order of epochs.
    retired: VecDeque<(u64, BlobId)>,
    discarded: Vec<BlobId>,
    woken: bool,
    stopped: bool,
}

/// What the reclaimer has to do.
#[derive(Default)]
pub(crate) struct Work {
    /// Retired blobs that nobody can see.
    pub(crate) retired: Vec<BlobId>,
    /// Made and given up; their files must go.
    pub(crate) discarded: Vec<BlobId>,
}

impl Retirement {
    pub(crate) fn pin(self: &Arc<Self>) -> Pin {
        let mut state = self.state.lock();
        let epoch = state.epoch;
        *state.pins.entry(epoch).or_insert(0) += 1;
        Pin::new(Guard { retirement: Arc::clone(self), epoch })
    }

    /// Ends the epoch: `ids` are retired, and that is visible.
    pub(crate) fn retire(&self, ids: Vec<BlobId>) {
        let mut state = self.state.lock();
        let epoch = state.epoch;
        state.retired.extend(ids.into_iter().map(|id| (epoch, id)));
        state.epoch += 1;
        self.wake_with(&mut state);
    }

    /// The files of `ids` have to go.
    pub(crate) fn discard(&self, ids: &[BlobId]) {
        let mut state = self.state.lock();
        state.discarded.extend_from_slice(ids);
        self.wake_with(&mut state);
    }

    pub(crate) fn wake(&self) {
        self.wake_with(&mut self.state.lock());
    }

    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        self.wake_with(&mut state);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Whether waiting for more is pointless: there is a whole batch, or the thread is to end.
    pub(crate) fn has_many(&self) -> bool {
        let state = self.state.lock();
        state.stopped || state.free() >= BATCH
    }

    /// Waits until there is something to do, at most for `timeout`; `None` once it was stopped.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<Work> {
        let mut state = self.state.lock();
        if !state.woken && !state.has_more() {
            self.changed.wait_for(&mut state, timeout);
        }
        state.woken = false;
        if state.stopped {
            return None;
        }
        let free = state.free();
        let retired = state.retired.drain(..free).map(|(_, id)| id).collect();
        Some(Work { retired, discarded: std::mem::take(&mut state.discarded) })
    }

    fn wake_with(&self, state: &mut State) {
        state.woken = true;
        self.changed.notify_all();
    }
}

impl State {
    /// How many of the retired blobs can be deleted now.
    fn free(&self) -> usize {
        let oldest = self.pins.first_key_value().map_or(u64::MAX, |(epoch, _)| *epoch);
        self.retired.iter().take(BATCH).take_while(|(epoch, _)| *epoch < oldest).count()
    }

    fn has_more(&self) -> bool {
        !self.discarded.is_empty() || self.free() > 0
    }
}

struct Guard {
    retirement: Arc<Retirement>,
    epoch: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.retirement.state.lock();
        if let Some(count) = state.pins.get_mut(&self.epoch) {
            *count -= 1;
            if *count == 0 {
                state.pins.remove(&self.epoch);
                if !state.retired.is_empty() {
                    self.retirement.wake_with(&mut state);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use types::BlobId;

    use super::Retirement;

    #[test]
    fn what_a_pin_may_see_waits_for_it() {
        let retirement = Arc::new(Retirement::default());
        let id = |number| BlobId([number; 16]);
        let free = || retirement.wait(Duration::ZERO).expect("it runs").retired;
        let first = retirement.pin();
        retirement.retire(vec![id(1)]);
        let second = retirement.pin();
        retirement.retire(vec![id(2)]);
        assert_eq!(free(), []);
        drop(first);
        assert_eq!(free(), [id(1)]);
        retirement.retire(vec![id(3)]);
        assert_eq!(free(), []);
        drop(second);
        assert_eq!(free(), [id(2), id(3)]);
        retirement.stop();
        assert!(retirement.wait(Duration::ZERO).is_none());
    }
}
