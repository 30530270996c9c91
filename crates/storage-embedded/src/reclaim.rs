//! The reclaimer: gives space back while the store serves.
//!
//! It deletes what was retired once no pin needs it, removes segments that are dead, and rewrites those of which half
//! or more can be given back: their live bodies go through the log again, after which they are dead too. While deletes
//! go on it rewrites seldom, because they kill much of what it would move. Once after opening it looks for files that no
//! batch kept.
//!
//! So the log takes at most twice what its live bodies take when they are moved, [`MOVED_OVERHEAD`] with each, and
//! beyond that what the index does not have on disk yet (`memtable_bytes`, at most `replay_bytes`), the segment that is
//! written to, the one that is ready, and one that is being rewritten. What pins hold back counts as living.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use storage::StorageError;
use types::BlobId;

use crate::blobs::file;
use crate::blobs::place::Place;
use crate::blobs::reader::find;
use crate::crc::crc64;
use crate::error::{damaged, from_io};
use crate::log::format::{Framer, Kind};
use crate::log::reading::{Placed, SegmentReader};
use crate::log::records::{Kept, MOVED_OVERHEAD, read_batch, read_moved};
use crate::log::segments::Facts;
use crate::store::Shared;
use crate::threads::queue::{Body, Change, gone};

/// How often segments are looked at, where nothing else wakes the thread.
const INTERVAL: Duration = Duration::from_millis(500);
/// What is retired gathers for so long before it is deleted together: a round for each group of records would have the
/// thread awake all the time beside writers who delete.
const GATHERING: Duration = Duration::from_millis(100);
/// How many rounds in which something was deleted pass between two in which a segment is rewritten; one in which nothing
/// was is always good for it.
const BUSY_ROUNDS: u32 = 16;
/// The share of a segment that its live bodies may take where they are moved to, in percent: above it, the segment
/// stays.
const LIVE_PERCENT: u64 = 50;
/// The part of its live bytes that a segment of bodies too short to be worth moving must lose before it is looked at
/// again: their number is known to whoever reads the segment, and not otherwise.
const LOST_PART: u64 = 8;
/// The blobs that one record forgets: writers wait while the index takes them.
const FORGET_BLOBS: usize = 128;
/// The bytes of bodies that one record moves.
const MOVE_BYTES: usize = 1 << 20;
/// The pause after each such record, so that clients hardly notice.
const MOVE_PAUSE: Duration = Duration::from_millis(10);

/// The thread.
pub(crate) fn run(shared: &Shared, framer: &Framer) {
    let mut reclaimer = Reclaimer::default();
    while reclaimer.round(shared, framer, INTERVAL, &mut |change| commit(shared, change)) {
        if !shared.retirement.has_many() {
            std::thread::sleep(GATHERING);
        }
    }
}

/// What the thread remembers from one round to the next.
#[derive(Default)]
pub(crate) struct Reclaimer {
    looked_for_orphans: bool,
    busy_rounds: u32,
    /// Whether memory was given back since there was something to do.
    rested: bool,
    given_up: HashSet<u64>,
    /// Segments that were not worth rewriting, with the live bytes that they had.
    dense: HashMap<u64, u64>,
}

/// Has the committer do a change, and waits until it is done.
type Commit<'a> = &'a mut dyn FnMut(Change) -> Result<(), StorageError>;

impl Reclaimer {
    /// Does what there is to do, and waits for it up to `timeout`. Answers `false` once the thread is to end.
    pub(crate) fn round(&mut self, shared: &Shared, framer: &Framer, timeout: Duration, commit: Commit<'_>) -> bool {
        if !std::mem::replace(&mut self.looked_for_orphans, true) {
            remove_orphans(shared);
        }
        let Some(work) = shared.retirement.wait(timeout) else { return false };
        self.busy_rounds = if work.retired.is_empty() { 0 } else { self.busy_rounds + 1 };
        let had_blobs = !work.retired.is_empty() || !work.discarded.is_empty();
        discard(shared, &work.discarded);
        if let Err(error) = forget(shared, work.retired, commit) {
            tracing::warn!(%error, "retired blobs can not be deleted now; the next opening tries again");
        }
        let looked = self.clean(shared, framer, commit).unwrap_or_else(|error| {
            tracing::warn!(%error, "segments can not be given back");
            Looked::AtNothing
        });
        let is_at_rest = !had_blobs && looked == Looked::AtNothing;
        if is_at_rest && !self.rested {
            (shared.options.at_rest)();
        }
        self.rested = is_at_rest;
        true
    }

    /// Removes dead segments, and rewrites the one that gives back most. One that can not be rewritten, because of
    /// damage, is left alone until the store is opened again. Answers what it looked at.
    fn clean(&mut self, shared: &Shared, framer: &Framer, commit: Commit<'_>) -> Result<Looked, StorageError> {
        let checkpoint = shared.index.checkpoint();
        let removed = shared.segments.remove_dead(checkpoint).map_err(|error| from_io(&error))?;
        if removed > 0 {
            tracing::debug!(removed, "dead segments removed");
        }
        if shared.failure().is_some() || !self.busy_rounds.is_multiple_of(BUSY_ROUNDS) {
            return Ok(Looked::AtNothing);
        }
        let segments = shared.segments.all();
        self.dense.retain(|segment, _| segments.iter().any(|(other, _)| other == segment));
        let candidates = segments.into_iter().filter(|(segment, facts)| self.is_candidate(*segment, facts, checkpoint));
        let Some((segment, facts)) = candidates.min_by_key(|(_, facts)| facts.live * 1000 / facts.used.max(1)) else {
            return Ok(Looked::AtNothing);
        };
        match rewrite(shared, framer, segment, facts, commit) {
            Ok(Rewritten::NotWorthIt) => {
                self.dense.insert(segment, facts.live);
                // There may be another.
                shared.retirement.wake();
                return Ok(Looked::AtSegment);
            }
            Ok(Rewritten::Moved) if shared.segments.live(segment) == 0 || shared.retirement.is_stopped() => {}
            outcome @ (Ok(Rewritten::Moved) | Err(StorageError::Damaged(_))) => {
                self.given_up.insert(segment);
                outcome?;
                tracing::error!(segment, "a segment has live bytes that no record of it names");
            }
            Err(error) => return Err(error),
        }
        shared.segments.remove_dead(shared.index.checkpoint()).map_err(|error| from_io(&error))?;
        Ok(Looked::AtSegment)
    }

    /// Whether rewriting a segment may give back enough.
    fn is_candidate(&self, segment: u64, facts: &Facts, checkpoint: u64) -> bool {
        facts.live > 0
            && facts.last.is_some_and(|last| last <= checkpoint)
            && is_sparse(facts.live, facts.used)
            && !self.given_up.contains(&segment)
            && self.dense.get(&segment).is_none_or(|then| facts.live < then - then.div_ceil(LOST_PART))
    }
}

/// Whether what lives of `used` bytes is little enough.
fn is_sparse(live: u64, used: u64) -> bool {
    live.saturating_mul(100) < used.saturating_mul(LIVE_PERCENT)
}

/// What a round read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    AtNothing,
    /// A segment, with the index beside it.
    AtSegment,
}

/// What became of a segment.
enum Rewritten {
    /// Its bodies are elsewhere.
    Moved,
    /// They would take nearly as much elsewhere.
    NotWorthIt,
}

/// Files of blobs that were made and given up.
fn discard(shared: &Shared, ids: &[BlobId]) {
    for id in ids {
        remove_file(shared, *id);
    }
    shared.making.forget(ids);
}

fn remove_file(shared: &Shared, id: BlobId) {
    match shared.disk.remove(&file::path(id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%id, %error, "a blob's file can not be removed; the next opening tries again");
        }
        _ => {}
    }
}

/// Deletes retired blobs: files first, then their mention.
fn forget(shared: &Shared, mut ids: Vec<BlobId>, commit: Commit<'_>) -> Result<(), StorageError> {
    if ids.is_empty() {
        return Ok(());
    }
    // In the index's order each is found near the one before.
    ids.sort_unstable();
    for ids in ids.chunks(FORGET_BLOBS) {
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let place = find(shared, *id)?;
            if let Some(Place::File { .. }) = place {
                remove_file(shared, *id);
            }
            places.push((*id, place));
        }
        commit(Change::Forget(places))?;
    }
    Ok(())
}

fn commit(shared: &Shared, change: Change) -> Result<(), StorageError> {
    match shared.queue.send(change).blocking_recv() {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(StorageError::Io(error.to_string())),
        Err(_) => Err(gone()),
    }
}

/// Copies the live bodies of a segment to the end of the log.
fn rewrite(
    shared: &Shared,
    framer: &Framer,
    segment: u64,
    facts: Facts,
    commit: Commit<'_>,
) -> Result<Rewritten, StorageError> {
    let file = shared.segments.file(segment).map_err(|error| from_io(&error))?;
    let Some(file) = file else { return Ok(Rewritten::Moved) };
    let read = || SegmentReader::new(Arc::clone(&file), framer, facts.used);
    if !is_sparse(moved_bytes(shared, segment, read())?, facts.used) {
        return Ok(Rewritten::NotWorthIt);
    }
    tracing::debug!(segment, facts.live, facts.used, "rewriting a segment");
    let mut records = read();
    let mut moving = Vec::new();
    let mut moving_bytes = 0;
    while let Some(record) = records.next().map_err(|error| from_io(&error))? {
        for (id, at, length) in bodies(&record) {
            let Some(body) = live_body(shared, segment, &record, id, at, length)? else { continue };
            moving_bytes += body.bytes.len();
            moving.push(body);
            if moving_bytes >= MOVE_BYTES {
                moving_bytes = 0;
                commit(Change::Move(std::mem::take(&mut moving)))?;
                std::thread::sleep(MOVE_PAUSE);
                if shared.retirement.is_stopped() {
                    return Ok(Rewritten::Moved);
                }
            }
        }
    }
    if !moving.is_empty() {
        commit(Change::Move(moving))?;
    }
    Ok(Rewritten::Moved)
}

/// What the live bodies of a segment would take elsewhere.
fn moved_bytes(shared: &Shared, segment: u64, mut records: SegmentReader<'_>) -> Result<u64, StorageError> {
    let mut bytes = 0;
    while let Some(record) = records.next().map_err(|error| from_io(&error))? {
        for (id, at, length) in bodies(&record) {
            if living_at(shared, (segment, offset(&record, at)?), id)?.is_some() {
                bytes += (length + MOVED_OVERHEAD) as u64;
            }
        }
    }
    Ok(bytes)
}

/// The bodies in a record: whose, where in the payload, how long.
fn bodies(record: &Placed<'_>) -> Vec<(BlobId, usize, usize)> {
    match record.kind {
        Kind::Batch => {
            let kept = read_batch(record.payload).map(|batch| batch.keep).unwrap_or_default();
            let bodies = kept.into_iter().filter_map(|(id, kept)| match kept {
                Kept::Body { at, length, .. } => Some((id, at, length as usize)),
                Kept::File { .. } => None,
            });
            bodies.collect()
        }
        Kind::Move => {
            let moved = read_moved(record.payload).unwrap_or_default().into_iter();
            moved.map(|body| (body.id, body.at, body.length as usize)).collect()
        }
        Kind::Close | Kind::Forget | Kind::Mark => Vec::new(),
    }
}

/// The body of a blob that still has it at `at` of the record's payload.
fn live_body(
    shared: &Shared,
    segment: u64,
    record: &Placed<'_>,
    id: BlobId,
    at: usize,
    length: usize,
) -> Result<Option<Body>, StorageError> {
    let from = (segment, offset(record, at)?);
    let Some(expected) = living_at(shared, from, id)? else { return Ok(None) };
    let bytes = &record.payload[at..at + length];
    if crc64(bytes) != expected {
        return Err(damaged(format!("blob {id} does not verify in segment {segment:016x}")));
    }
    Ok(Some(Body { id, from, crc64: expected, bytes: bytes.to_vec().into() }))
}

/// The checksum of a blob's body, if the blob still has it there.
fn living_at(shared: &Shared, from: (u64, u32), id: BlobId) -> Result<Option<u64>, StorageError> {
    Ok(match find(shared, id)? {
        Some(Place::Packed { segment, offset, crc64, .. }) if (segment, offset) == from => Some(crc64),
        _ => None,
    })
}

/// The offset in the segment of what is at `at` of a record's payload.
fn offset(record: &Placed<'_>, at: usize) -> Result<u32, StorageError> {
    record.offset(at).ok_or_else(|| damaged("a segment is too long".to_owned()))
}

/// Removes the files that no batch kept: a crash came between making them and the batch.
fn remove_orphans(shared: &Shared) {
    let mut removed = 0;
    for first in 0..=u8::MAX {
        let directory = format!("{}/{first:02x}", file::DIRECTORY);
        let names = match shared.disk.list(&directory) {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(directory, %error, "the files of blobs can not be listed");
                continue;
            }
        };
        for name in names {
            if shared.retirement.is_stopped() {
                return;
            }
            let Ok(id) = name.parse::<BlobId>() else { continue };
            if is_orphan(shared, id) {
                // Looked at again under the lock: a blob of that name may have been made and kept since.
                shared.making.unless_taken(id, || {
                    if is_orphan(shared, id) {
                        remove_file(shared, id);
                        removed += 1;
                    }
                });
            }
        }
    }
    if removed > 0 {
        tracing::info!(removed, "files of blobs that no batch kept were removed");
    }
}

/// Whether no kept or retired blob has a file of this name.
fn is_orphan(shared: &Shared, id: BlobId) -> bool {
    match find(shared, id) {
        Ok(place) => !matches!(place, Some(Place::File { .. })),
        Err(error) => {
            tracing::warn!(%id, %error, "the index can not be read");
            false
        }
    }
}
