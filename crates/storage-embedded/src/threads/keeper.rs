//! Flushes and compacts the index behind the committer.
//!
//! A store at rest flushes all of it: its memory is free then, the next opening has nothing to replay, and segments
//! that waited for the index can go.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::committer::Committer;
use crate::store::Shared;

/// How often it is looked whether anything was written. A store that is written to now and then has a flush each time,
/// which is a table of a few KiB.
const REST: Duration = Duration::from_secs(10);

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

    /// Waits for work, at most for [`REST`].
    fn wait(&self) -> Work {
        let mut state = self.state.lock();
        if !state.wanted && !state.stopped {
            self.changed.wait_for(&mut state, REST);
        }
        match (std::mem::take(&mut state.wanted), state.stopped) {
            (true, _) => Work::Flush,
            (false, true) => Work::End,
            (false, false) => Work::Rest,
        }
    }
}

/// What a wait ended with.
enum Work {
    Flush,
    /// Nothing is wanted.
    Rest,
    End,
}

/// The thread.
pub(crate) fn run(shared: &Shared, committer: &Mutex<Committer>) {
    loop {
        match shared.keeper.wait() {
            Work::Flush => {}
            // A committer at work is none at rest.
            Work::Rest if committer.try_lock().is_some_and(|mut committer| committer.settle()) => {}
            Work::Rest => continue,
            Work::End => return,
        }
        match shared.index.flush() {
            Ok(()) => shared.retirement.wake(),
            // The log has everything; the next flush tries again with what is sealed.
            Err(error) => tracing::error!(%error, "the index can not be flushed"),
        }
    }
}
