//! Reads back the part of the log that the index does not have yet.
//!
//! The last group of the log may be torn: it was never acknowledged, and goes. Everything before it was synced, and
//! must verify. What tells the two apart is that a group is written only after the one before it is durable: a record
//! of a later group proves that what does not verify before it was durable once. Between segments the header of the
//! next says where the one before must end.

use std::time::Instant;

use super::format::{Framer, Kind, RECORD_HEADER_BYTES, SegmentHeader};
use super::reading::{Placed, SegmentReader, read_header};
use super::records::{read_batch, read_close, read_forget, read_moved};
use super::segments::{DIRECTORY, Facts, Segments, number, path};
use crate::blobs::place::Place;
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::index::stage::Stage;
use crate::index::{Index, decode_i64, keys};
use crate::options::Options;

/// Changes that are gathered before they enter the index.
const STAGED_CHANGES: usize = 4096;

/// Where the log goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: u64,
    pub(crate) next_segment: u64,
    /// The bytes that had to be read.
    pub(crate) replayed_bytes: u64,
}

/// Brings `index` up to the end of the log, and fills `segments`.
///
/// # Errors
/// [`OpenError::Damaged`] where acknowledged records are missing or do not verify; nothing was changed on disk then
/// but the index, which only ever moves forward.
pub(crate) fn recover(
    disk: &dyn Disk,
    index: &Index,
    segments: &Segments,
    framer: &Framer,
    options: &Options,
) -> Result<Recovered, OpenError> {
    let started = Instant::now();
    let found = find_segments(disk)?;
    for (at, (header, length)) in found.used.iter().enumerate() {
        let last = found.used.get(at + 1).map(|(next, _)| next.first - 1);
        segments.insert(header.segment, Facts { last, used: *length, live: 0 });
    }
    let checkpoint = index.checkpoint();
    let mut replay = Replay { index, segments, options, stage: Stage::default(), checkpoint, sequence: 0, applied: 0 };
    replay.load_live()?;
    let start = found.used.iter().rposition(|(header, _)| header.first <= checkpoint + 1);
    let (mut expected, mut bytes) = (checkpoint + 1, 0);
    match start {
        None if found.used.is_empty() && checkpoint == 0 => {}
        None => return Err(missing(checkpoint + 1, found.used.first().map(|(header, _)| header.first))),
        Some(start) => {
            expected = found.used[start].0.first;
            for (at, (header, _)) in found.used.iter().enumerate().skip(start) {
                if header.first != expected {
                    return Err(missing(expected, Some(header.first)));
                }
                let mut records = reader(disk, framer, header.segment)?;
                replay.segment(header.segment, &mut records, &mut expected)?;
                let end = records.at();
                bytes += end;
                if at + 1 == found.used.len() {
                    check_torn(&mut records, expected, found.records_most(), header.segment)?;
                    seal_last(disk, segments, header.segment, expected - 1, end)?;
                }
            }
        }
    }
    if expected <= checkpoint {
        return Err(missing(expected, None));
    }
    remove_unused(disk, framer, &found, expected)?;
    replay.apply()?;
    tracing::info!(
        segments = found.used.len(),
        checkpoint,
        replayed = replay.applied,
        read_bytes = bytes,
        elapsed_ms = started.elapsed().as_millis(),
        "log recovered"
    );
    let highest = found.used.iter().map(|(header, _)| header.segment).max().unwrap_or(0);
    Ok(Recovered { next_sequence: expected, next_segment: highest + 1, replayed_bytes: bytes })
}

struct Found {
    /// In order: headers that verify, and the lengths of their segments.
    used: Vec<(SegmentHeader, u64)>,
    /// After the last of those, and with their lengths too: prepared and never written, or torn in their first group.
    unused: Vec<(u64, u64)>,
}

impl Found {
    /// More records than there can be in what may be torn: the last segment that is used, and those behind it.
    fn records_most(&self) -> u64 {
        let last = self.used.last().map_or(0, |(_, length)| *length);
        let behind: u64 = self.unused.iter().map(|(_, length)| length).sum();
        (last + behind) / RECORD_HEADER_BYTES as u64
    }
}

fn find_segments(disk: &dyn Disk) -> Result<Found, OpenError> {
    let mut numbers: Vec<u64> = disk.list(DIRECTORY)?.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    let mut found = Found { used: Vec::new(), unused: Vec::new() };
    for segment in numbers {
        let file = disk.open(&path(segment), OpenMode::Read)?;
        let length = file.len()?;
        match read_header(&*file, segment)? {
            Some(header) => {
                if let Some((unread, _)) = found.unused.first() {
                    return Err(OpenError::Damaged(format!("the header of {} does not verify", path(*unread))));
                }
                found.used.push((header, length));
            }
            None => found.unused.push((segment, length)),
        }
    }
    Ok(found)
}

fn missing(from: u64, next: Option<u64>) -> OpenError {
    let to = next.map_or_else(|| "the end".to_owned(), |next| format!("{}", next - 1));
    OpenError::Damaged(format!("records {from} to {to} of the log are missing or do not verify"))
}

/// The last segment is not written to again. What was torn in it goes, so that no later opening can take it for data.
fn seal_last(disk: &dyn Disk, segments: &Segments, segment: u64, last: u64, end: u64) -> Result<(), OpenError> {
    let file = disk.open(&path(segment), OpenMode::Write)?;
    if file.len()? > end {
        file.set_len(end)?;
        file.sync_data()?;
    }
    segments.seal(segment, last, end);
    Ok(())
}

fn remove_unused(disk: &dyn Disk, framer: &Framer, found: &Found, expected: u64) -> Result<(), OpenError> {
    for (segment, _) in &found.unused {
        check_torn(&mut reader(disk, framer, *segment)?, expected, found.records_most(), *segment)?;
    }
    for (segment, _) in &found.unused {
        disk.remove(&path(*segment))?;
    }
    if !found.unused.is_empty() {
        disk.sync_dir(DIRECTORY)?;
    }
    Ok(())
}

fn reader<'a>(disk: &dyn Disk, framer: &'a Framer, segment: u64) -> Result<SegmentReader<'a>, OpenError> {
    let file = disk.open(&path(segment), OpenMode::Read)?;
    let length = file.len()?;
    Ok(SegmentReader::new(file, framer, length))
}

/// Fails if anything that follows shows that the group beginning with record `group` was durable: one of at most `most`
/// records after it.
fn check_torn(rest: &mut SegmentReader<'_>, group: u64, most: u64, segment: u64) -> Result<(), OpenError> {
    match rest.find_later(group, most)? {
        Some(later) => Err(OpenError::Damaged(format!(
            "record {group} in {} does not verify, although record {later} after it does",
            path(segment)
        ))),
        None => Ok(()),
    }
}

struct Replay<'a> {
    index: &'a Index,
    segments: &'a Segments,
    options: &'a Options,
    stage: Stage,
    checkpoint: u64,
    /// The last record in the stage.
    sequence: u64,
    applied: u64,
}

impl Replay<'_> {
    /// Takes over the live bytes that the index remembers, and drops those of segments that are gone.
    fn load_live(&mut self) -> Result<(), OpenError> {
        for (key, live) in self.index.all(keys::Range::Segments)? {
            let segment = keys::number_of(&key)?;
            if !self.segments.set_live(segment, decode_i64(&live)?.unsigned_abs()) {
                self.stage.delete(key.to_vec());
            }
        }
        Ok(())
    }

    /// Replays one segment, up to its last whole group.
    fn segment(&mut self, segment: u64, records: &mut SegmentReader<'_>, expected: &mut u64) -> Result<(), OpenError> {
        while let Some(group) = records.next_group(*expected)? {
            *expected += group.len() as u64;
            self.group(segment, &group)?;
        }
        Ok(())
    }

    fn group(&mut self, segment: u64, group: &[Placed<'_>]) -> Result<(), OpenError> {
        for record in group {
            if record.sequence <= self.checkpoint {
                continue;
            }
            self.record(segment, record)?;
            self.sequence = record.sequence;
            self.applied += 1;
        }
        if self.stage.len() >= STAGED_CHANGES {
            self.apply()?;
        }
        Ok(())
    }

    fn apply(&mut self) -> Result<(), OpenError> {
        if self.stage.is_empty() && self.sequence == 0 {
            return Ok(());
        }
        let sequence = self.sequence.max(self.checkpoint);
        let applied = self.index.apply(std::mem::take(&mut self.stage), sequence, self.segments);
        if applied.memory_bytes > self.options.memtable_bytes {
            self.index.seal(sequence)?;
            if let Err(error) = self.index.flush() {
                // The log still has it all.
                tracing::warn!(%error, "the index can not be flushed while the log is replayed");
            }
        } else if applied.is_overlay_full {
            self.index.pour()?;
        }
        Ok(())
    }

    fn record(&mut self, segment: u64, record: &Placed<'_>) -> Result<(), OpenError> {
        let unreadable =
            || OpenError::Damaged(format!("record {} in {} can not be decoded", record.sequence, path(segment)));
        match record.kind {
            Kind::Batch => self.batch(segment, record, unreadable)?,
            Kind::Close => self.stage.close(read_close(record.payload).ok_or_else(unreadable)?),
            Kind::Forget => {
                for id in read_forget(record.payload).ok_or_else(unreadable)? {
                    let place = self.stage.place(self.index, id)?.map(|(_, place)| place);
                    self.stage.forget(self.index, id, place);
                }
            }
            Kind::Move => {
                for body in read_moved(record.payload).ok_or_else(unreadable)? {
                    let offset = record.offset(body.at).ok_or_else(unreadable)?;
                    let to = Place::Packed { segment, offset, length: body.length, crc64: body.crc64 };
                    self.stage.moved(self.index, body.id, body.from, to)?;
                }
            }
            Kind::Mark => {}
        }
        Ok(())
    }

    fn batch(
        &mut self,
        segment: u64,
        record: &Placed<'_>,
        unreadable: impl Fn() -> OpenError,
    ) -> Result<(), OpenError> {
        let batch = read_batch(record.payload).ok_or_else(unreadable)?;
        for key in &batch.delete {
            self.stage.delete(batch.pair(*key));
        }
        for (key, value) in &batch.put {
            self.stage.put(batch.pair(*key), value);
        }
        for (name, delta) in batch.count {
            self.stage.add(self.index, name, delta)?;
        }
        for (id, kept) in batch.keep {
            self.stage.keep(id, kept.place(segment, record.payload_at));
        }
        for id in batch.retire {
            if self.stage.is_kept(self.index, id)? {
                self.stage.retire(id);
            }
        }
        Ok(())
    }
}
