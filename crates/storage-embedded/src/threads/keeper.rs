//! Flushes and compacts the index behind the committer.

use parking_lot::{Condvar, Mutex};

use crate::store::Shared;

/// The thread that flushes, as others see it.
#[derive(Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    stopped: bool,
}

impl Keeper {
    /// There is something to flush.
    pub(crate) fn wake(&self) {
        self.state.lock().wanted = true;
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.wanted && !state.stopped {
            self.changed.wait(&mut state);
        }
        std::mem::take(&mut state.wanted) || !state.stopped
    }
}

/// The thread.
pub(crate) fn run(shared: &Shared) {
    while shared.keeper.wait() {
        match shared.index.flush() {
            Ok(()) => shared.retirement.wake(),
            // The log has everything; the next flush tries again with what is sealed.
            Err(error) => tracing::error!(%error, "the index can not be flushed"),
        }
    }
}
