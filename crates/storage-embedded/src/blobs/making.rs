//! Blobs that were made, or are being made, and that no batch has kept yet. They do not survive the process.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::Mutex;
use types::BlobId;

/// The most bytes of small bodies that wait in memory to be kept. Beyond it small bodies become files too.
const WAITING_BYTES: usize = 16 << 20;

/// What is known of a blob before it is kept.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    /// Its writer is at work, or its file is being removed.
    Unfinished,
    /// A small body, which the batch that keeps it will write.
    Body { bytes: Bytes, crc64: u64 },
    /// A durable file.
    File { length: u64, crc64: u64 },
}

/// The blobs that are not kept yet.
#[derive(Default)]
pub(crate) struct Making {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    blobs: HashMap<BlobId, Made>,
    waiting_bytes: usize,
}

impl Making {
    /// Takes a name; `false` where it is taken.
    pub(crate) fn reserve(&self, id: BlobId) -> bool {
        let mut state = self.state.lock();
        if state.blobs.contains_key(&id) {
            return false;
        }
        state.blobs.insert(id, Made::Unfinished);
        true
    }

    /// Runs `work` unless the name is taken, and lets nobody take it meanwhile.
    pub(crate) fn unless_taken(&self, id: BlobId, work: impl FnOnce()) {
        let state = self.state.lock();
        if !state.blobs.contains_key(&id) {
            work();
        }
    }

    /// Notes a finished body, if there is memory for it.
    pub(crate) fn finish_body(&self, id: BlobId, bytes: &Bytes, crc64: u64) -> bool {
        let mut state = self.state.lock();
        if state.waiting_bytes + bytes.len() > WAITING_BYTES {
            return false;
        }
        state.waiting_bytes += bytes.len();
        state.blobs.insert(id, Made::Body { bytes: bytes.clone(), crc64 });
        true
    }

    /// Notes a finished file.
    pub(crate) fn finish_file(&self, id: BlobId, length: u64, crc64: u64) {
        self.state.lock().blobs.insert(id, Made::File { length, crc64 });
    }

    pub(crate) fn get(&self, id: BlobId) -> Option<Made> {
        self.state.lock().blobs.get(&id).cloned()
    }

    /// Gives a blob up; answers whether it may have a file, which must go before the name is free.
    pub(crate) fn discard(&self, id: BlobId) -> bool {
        let mut state = self.state.lock();
        match state.remove(id) {
            Some(Made::File { .. } | Made::Unfinished) => {
                state.blobs.insert(id, Made::Unfinished);
                true
            }
            Some(Made::Body { .. }) | None => false,
        }
    }

    /// Frees names: the blobs are kept now, or gone.
    pub(crate) fn forget(&self, ids: &[BlobId]) {
        let mut state = self.state.lock();
        for id in ids {
            state.remove(*id);
        }
    }
}

impl State {
    fn remove(&mut self, id: BlobId) -> Option<Made> {
        let made = self.blobs.remove(&id);
        if let Some(Made::Body { bytes, .. }) = &made {
            self.waiting_bytes -= bytes.len();
        }
        made
    }
}
