//! The work of the threads, step by step, for a simulation that decides what happens next.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use storage::StorageError;

use crate::committer::Committer;
use crate::log::format::Framer;
use crate::reclaim::Reclaimer;
use crate::store::Shared;
use crate::threads::keeper;
use crate::threads::queue::gone;

/// What the threads of a store would do, where it was opened without. Each step does what one of them does between two
/// waits, and waits for nobody.
pub struct Steps {
    shared: Arc<Shared>,
    committer: Arc<Mutex<Committer>>,
    framer: Framer,
    reclaimer: Reclaimer,
}

impl Steps {
    pub(crate) fn new(shared: Arc<Shared>, committer: Arc<Mutex<Committer>>, framer: Framer) -> Self {
        Self { shared, committer, framer, reclaimer: Reclaimer::default() }
    }

    /// The committer's: does all that is waiting, with one sync or a few, and answers. `false` where nothing waited.
    pub fn commit(&mut self) -> bool {
        self.committer.lock().step()
    }

    /// The preparer's: makes the next segment of the log if one is wanted, and looks at the free space.
    pub fn prepare(&self) {
        self.shared.preparer.step();
    }

    /// The keeper's, now and then: where nothing was committed since the last call, the index's part in memory is set
    /// aside for the next flush. Answers whether it was.
    pub fn rest(&self) -> bool {
        self.committer.lock().settle(0, 0) == Some(true)
    }

    /// The keeper's, once the store is at rest: frees what flushes have replaced and no reader needs.
    ///
    /// # Errors
    /// The device's. Nothing is lost then.
    pub fn free(&self) -> Result<(), StorageError> {
        keeper::free(&self.shared, &self.committer)
    }

    /// The keeper's: writes to disk what of the index was set aside for it.
    ///
    /// # Errors
    /// The device's. The log has everything then, too.
    pub fn flush(&self) -> Result<(), StorageError> {
        self.shared.index.flush()?;
        self.shared.retirement.wake();
        Ok(())
    }

    /// The reclaimer's: deletes what was retired, and gives segments back. What it has to commit is committed together
    /// with what is waiting.
    pub fn reclaim(&mut self) {
        let Self { shared, committer, framer, reclaimer } = self;
        let commit = &mut |change| {
            let mut answer = shared.queue.send(change);
            committer.lock().step();
            match answer.try_recv() {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(StorageError::Io(error.to_string())),
                Err(_) => Err(gone()),
            }
        };
        reclaimer.round(shared, framer, Duration::ZERO, commit);
    }

    /// Whether the store has stopped taking writes.
    pub fn has_failed(&self) -> bool {
        self.shared.failure().is_some()
    }

    /// Ends in an orderly way: does what is waiting, ends the log and flushes the index.
    ///
    /// # Errors
    /// Where the index can not be flushed.
    pub fn close(self) -> Result<(), StorageError> {
        while self.committer.lock().step() {}
        self.shared.queue.stop();
        self.committer.lock().end();
        self.shared.index.flush()
    }
}
