//! What the committer has to do, in the order in which it was asked.

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use storage::{Batch, CommitError, Space, StorageError};
use tokio::sync::oneshot;
use types::BlobId;

use crate::blobs::place::Place;

/// A change of the store.
pub(crate) enum Change {
    /// A batch that was checked against the bounds, with the checksum of each inline body in the order of `keep`.
    Batch { space: Space, group: Vec<u8>, batch: Batch, crcs: Vec<u64> },
    /// Closes a space if no key lies in the range.
    Close { space: Space, from: Vec<u8>, to: Option<Vec<u8>> },
    /// Deletes keys of a closed space.
    Erase { space: Space, keys: Vec<Bytes> },
    /// Retired blobs whose bytes nobody needs any more, with their places. Who asks for this is the one who moves bodies.
    Forget(Vec<(BlobId, Option<Place>)>),
    /// Bodies that leave their segment.
    Move(Vec<Body>),
}

/// A body on its way to another segment.
pub(crate) struct Body {
    pub(crate) id: BlobId,
    pub(crate) from: (u64, u32),
    pub(crate) crc64: u64,
    pub(crate) bytes: Bytes,
}

/// The answer to a change: for `Close` whether the space is closed, else `true`.
pub(crate) type Answer = Result<bool, CommitError>;

/// A change and who waits for it.
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// Requests on their way to the committer. Callers bound how many they send.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    /// The committer is to be told that it may rest.
    rested: bool,
    stopped: bool,
}

/// What a wait ended with.
pub(crate) enum Wake {
    /// There are requests.
    Requests,
    /// There are none, and the store is at rest.
    Rest,
    /// The queue was stopped and is empty.
    Stopped,
}

impl Queue {
    /// Hands a change to the committer. The receiver yields an error where the committer is gone.
    pub(crate) fn send(&self, change: Change) -> oneshot::Receiver<Answer> {
        let answer = self.put(change);
        self.filled.notify_one();
        answer
    }

    /// As [`Self::send`], by a caller who has the committer and will make it work.
    pub(crate) fn put(&self, change: Change) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if !state.stopped {
            state.requests.push(Request { change, reply });
        }
        answer
    }

    /// Tells the committer that the store is at rest.
    pub(crate) fn rest(&self) {
        self.state.lock().rested = true;
        self.filled.notify_one();
    }

    /// Waits for something to do.
    pub(crate) fn wait(&self) -> Wake {
        let mut state = self.state.lock();
        loop {
            let rested = std::mem::take(&mut state.rested);
            match (state.requests.is_empty(), state.stopped) {
                (false, _) => return Wake::Requests,
                (true, true) => return Wake::Stopped,
                (true, false) if rested => return Wake::Rest,
                (true, false) => self.filled.wait(&mut state),
            }
        }
    }

    /// Moves all requests that are there to `into`; `false` where there is none.
    pub(crate) fn take_waiting(&self, into: &mut Vec<Request>) -> bool {
        std::mem::swap(&mut self.state.lock().requests, into);
        !into.is_empty()
    }

    /// Takes no more requests, and drops those that are there: nobody is left to do them.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        state.requests.clear();
    }

    /// Takes no more requests; those that are there are still done.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.filled.notify_all();
    }
}

/// The answer where the committer went away without one.
pub(crate) fn gone() -> StorageError {
    StorageError::ReadOnly("the store is closed".to_owned())
}
