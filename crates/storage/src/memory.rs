//! The reference engine: everything in memory behind one lock. It is what the contracts mean, written so that it can
//! be read; other engines are compared with it. Nothing survives the process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, Range};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use types::{BlobId, Checksum, ChecksumAlgorithm};

use crate::bounds::{check_batch, check_counter_name, check_range, name_taken};
use crate::{
    Batch, BlobInfo, BlobWriter, Blobs, ByteStream, CommitError, Metadata, NewBlob, Pin, Space, Stamp, StorageError,
    limits, side,
};

/// The largest inline body, in bytes: that of the embedded engine, so that the same paths are taken above.
const INLINE_BYTES: usize = 64 * 1024;

/// An engine in memory.
#[derive(Clone, Default, Debug)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Default, Debug)]
struct State {
    pairs: BTreeMap<(Space, Vec<u8>), Bytes>,
    /// How often each space was changed.
    changes: BTreeMap<Space, u64>,
    closed: BTreeSet<Space>,
    counters: BTreeMap<Vec<u8>, i64>,
    /// Made and not yet kept; `None` while its writer is at work.
    made: HashMap<BlobId, Option<Bytes>>,
    kept: BTreeMap<BlobId, Bytes>,
    /// Retired, with the epoch of the retirement: pins of that epoch and earlier ones still see them.
    retired: BTreeMap<BlobId, (u64, Bytes)>,
    /// Epochs that pins were taken in, with how many there are. Every commit that retires starts a new epoch.
    pins: BTreeMap<u64, usize>,
    epoch: u64,
}

impl MemoryStore {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a restart leaves: blobs that no batch kept are gone, and so are the retired ones.
    pub fn reopen(&self) {
        let mut state = self.state.lock();
        state.made.clear();
        state.retired.clear();
    }
}

#[async_trait]
impl Metadata for MemoryStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        Ok(self.state.lock().pairs.get(&(space, key.to_vec())).cloned())
    }

    async fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        let state = self.state.lock();
        let pairs = state.range(space, from, to).take(limit.min(limits::SCAN_KEYS));
        Ok(pairs.map(|(key, value)| (Bytes::copy_from_slice(key), value.clone())).collect())
    }

    async fn scan_both(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        let (state, limit) = (self.state.lock(), limit.min(limits::SCAN_KEYS));
        let mut pairs = Vec::new();
        for (from, to) in side::ranges(from, to) {
            let range = state.range(space, &from, to.as_deref()).take(limit);
            pairs.extend(range.map(|(key, value)| (Bytes::copy_from_slice(key), value.clone())));
        }
        pairs.sort_by(|(left, _), (right, _)| side::order(left, right));
        pairs.truncate(limit);
        Ok(pairs)
    }

    fn stamp(&self, space: Space) -> Option<Stamp> {
        Some(Stamp(self.state.lock().changes.get(&space).copied().unwrap_or(0)))
    }

    async fn commit(&self, space: Space, group: &[u8], batch: Batch) -> Result<(), CommitError> {
        check_batch(group, &batch, INLINE_BYTES)?;
        let mut state = self.state.lock();
        let counters = state.check(space, &batch)?;
        state.apply(space, batch, counters);
        Ok(())
    }

    async fn counters(&self, names: &[Vec<u8>]) -> Result<Vec<i64>, StorageError> {
        let state = self.state.lock();
        names
            .iter()
            .map(|name| check_counter_name(name).map(|()| state.counters.get(name).copied().unwrap_or(0)))
            .collect()
    }

    async fn close(&self, space: Space, from: &[u8], to: Option<&[u8]>) -> Result<bool, StorageError> {
        let mut state = self.state.lock();
        if state.range(space, from, to).next().is_none() {
            state.closed.insert(space);
        }
        Ok(state.closed.contains(&space))
    }

    async fn erase(&self, space: Space) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        if !state.closed.contains(&space) {
            return Err(StorageError::Bounds(format!("space {space} is not closed")));
        }
        *state.changes.entry(space).or_insert(0) += 1;
        state.pairs.retain(|(other, _), _| *other != space);
        Ok(())
    }
}

impl State {
    fn range(&self, space: Space, from: &[u8], to: Option<&[u8]>) -> impl Iterator<Item = (&[u8], &Bytes)> {
        // An empty or inverted range is empty; BTreeMap would panic.
        let to = to.map(|to| to.max(from).to_vec());
        self.pairs
            .range((Bound::Included((space, from.to_vec())), Bound::Unbounded))
            .take_while(move |((other, key), _)| *other == space && to.as_ref().is_none_or(|to| key < to))
            .map(|((_, key), value)| (key.as_slice(), value))
    }

    /// Checks `batch` against what is stored; answers what the counters become.
    fn check(&self, space: Space, batch: &Batch) -> Result<BTreeMap<Vec<u8>, i64>, CommitError> {
        if self.closed.contains(&space) {
            return Err(StorageError::Closed(space).into());
        }
        for (expectation, expected) in batch.expect.iter().enumerate() {
            let current = self.pairs.get(&(space, expected.key().to_vec()));
            if !expected.holds(current.map(Bytes::as_ref)) {
                return Err(CommitError::Conflict { expectation });
            }
        }
        let mut counters = BTreeMap::new();
        for (counter, change) in batch.count.iter().enumerate() {
            let stored = self.counters.get(&change.name).copied().unwrap_or(0);
            let value = counters.entry(change.name.clone()).or_insert(stored);
            *value = value
                .checked_add(change.delta)
                .ok_or_else(|| StorageError::Bounds("a counter overflows".to_owned()))?;
            if change.delta > 0 && change.at_most.is_some_and(|most| *value > most) {
                return Err(CommitError::OverLimit { counter });
            }
        }
        for blob in &batch.keep {
            let id = blob.id();
            if self.kept.contains_key(&id) || self.retired.contains_key(&id) {
                return Err(name_taken(id).into());
            }
            let made = self.made.get(&id);
            match blob {
                NewBlob::Inline(..) if made.is_some() => return Err(name_taken(id).into()),
                NewBlob::Made(_) if !matches!(made, Some(Some(_))) => return Err(StorageError::NoSuchBlob(id).into()),
                NewBlob::Inline(..) | NewBlob::Made(_) => {}
            }
        }
        Ok(counters)
    }

    fn apply(&mut self, space: Space, batch: Batch, counters: BTreeMap<Vec<u8>, i64>) {
        *self.changes.entry(space).or_insert(0) += 1;
        for key in batch.delete {
            self.pairs.remove(&(space, key));
        }
        for (key, value) in batch.put {
            self.pairs.insert((space, key), value);
        }
        self.counters.extend(counters);
        for blob in batch.keep {
            let (id, body) = match blob {
                NewBlob::Inline(id, body) => (id, Some(body)),
                NewBlob::Made(id) => (id, self.made.remove(&id).flatten()),
            };
            self.kept.extend(body.map(|body| (id, body)));
        }
        for id in batch.retire {
            if self.made.get(&id).is_some_and(Option::is_some) {
                self.made.remove(&id);
            }
            if let Some(body) = self.kept.remove(&id) {
                self.retired.insert(id, (self.epoch, body));
            }
        }
        self.epoch += 1;
        self.reap();
    }

    /// Drops the retired blobs that no pin can see.
    fn reap(&mut self) {
        let oldest = self.pins.first_key_value().map_or(u64::MAX, |(epoch, _)| *epoch);
        self.retired.retain(|_, (epoch, _)| *epoch >= oldest);
    }

    fn find(&self, id: BlobId) -> Result<&Bytes, StorageError> {
        let retired = || self.retired.get(&id).map(|(_, body)| body);
        self.kept.get(&id).or_else(retired).ok_or(StorageError::NoSuchBlob(id))
    }
}

#[async_trait]
impl Blobs for MemoryStore {
    fn inline_limit(&self) -> usize {
        INLINE_BYTES
    }

    async fn create(&self, id: BlobId, _expected: Option<u64>) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.state.lock().reserve(id)?;
        Ok(Box::new(MemoryWriter { state: Arc::clone(&self.state), id, content: BytesMut::new(), finished: false }))
    }

    async fn link(&self, from: BlobId, to: BlobId) -> Result<BlobInfo, StorageError> {
        let mut state = self.state.lock();
        let body = state.find(from)?.clone();
        state.reserve(to)?;
        let info = info(to, &body);
        state.made.insert(to, Some(body));
        Ok(info)
    }

    fn pin(&self) -> Pin {
        let mut state = self.state.lock();
        let epoch = state.epoch;
        *state.pins.entry(epoch).or_insert(0) += 1;
        Pin::new(PinGuard { state: Arc::clone(&self.state), epoch })
    }

    async fn read(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, StorageError> {
        let body = self.state.lock().find(id)?.clone();
        check_range(&range, body.len() as u64)?;
        let bounds = usize::try_from(range.start).and_then(|start| usize::try_from(range.end).map(|end| start..end));
        let bounds = bounds.map_err(|_| StorageError::Bounds("a range beyond memory".to_owned()))?;
        Ok(ByteStream::from(body.slice(bounds)))
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobInfo>, StorageError> {
        let state = self.state.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let blobs = state.kept.range((from, Bound::Unbounded)).take(limit.min(limits::SCAN_KEYS));
        Ok(blobs.map(|(id, body)| info(*id, body)).collect())
    }
}

impl State {
    /// Takes a name for a blob that is being made.
    fn reserve(&mut self, id: BlobId) -> Result<(), StorageError> {
        if self.made.contains_key(&id) || self.find(id).is_ok() {
            return Err(name_taken(id));
        }
        self.made.insert(id, None);
        Ok(())
    }
}

fn info(id: BlobId, body: &Bytes) -> BlobInfo {
    let crc = Checksum::of(ChecksumAlgorithm::Crc64Nvme, body);
    let crc64 = crc.bytes().iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte));
    BlobInfo { id, length: body.len() as u64, crc64 }
}

struct PinGuard {
    state: Arc<Mutex<State>>,
    epoch: u64,
}

impl Drop for PinGuard {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if let Some(count) = state.pins.get_mut(&self.epoch) {
            *count -= 1;
            if *count == 0 {
                state.pins.remove(&self.epoch);
            }
        }
        state.reap();
    }
}

struct MemoryWriter {
    state: Arc<Mutex<State>>,
    id: BlobId,
    content: BytesMut,
    finished: bool,
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.content.extend_from_slice(&piece);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo, StorageError> {
        let body = std::mem::take(&mut self.content).freeze();
        let info = info(self.id, &body);
        self.finished = true;
        self.state.lock().made.insert(self.id, Some(body));
        Ok(info)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        if !self.finished {
            self.state.lock().made.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::MemoryStore;
    use crate::Engine;
    use crate::conformance::{self, Subject};

    struct Memory(parking_lot::Mutex<MemoryStore>);

    #[async_trait]
    impl Subject for Memory {
        async fn open(&self) -> Engine {
            *self.0.lock() = MemoryStore::new();
            Engine::new(std::sync::Arc::new(self.0.lock().clone()))
        }

        async fn reopen(&self, engine: Engine) -> Engine {
            self.0.lock().reopen();
            engine
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_contracts() {
        conformance::run(&Memory(parking_lot::Mutex::default())).await;
    }
}
