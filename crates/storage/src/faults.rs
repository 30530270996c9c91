//! An engine that fails on demand.
//!
//! A [`Faulty`] passes every call on to the engine under it, unless its [`Plan`] has a [`Fault`] for that call: "the
//! third commit fails with `Full`", "the next commit happens, but its answer is lost".

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use types::BlobId;

use crate::{
    Batch, BlobInfo, BlobWriter, Blobs, ByteStream, CommitError, Engine, Metadata, Moment, Pin, Space, Stamp,
    StorageError,
};

/// What can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
    /// [`Metadata::get`].
    Get,
    /// [`Metadata::scan`] and [`Metadata::scan_both`].
    Scan,
    /// [`Metadata::commit`].
    Commit,
    /// [`Metadata::counters`].
    Counters,
    /// [`Metadata::close`].
    Close,
    /// [`Metadata::erase`].
    Erase,
    /// [`Blobs::create`].
    Create,
    /// [`BlobWriter::write`], counted over all writers.
    Write,
    /// [`BlobWriter::finish`], counted over all writers.
    Finish,
    /// [`Blobs::link`].
    Link,
    /// [`Blobs::read`].
    Read,
    /// [`Blobs::list`].
    List,
}

/// How a call fails.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It does nothing, and answers this.
    Fail(StorageError),
    /// It is passed on after a pause.
    Delay(Duration),
    /// A commit whose answer is lost although it happened. Other calls fail with [`StorageError::Io`].
    UnknownDone,
    /// A commit whose answer is lost, and which did not happen. Other calls fail with [`StorageError::Io`].
    UnknownUndone,
}

/// What happens to calls to come. Calls of each kind are counted from 1.
#[derive(Default, Debug)]
pub struct Plan {
    counts: BTreeMap<Call, u64>,
    faults: BTreeMap<(Call, u64), Fault>,
}

/// A wrapper around any engine that makes it fail as planned.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Engine,
    plan: Arc<Mutex<Plan>>,
}

impl Faulty {
    /// Passes everything on to `inner` until faults are planned.
    pub fn new(inner: Engine) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// The `ahead`-th call of this kind from now on (1 is the next) meets `fault`.
    pub fn plan(&self, call: Call, ahead: u64, fault: Fault) {
        let mut plan = self.plan.lock();
        let at = plan.counts.get(&call).copied().unwrap_or(0) + ahead;
        plan.faults.insert((call, at), fault);
    }

    /// How many calls of this kind were made.
    pub fn calls(&self, call: Call) -> u64 {
        self.plan.lock().counts.get(&call).copied().unwrap_or(0)
    }

    /// Both contracts of this wrapper.
    pub fn engine(&self) -> Engine {
        Engine::new(Arc::new(self.clone()))
    }
}

/// Counts a call and meets its fault, for calls that have no unknown outcome.
async fn pass(plan: &Mutex<Plan>, call: Call) -> Result<(), StorageError> {
    match next(plan, call) {
        None => Ok(()),
        Some(Fault::Fail(error)) => Err(error),
        Some(Fault::Delay(pause)) => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        Some(Fault::UnknownDone | Fault::UnknownUndone) => Err(StorageError::Io("planned fault".to_owned())),
    }
}

fn next(plan: &Mutex<Plan>, call: Call) -> Option<Fault> {
    let mut plan = plan.lock();
    let count = plan.counts.entry(call).or_insert(0);
    *count += 1;
    let at = (call, *count);
    plan.faults.remove(&at)
}

#[async_trait]
impl Metadata for Faulty {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        pass(&self.plan, Call::Get).await?;
        self.inner.metadata.get(space, key).await
    }

    async fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        pass(&self.plan, Call::Scan).await?;
        self.inner.metadata.scan(space, from, to, limit).await
    }

    async fn scan_both(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        pass(&self.plan, Call::Scan).await?;
        self.inner.metadata.scan_both(space, from, to, limit).await
    }

    fn moment(&self) -> Option<Moment> {
        self.inner.metadata.moment()
    }

    fn stamp(&self, space: Space) -> Option<Stamp> {
        self.inner.metadata.stamp(space)
    }

    async fn commit(&self, space: Space, group: &[u8], batch: Batch) -> Result<(), CommitError> {
        match next(&self.plan, Call::Commit) {
            None => {}
            Some(Fault::Fail(error)) => return Err(error.into()),
            Some(Fault::Delay(pause)) => tokio::time::sleep(pause).await,
            Some(Fault::UnknownUndone) => return Err(CommitError::Unknown("planned fault".to_owned())),
            Some(Fault::UnknownDone) => {
                self.inner.metadata.commit(space, group, batch).await?;
                return Err(CommitError::Unknown("planned fault".to_owned()));
            }
        }
        self.inner.metadata.commit(space, group, batch).await
    }

    async fn counters(&self, names: &[Vec<u8>]) -> Result<Vec<i64>, StorageError> {
        pass(&self.plan, Call::Counters).await?;
        self.inner.metadata.counters(names).await
    }

    async fn close(&self, space: Space, from: &[u8], to: Option<&[u8]>) -> Result<bool, StorageError> {
        pass(&self.plan, Call::Close).await?;
        self.inner.metadata.close(space, from, to).await
    }

    async fn erase(&self, space: Space) -> Result<(), StorageError> {
        pass(&self.plan, Call::Erase).await?;
        self.inner.metadata.erase(space).await
    }
}

#[async_trait]
impl Blobs for Faulty {
    fn inline_limit(&self) -> usize {
        self.inner.blobs.inline_limit()
    }

    async fn create(&self, id: BlobId, expected: Option<u64>) -> Result<Box<dyn BlobWriter>, StorageError> {
        pass(&self.plan, Call::Create).await?;
        let inner = self.inner.blobs.create(id, expected).await?;
        Ok(Box::new(FaultyWriter { inner, plan: Arc::clone(&self.plan) }))
    }

    async fn link(&self, from: BlobId, to: BlobId) -> Result<BlobInfo, StorageError> {
        pass(&self.plan, Call::Link).await?;
        self.inner.blobs.link(from, to).await
    }

    fn pin(&self) -> Pin {
        self.inner.blobs.pin()
    }

    async fn read(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, StorageError> {
        pass(&self.plan, Call::Read).await?;
        self.inner.blobs.read(id, range).await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobInfo>, StorageError> {
        pass(&self.plan, Call::List).await?;
        self.inner.blobs.list(after, limit).await
    }
}

struct FaultyWriter {
    inner: Box<dyn BlobWriter>,
    plan: Arc<Mutex<Plan>>,
}

#[async_trait]
impl BlobWriter for FaultyWriter {
    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError> {
        pass(&self.plan, Call::Write).await?;
        self.inner.write(piece).await
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo, StorageError> {
        pass(&self.plan, Call::Finish).await?;
        self.inner.finish().await
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Fault, Faulty};
    use crate::memory::MemoryStore;
    use crate::{Batch, CommitError, Engine, Space, StorageError};

    fn put(value: &'static str) -> Batch {
        Batch { put: vec![(b"g/k".to_vec(), value.into())], ..Batch::default() }
    }

    #[tokio::test]
    async fn faults_come_when_planned_and_once() {
        let faulty = Faulty::new(Engine::new(std::sync::Arc::new(MemoryStore::new())));
        let engine = faulty.engine();
        faulty.plan(Call::Commit, 1, Fault::UnknownUndone);
        faulty.plan(Call::Commit, 2, Fault::UnknownDone);
        faulty.plan(Call::Commit, 3, Fault::Fail(StorageError::Full));
        let space = Space(1);
        let cases = [("a", None, true), ("b", Some("b"), true), ("c", Some("b"), false), ("d", Some("d"), false)];
        for (value, left, unknown) in cases {
            let outcome = engine.metadata.commit(space, b"g/", put(value)).await;
            assert_eq!(matches!(outcome, Err(CommitError::Unknown(_))), unknown, "{value}: {outcome:?}");
            let stored = engine.metadata.get(space, b"g/k").await.unwrap();
            assert_eq!(stored.as_deref(), left.map(str::as_bytes), "{value}");
        }
        assert_eq!(faulty.calls(Call::Commit), 4);
        faulty.plan(Call::Get, 1, Fault::Fail(StorageError::Io("cable".to_owned())));
        assert!(engine.metadata.get(space, b"g/k").await.is_err());
        assert!(engine.metadata.get(space, b"g/k").await.is_ok());
    }
}
