//! Appending: one batch after the other, each with all entries that wait, so that many acts share one sync.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use storage::{Batch, CommitError, Expect, Metadata, Space, StorageError};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use types::{Clock, Timestamp};

use crate::entry::{Act, Ending, Entry, Hash, Line, Outcome};
use crate::{AuditError, keyspace};

/// Entries of the audit log, by `outcome`.
pub const AUDIT_ENTRIES: &str = "commonhold_audit_entries_total";
/// Acts that could not be recorded.
pub const AUDIT_FAILURES: &str = "commonhold_audit_failures_total";

/// The most entries of one batch: with their indexes some hundred keys, and less than the bytes of a batch at the bounds of
/// [`crate::entry`].
const TOGETHER: usize = 64;
/// How often a batch is tried where something else changed the head, or no answer came.
const ATTEMPTS: usize = 3;

/// The last entry of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Its number; 0 where there is none yet.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its moment.
    pub at: Timestamp,
}

impl Head {
    /// That of an empty log.
    pub(crate) const EMPTY: Self = Self { sequence: 0, hash: Hash::GENESIS, at: Timestamp(0) };
}

/// What the first entry that is kept follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// The number of the first entry that is kept.
    pub(crate) first: u64,
    /// The hash of the one before it.
    pub(crate) previous: Hash,
}

impl Anchor {
    /// That of a log from which nothing was taken.
    pub(crate) const BEGINNING: Self = Self { first: 1, previous: Hash::GENESIS };
}

/// The audit log. Cheap to clone; clones are the same. One process at a time may append.
#[derive(Clone)]
pub struct Audit {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    queue: Mutex<Queue>,
    idle: Notify,
    /// Held while old entries go, and while the chain is proven.
    pub(crate) tidying: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    is_appending: bool,
}

/// An act that ended and is not in the log yet. There is at most one for each request in flight.
struct Waiting {
    act: Act,
    ending: Ending,
    durable: oneshot::Sender<Result<u64, AuditError>>,
}

/// An act that is being carried out. To be ended with [`Pending::end`]; dropped, it is recorded with an unknown outcome.
#[must_use = "it has to be ended with what became of the act"]
pub struct Pending {
    shared: Arc<Shared>,
    act: Option<Act>,
}

impl Audit {
    /// The log in the control space of `metadata`. To be called in the runtime that appends.
    ///
    /// # Errors
    /// Where the head can not be read.
    pub async fn open(metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        let head = read_head(&*metadata).await?;
        // A head that is noted elsewhere is what a log that was written anew can be told from.
        tracing::info!(sequence = head.sequence, hash = %head.hash, "the audit log ends here");
        let shared = Shared {
            metadata,
            clock,
            runtime: Handle::current(),
            queue: Mutex::default(),
            idle: Notify::new(),
            tidying: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes note of an act that is about to be carried out.
    pub fn begin(&self, act: Act) -> Pending {
        Pending { shared: Arc::clone(&self.shared), act: Some(act) }
    }

    /// The last entry.
    ///
    /// # Errors
    /// Where it can not be read.
    pub async fn head(&self) -> Result<Head, AuditError> {
        read_head(&*self.shared.metadata).await
    }

    /// Waits until everything that ended is recorded, or is known not to be: before the store is closed.
    pub async fn idle(&self) {
        loop {
            let idle = self.shared.idle.notified();
            if !self.shared.queue.lock().is_appending {
                return;
            }
            idle.await;
        }
    }
}

impl Pending {
    /// Adds facts that became known since the beginning.
    pub fn add_facts(&mut self, facts: impl IntoIterator<Item = (String, String)>) {
        if let Some(act) = &mut self.act {
            act.facts.extend(facts);
        }
    }

    /// Leaves the act out of the log, for the caller's own good reason.
    pub fn forget(mut self) {
        self.act = None;
    }

    /// Records how the act ended; returns the entry's number when it is durable. The entry comes into the log even where the
    /// future is dropped.
    ///
    /// # Errors
    /// Where it is not in the log, or may not be. The act is what it is all the same.
    pub fn end(mut self, ending: Ending) -> impl Future<Output = Result<u64, AuditError>> + Send + use<> {
        let act = self.act.take().expect("it is taken here and in drop only");
        let recorded = self.shared.append(act, ending);
        async move {
            let lost = |_| Err(AuditError::Unknown("the server ends".to_owned()));
            recorded.await.unwrap_or_else(lost)
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(act) = self.act.take() {
            drop(self.shared.append(act, Ending::with_error(Outcome::Unknown, "")));
        }
    }
}

impl Shared {
    fn append(self: &Arc<Self>, act: Act, ending: Ending) -> oneshot::Receiver<Result<u64, AuditError>> {
        let (durable, recorded) = oneshot::channel();
        let mut queue = self.queue.lock();
        queue.waiting.push_back(Waiting { act, ending, durable });
        if !std::mem::replace(&mut queue.is_appending, true) {
            let shared = Arc::clone(self);
            self.runtime.spawn(async move { shared.append_all().await });
        }
        recorded
    }

    /// Appends what waits until nothing does.
    async fn append_all(&self) {
        loop {
            let together: Vec<Waiting> = {
                let mut queue = self.queue.lock();
                let count = queue.waiting.len().min(TOGETHER);
                if count == 0 {
                    queue.is_appending = false;
                    self.idle.notify_waiters();
                    return;
                }
                queue.waiting.drain(..count).collect()
            };
            let outcome = self.append_together(&together).await;
            self.tell(together, outcome);
        }
    }

    /// Tells each of those who wait what became of it: the number of its entry is that of the first plus its place.
    fn tell(&self, together: Vec<Waiting>, outcome: Result<u64, AuditError>) {
        for (sequence, waiting) in (outcome.as_ref().copied().unwrap_or_default()..).zip(together) {
            match &outcome {
                Ok(_) => {
                    metrics::counter!(AUDIT_ENTRIES, "outcome" => waiting.ending.outcome.name()).increment(1);
                }
                Err(error) => {
                    metrics::counter!(AUDIT_FAILURES).increment(1);
                    let Act { actor, action, target, .. } = &waiting.act;
                    let outcome = waiting.ending.outcome;
                    tracing::error!(%error, %actor, action, target, %outcome, "an act is not in the audit log");
                }
            }
            // Whoever waits may have gone away.
            let _ = waiting.durable.send(outcome.clone().map(|_| sequence));
        }
    }

    /// Appends entries and answers with the number of the first one.
    async fn append_together(&self, together: &[Waiting]) -> Result<u64, AuditError> {
        let mut unknown = None;
        for _ in 0..ATTEMPTS {
            let head = read_head_raw(&*self.metadata).await?;
            let (batch, next) = self.batch(together, head.as_ref())?;
            let first = head.map_or(0, |(head, _)| head.sequence) + 1;
            match self.metadata.commit(Space::CONTROL, keyspace::GROUP, batch).await {
                Ok(()) => return Ok(first),
                Err(CommitError::Unknown(reason)) => {
                    if read_head(&*self.metadata).await.map_err(|_| AuditError::Unknown(reason.clone()))? == next {
                        return Ok(first);
                    }
                    unknown = Some(reason);
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::OverLimit { .. }) => {
                    return Err(StorageError::Bounds("the audit log counts nothing".to_owned()).into());
                }
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(match unknown {
            Some(reason) => AuditError::Unknown(reason),
            None => AuditError::Damaged("there are entries after what its head names".to_owned()),
        })
    }

    /// The batch that appends entries after `head`, and the head that it leaves.
    fn batch(&self, together: &[Waiting], head: Option<&(Head, Bytes)>) -> Result<(Batch, Head), AuditError> {
        let unchanged = match head {
            Some((_, raw)) => Expect::Value(keyspace::HEAD.to_vec(), raw.clone()),
            None => Expect::Absent(keyspace::HEAD.to_vec()),
        };
        let mut head = head.map_or(Head::EMPTY, |(head, _)| *head);
        let mut batch = Batch { expect: vec![unchanged], ..Batch::default() };
        for waiting in together {
            let sequence = head.sequence + 1;
            let at = self.clock.now().max(head.at);
            let line = Line::new(head.hash, Entry::new(sequence, at, waiting.act.clone(), waiting.ending.clone()));
            // What lies after the head was not written by this log, and is evidence.
            batch.expect.push(Expect::Absent(keyspace::entry(sequence)));
            batch.put.push((keyspace::entry(sequence), line.to_json().into()));
            let present = || Bytes::from_static(keyspace::PRESENT);
            batch.put.extend(index_lines(&line.entry).into_iter().map(|key| (key, present())));
            head = Head { sequence, hash: line.hash, at };
        }
        let value = serde_json::to_vec(&head).map_err(|error| AuditError::Damaged(error.to_string()))?;
        batch.put.push((keyspace::HEAD.to_vec(), value.into()));
        Ok((batch, head))
    }
}

/// The lines of an entry in the indexes.
pub(crate) fn index_lines(entry: &Entry) -> Vec<Vec<u8>> {
    let by_tenancy = entry.tenancy.as_ref().map(keyspace::by_tenancy);
    let prefixes = by_tenancy.into_iter().chain([keyspace::by_actor(&entry.actor)]);
    prefixes.map(|prefix| keyspace::line(&prefix, entry.sequence)).collect()
}

/// The last entry of the log in `metadata`.
pub(crate) async fn read_head(metadata: &dyn Metadata) -> Result<Head, AuditError> {
    Ok(read_head_raw(metadata).await?.map_or(Head::EMPTY, |(head, _)| head))
}

async fn read_head_raw(metadata: &dyn Metadata) -> Result<Option<(Head, Bytes)>, AuditError> {
    let Some(raw) = metadata.get(Space::CONTROL, keyspace::HEAD).await? else { return Ok(None) };
    let head = serde_json::from_slice(&raw).map_err(|error| AuditError::Damaged(format!("its head: {error}")))?;
    Ok(Some((head, raw)))
}

/// What the first entry that is kept follows.
pub(crate) async fn read_anchor(metadata: &dyn Metadata) -> Result<Anchor, AuditError> {
    match metadata.get(Space::CONTROL, keyspace::ANCHOR).await? {
        Some(raw) => serde_json::from_slice(&raw).map_err(|error| AuditError::Damaged(format!("its anchor: {error}"))),
        None => Ok(Anchor::BEGINNING),
    }
}

/// The entry of this number, if it is kept.
pub(crate) async fn read_line(metadata: &dyn Metadata, sequence: u64) -> Result<Option<Line>, AuditError> {
    match metadata.get(Space::CONTROL, &keyspace::entry(sequence)).await? {
        Some(raw) => parse(sequence, &raw).map(Some),
        None => Ok(None),
    }
}

/// The line at the key of entry `sequence`.
pub(crate) fn parse(sequence: u64, raw: &[u8]) -> Result<Line, AuditError> {
    Line::parse(raw).map_err(|reason| AuditError::Damaged(format!("entry {sequence}: {reason}")))
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.act).finish()
    }
}
