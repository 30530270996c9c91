//! The committer: the one place that changes the store.
//!
//! It is a thread's. A caller who is alone ([`crate::threads::traffic`]) does the thread's work himself, so that his
//! commit waits for the device and for no other thread.
//!
//! It takes all requests that are waiting, checks each against the index and against what the group changes already,
//! writes the records of those that hold into one buffer, appends it with one sync, lets the index have the changes,
//! and only then answers, refusals too: what is not durable is seen by nobody. Meanwhile the next requests gather; so
//! the busier the store, the larger its groups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use storage::bounds::name_taken;
use storage::{Batch, Bounded, CommitError, NewBlob, Space, StorageError};
use tokio::sync::oneshot;
use types::BlobId;

use crate::blobs::making::Made;
use crate::blobs::place::Place;
use crate::index::keys;
use crate::index::stage::Stage;
use crate::log::format::{Framer, Kind, PAYLOAD_BYTES, RECORD_ALIGNMENT, RECORD_HEADER_BYTES};
use crate::log::records::{self, BatchWriter, MOVED_OVERHEAD, batch_overhead, payload_bound};
use crate::log::writer::LogWriter;
use crate::store::Shared;
use crate::threads::queue::{Answer, Body, Change, Request, Wake};

/// The bytes after which a group is written although more requests wait: bounds memory and latency.
const GROUP_BYTES: usize = 8 << 20;
/// How long a group waits where flushes fall behind: enough for them to catch up, too little for a client to notice.
const STALL: Duration = Duration::from_millis(20);

/// The thread. Ends when the queue is stopped and empty; the log then ends with a mark.
pub(crate) fn run(shared: &Shared, committer: &Mutex<Committer>) {
    loop {
        match shared.queue.wait() {
            Wake::Requests => {
                committer.lock().step();
            }
            Wake::Rest => (shared.options.at_rest)(),
            Wake::Stopped => return committer.lock().end(),
        }
    }
}

/// Whoever has it changes the store: the thread, or a caller who is alone.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    log: LogWriter,
    framer: Framer,
    closed: BTreeSet<Space>,
    /// Retired blobs that are not forgotten: their names are taken.
    retired: BTreeSet<BlobId>,
    /// The log's bytes since the index was last sealed.
    unsealed_bytes: u64,
    /// The log's bytes since it was last looked whether the store is at rest.
    unseen_bytes: u64,
    group: Group,
    /// Empty between steps; keeps its memory.
    requests: Vec<Request>,
}

/// A group that is being made.
#[derive(Default)]
struct Group {
    buffer: Vec<u8>,
    /// The last record, whose header is still open.
    open: Option<(usize, Kind)>,
    records: u64,
    stage: Stage,
    replies: Vec<(oneshot::Sender<Answer>, Answer)>,
    kept: Vec<BlobId>,
    discarded: Vec<BlobId>,
}

impl Committer {
    /// `replayed_bytes` is the part of the log that opening had to read, and would have to read again.
    pub(crate) fn new(
        shared: Arc<Shared>,
        log: LogWriter,
        framer: Framer,
        closed: BTreeSet<Space>,
        retired: BTreeSet<BlobId>,
        replayed_bytes: u64,
    ) -> Self {
        let (group, requests) = (Group::default(), Vec::new());
        let (unsealed_bytes, unseen_bytes) = (replayed_bytes, 0);
        Self { shared, log, framer, closed, retired, unsealed_bytes, unseen_bytes, group, requests }
    }

    /// Does all that is waiting. Answers whether there was anything to do.
    pub(crate) fn step(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let _abandon = AbandonOnPanic(&shared);
        let mut requests = std::mem::take(&mut self.requests);
        let found = shared.queue.take_waiting(&mut requests);
        for request in requests.drain(..) {
            self.request(request);
        }
        self.finish();
        self.requests = requests;
        found
    }

    /// If the store is at rest, because no more than `quiet` bytes of log were written since the last call: sets the index's
    /// part in memory aside for a flush where more than `least` bytes of log wait for it, and answers whether it did.
    pub(crate) fn settle(&mut self, least: u64, quiet: u64) -> Option<bool> {
        let is_at_rest = std::mem::take(&mut self.unseen_bytes) <= quiet && self.shared.failure().is_none();
        let is_worth_it = is_at_rest && self.unsealed_bytes > least;
        if is_worth_it {
            self.seal();
        }
        is_at_rest.then_some(is_worth_it)
    }

    /// Ends the log with a mark.
    pub(crate) fn end(&mut self) {
        if self.log.next() > 1 && self.make_room(0).is_ok() {
            self.begin(Kind::Mark);
            self.finish();
        }
        // After a failure the index may have a part of a group; the log has all that counts.
        if self.shared.failure().is_none() {
            self.seal();
            self.log.end();
        }
    }

    fn request(&mut self, request: Request) {
        let answer = match self.shared.failure() {
            Some(failure) => Err(StorageError::ReadOnly(failure.to_owned()).into()),
            None => self.change(request.change),
        };
        self.group.replies.push((request.reply, answer));
    }

    fn change(&mut self, change: Change) -> Answer {
        match change {
            Change::Batch { space, group, batch, crcs } => self.batch(space, &group, batch, &crcs)?,
            Change::Close { space, from, to } => return self.close(space, &from, to.as_deref()),
            Change::Erase { space, keys } => self.erase(space, &keys)?,
            Change::Forget(blobs) => self.forget(&blobs)?,
            Change::Move(bodies) => self.move_bodies(&bodies)?,
        }
        Ok(true)
    }

    fn batch(&mut self, space: Space, group: &[u8], batch: Batch, crcs: &[u64]) -> Result<(), CommitError> {
        if self.closed.contains(&space) {
            return Err(StorageError::Closed(space).into());
        }
        let made = self.find_made(&batch);
        self.make_room(payload_bound(group, &batch, &made))?;
        self.check_expectations(space, &batch)?;
        self.check_counters(&batch.count)?;
        self.check_keeps(&batch, &made)?;
        let written = self.write_batch(space, group, &batch, crcs, made);
        self.or_fail(written)
    }

    /// A record that is begun and can not be completed spoils its group. All that it reads was read before, so this is
    /// a device that fails in just this moment.
    fn or_fail(&self, written: Result<(), StorageError>) -> Result<(), CommitError> {
        self.note_unreadable(written.clone());
        Ok(written?)
    }

    /// Takes no more writes where the index could not be read when it had to be.
    fn note_unreadable(&self, read: Result<(), StorageError>) {
        if let Err(error) = read {
            self.shared.fail(format!("the index can not be read: {error}"));
        }
    }

    /// What is known of each blob that the batch keeps, where it was made.
    fn find_made(&self, batch: &Batch) -> Vec<Option<Made>> {
        let made = batch.keep.iter().map(|blob| self.shared.making.get(blob.id()));
        made.collect()
    }

    fn check_expectations(&self, space: Space, batch: &Batch) -> Result<(), CommitError> {
        for (expectation, expected) in batch.expect.iter().enumerate() {
            let key = keys::pair(space, [expected.key(), b""]);
            let (stage, index) = (&self.group.stage, &self.shared.index);
            let holds = || Ok::<_, StorageError>(expected.holds(stage.get(index, &key)?.as_deref()));
            if batch.read_after.is_some_and(|moment| stage.is_unchanged_since(moment, index, &key)) {
                debug_assert!(holds()?, "expectation {expectation} was not read after {:?}", batch.read_after);
            } else if !holds()? {
                return Err(CommitError::Conflict { expectation });
            }
        }
        Ok(())
    }

    fn check_counters(&self, changes: &[Bounded]) -> Result<(), CommitError> {
        let mut values: Vec<(&[u8], i64)> = Vec::with_capacity(changes.len());
        for (counter, change) in changes.iter().enumerate() {
            let at = match values.iter().position(|(name, _)| *name == change.name) {
                Some(at) => at,
                None => {
                    values.push((&change.name, self.group.stage.counter(&self.shared.index, &change.name)?));
                    values.len() - 1
                }
            };
            let value = &mut values[at].1;
            *value = value
                .checked_add(change.delta)
                .ok_or_else(|| StorageError::Bounds("a counter overflows".to_owned()))?;
            if change.delta > 0 && change.at_most.is_some_and(|most| *value > most) {
                return Err(CommitError::OverLimit { counter });
            }
        }
        Ok(())
    }

    fn check_keeps(&self, batch: &Batch, made: &[Option<Made>]) -> Result<(), CommitError> {
        if !batch.keep.is_empty() && self.shared.preparer.is_short_of_space() {
            return Err(StorageError::Full.into());
        }
        for (blob, made) in batch.keep.iter().zip(made) {
            let id = blob.id();
            // Names are new, by the contract. To look for one that is not would cost small PUTs a twentieth of their rate,
            // so a release trusts its callers.
            let is_kept = || self.group.stage.is_kept(&self.shared.index, id);
            let is_taken = self.retired.contains(&id) || self.group.stage.keeps(id);
            if is_taken || cfg!(debug_assertions) && is_kept()? {
                return Err(name_taken(id).into());
            }
            match (blob, made) {
                (NewBlob::Inline(..), Some(_)) => return Err(name_taken(id).into()),
                (NewBlob::Made(_), None | Some(Made::Unfinished)) => return Err(StorageError::NoSuchBlob(id).into()),
                (NewBlob::Made(_), Some(_)) if self.group.discarded.contains(&id) => {
                    return Err(StorageError::NoSuchBlob(id).into());
                }
                (NewBlob::Inline(..), None) | (NewBlob::Made(_), Some(_)) => {}
            }
        }
        Ok(())
    }

    fn write_batch(
        &mut self,
        space: Space,
        group: &[u8],
        batch: &Batch,
        crcs: &[u64],
        made: Vec<Option<Made>>,
    ) -> Result<(), StorageError> {
        self.begin(Kind::Batch);
        let Group { buffer, stage, kept, discarded, .. } = &mut self.group;
        let index = &self.shared.index;
        let counts = [batch.put.len(), batch.delete.len(), batch.keep.len(), batch.retire.len(), batch.count.len()];
        let mut writer = BatchWriter::begin(buffer, space, group, counts);
        for (key, value) in &batch.put {
            writer.put(key, value);
        }
        for key in &batch.delete {
            writer.delete(key);
            stage.delete(keys::pair(space, [key, b""]));
        }
        for (key, value) in &batch.put {
            stage.put(keys::pair(space, [key, b""]), value);
        }
        let mut inline_crcs = crcs.iter();
        for (blob, made) in batch.keep.iter().zip(made) {
            let id = blob.id();
            let (body, crc64) = match (blob, made) {
                (NewBlob::Inline(_, body), _) => (body.clone(), inline_crcs.next().copied().unwrap_or_default()),
                (NewBlob::Made(_), Some(Made::Body { bytes, crc64 })) => (bytes, crc64),
                (NewBlob::Made(_), Some(Made::File { length, crc64 })) => {
                    writer.keep_file(id, length, crc64);
                    stage.keep(id, Place::File { length, crc64 });
                    kept.push(id);
                    continue;
                }
                (NewBlob::Made(_), None | Some(Made::Unfinished)) => return Err(StorageError::NoSuchBlob(id)),
            };
            let at = writer.keep_body(id, crc64, &body);
            stage.keep(id, self.log.place(at, body.len(), crc64));
            kept.push(id);
        }
        for id in &batch.retire {
            writer.retire(*id);
            let made = if stage.keeps(*id) { None } else { self.shared.making.get(*id) };
            match made {
                None if self.retired.insert(*id) => stage.retire(*id),
                None | Some(Made::Unfinished) => {}
                Some(Made::Body { .. } | Made::File { .. }) => discarded.push(*id),
            }
        }
        for change in &batch.count {
            writer.count(change);
            stage.add(index, &change.name, change.delta)?;
        }
        Ok(())
    }

    fn close(&mut self, space: Space, from: &[u8], to: Option<&[u8]>) -> Answer {
        if self.closed.contains(&space) {
            return Ok(true);
        }
        // The range is looked for in the index, so what the group changes must be there first.
        self.finish();
        self.make_room(8)?;
        let index = &self.shared.index;
        let (from, to) = keys::pairs(space, from, to);
        if !index.range(&index.snapshot(), &from, &to, 1)?.is_empty() {
            return Ok(false);
        }
        self.begin(Kind::Close);
        records::write_close(&mut self.group.buffer, space);
        self.group.stage.close(space);
        self.closed.insert(space);
        Ok(true)
    }

    fn erase(&mut self, space: Space, erased: &[Bytes]) -> Result<(), CommitError> {
        let bytes: usize = erased.iter().map(Bytes::len).sum();
        self.make_room(batch_overhead(0, erased.len(), 0, 0, 0) + bytes)?;
        self.begin(Kind::Batch);
        let mut writer = BatchWriter::begin(&mut self.group.buffer, space, b"", [0, erased.len(), 0, 0, 0]);
        for key in erased {
            writer.delete(key);
            self.group.stage.delete(keys::pair(space, [key, b""]));
        }
        Ok(())
    }

    fn forget(&mut self, blobs: &[(BlobId, Option<Place>)]) -> Result<(), StorageError> {
        self.make_room(blobs.len() * 16)?;
        self.begin(Kind::Forget);
        records::write_forget(&mut self.group.buffer, blobs.iter().map(|(id, _)| *id));
        for (id, place) in blobs {
            self.group.stage.forget(&self.shared.index, *id, *place);
            self.retired.remove(id);
        }
        Ok(())
    }

    fn move_bodies(&mut self, bodies: &[Body]) -> Result<(), CommitError> {
        let bytes: usize = bodies.iter().map(|body| body.bytes.len() + MOVED_OVERHEAD).sum();
        self.make_room(bytes)?;
        self.begin(Kind::Move);
        let moved = bodies.iter().try_for_each(|body| self.move_body(body));
        self.or_fail(moved)
    }

    fn move_body(&mut self, body: &Body) -> Result<(), StorageError> {
        let Group { buffer, stage, .. } = &mut self.group;
        // Only the committer changes places, so what is there now is there when the record is applied.
        let place = stage.place(&self.shared.index, body.id)?;
        if matches!(place, Some((_, Place::Packed { segment, offset, .. })) if (segment, offset) == body.from) {
            let at = records::write_moved(buffer, body.id, body.from, body.crc64, &body.bytes);
            let to = self.log.place(at, body.bytes.len(), body.crc64);
            stage.moved(&self.shared.index, body.id, body.from, to)?;
        }
        Ok(())
    }

    /// Makes sure that a record with such a payload fits into the group and its segment.
    fn make_room(&mut self, payload: usize) -> Result<(), StorageError> {
        if payload > PAYLOAD_BYTES {
            return Err(StorageError::Bounds(format!("a batch takes {payload} bytes")));
        }
        let record = RECORD_HEADER_BYTES + payload + RECORD_ALIGNMENT;
        let together = self.group.buffer.len() + record;
        if together > GROUP_BYTES || !self.log.fits(together) {
            self.finish();
        }
        if let Some(failure) = self.shared.failure() {
            return Err(StorageError::ReadOnly(failure.to_owned()));
        }
        if !self.log.fits(self.group.buffer.len() + record) {
            self.log.roll(record)?;
        }
        Ok(())
    }

    /// Begins a record at the end of the group. There is room.
    fn begin(&mut self, kind: Kind) {
        self.seal_open(false);
        if self.group.buffer.is_empty() {
            self.log.begin(&mut self.group.buffer);
        }
        self.group.open = Some((Framer::begin(&mut self.group.buffer), kind));
    }

    fn seal_open(&mut self, last: bool) {
        if let Some((start, kind)) = self.group.open.take() {
            let first = self.log.next();
            let sequence = first + self.group.records;
            self.framer.seal(&mut self.group.buffer, start, kind, sequence, first, last);
            self.group.records += 1;
        }
    }

    /// Writes the group, lets the index have it, and answers.
    fn finish(&mut self) {
        self.seal_open(true);
        if let Some(failure) = self.shared.failure() {
            let failure = StorageError::ReadOnly(failure.to_owned());
            self.spoil(&failure.into());
        } else if self.group.records > 0 {
            let started = Instant::now();
            match self.log.append(&mut self.group.buffer, self.group.records) {
                Ok(()) => self.publish(started),
                Err(error) => self.fail(&error),
            }
        }
        let group = &mut self.group;
        group.records = 0;
        group.kept.clear();
        group.discarded.clear();
        group.buffer.clear();
        group.buffer.shrink_to(GROUP_BYTES);
        for (reply, answer) in group.replies.drain(..) {
            // Whoever gave up waiting does not want the answer.
            let _ = reply.send(answer);
        }
    }

    fn publish(&mut self, started: Instant) {
        let (shared, took) = (&self.shared, started.elapsed());
        shared.traffic.group(self.group.replies.len(), took);
        metrics::histogram!("commonhold_storage_sync_seconds").record(took.as_secs_f64());
        metrics::histogram!("commonhold_storage_group_records").record(self.group.records as f64);
        metrics::counter!("commonhold_storage_log_bytes_total").increment(self.group.buffer.len() as u64);
        let last = self.log.next() - 1;
        let applied = shared.index.apply(std::mem::take(&mut self.group.stage), last, &shared.segments);
        shared.making.forget(&self.group.kept);
        if !applied.retired.is_empty() {
            shared.retirement.retire(applied.retired);
        }
        self.group.discarded.retain(|id| shared.making.discard(*id));
        if !self.group.discarded.is_empty() {
            shared.retirement.discard(&self.group.discarded);
        }
        self.unsealed_bytes += self.group.buffer.len() as u64;
        self.unseen_bytes += self.group.buffer.len() as u64;
        let options = &shared.options;
        if applied.memory_bytes > options.memtable_bytes || self.unsealed_bytes > options.replay_bytes {
            self.seal();
            self.shared.keeper.wake();
            if self.shared.index.is_behind() {
                metrics::counter!("commonhold_storage_stalls_total").increment(1);
                std::thread::sleep(STALL);
            }
        } else if applied.is_overlay_full {
            let poured = shared.index.pour();
            self.note_unreadable(poured);
        }
    }

    /// Sets the index's part in memory aside for the next flush. Between groups.
    fn seal(&mut self) {
        self.unsealed_bytes = 0;
        let sealed = self.shared.index.seal(self.log.next() - 1);
        self.note_unreadable(sealed);
    }

    /// The group may be on disk or not. Nothing is written any more: opening the store finds out.
    fn fail(&mut self, error: &std::io::Error) {
        let failure = format!("the log can not be written: {error}");
        self.shared.fail(failure.clone());
        self.spoil(&CommitError::Unknown(failure));
    }

    fn spoil(&mut self, error: &CommitError) {
        self.group.stage = Stage::default();
        for (_, answer) in &mut self.group.replies {
            if answer.is_ok() {
                *answer = Err(error.clone());
            }
        }
    }
}

/// A committer that panics must not leave callers waiting for ever.
struct AbandonOnPanic<'a>(&'a Shared);

impl Drop for AbandonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the committer panicked".to_owned());
            self.0.queue.abandon();
        }
    }
}
