//! Flushes and compacts the index behind the committer.
//!
//! A store at rest flushes what there is, if that is more than little: its memory is free then, the next opening has next
//! to nothing to replay, and segments that waited for the index can go.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::StorageError;

use crate::committer::Committer;
use crate::store::Shared;

/// How often it is looked whether the store is at rest.
const REST: Duration = Duration::from_secs(5);
/// The bytes of log that are written between two looks at rest, by what counts and notes.
const QUIET_BYTES: u64 = 64 << 10;
/// The bytes of log that are worth a flush at rest. A store that is written to now and then would have one each time, and
/// every fourth of them makes a compaction.
const LEAST_BYTES: u64 = 1 << 20;

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
    // Whether opening or a flush left something that can be freed at rest.
    let mut has_left = true;
    loop {
        let (is_wanted, is_at_rest) = match shared.keeper.wait() {
            Work::Flush => (true, false),
            // A committer at work is none at rest.
            Work::Rest => {
                let settled = committer.try_lock().and_then(|mut committer| committer.settle(LEAST_BYTES, QUIET_BYTES));
                (settled == Some(true), settled.is_some())
            }
            Work::End => return,
        };
        if is_wanted {
            flush(shared);
            has_left = true;
        }
        if is_at_rest && std::mem::take(&mut has_left) {
            if let Err(error) = free(shared, committer) {
                tracing::warn!(%error, "what flushes replaced can not be freed now");
            }
            (shared.options.at_rest)();
            shared.queue.rest();
        }
    }
}

fn flush(shared: &Shared) {
    match shared.index.flush() {
        Ok(()) => shared.retirement.wake(),
        // The log has everything; the next flush tries again with what is sealed.
        Err(error) => tracing::error!(%error, "the index can not be flushed"),
    }
}

/// Frees what flushes have replaced and no reader needs.
pub(crate) fn free(shared: &Shared, committer: &Mutex<Committer>) -> Result<(), StorageError> {
    let Some(between_groups) = committer.try_lock() else { return Ok(()) };
    shared.index.move_on();
    drop(between_groups);
    shared.index.forget_versions()
}
