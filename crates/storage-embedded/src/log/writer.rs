//! Appends groups to the log.

use std::io;
use std::sync::Arc;

use storage::StorageError;

use super::format::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::segments::{Facts, Segments};
use crate::blobs::place::Place;
use crate::disk::File;
use crate::error::from_io;
use crate::threads::preparer::{Prepared, Preparer};

/// The end of the log. The committer's own.
pub(crate) struct LogWriter {
    segments: Arc<Segments>,
    preparer: Arc<Preparer>,
    /// The sequence of the next record to be written.
    next: u64,
    active: Option<Active>,
}

struct Active {
    segment: u64,
    file: Arc<dyn File>,
    capacity: u64,
    end: u64,
    next_wanted: bool,
}

/// The part of a segment that is written when the next one is asked for: early enough for it to be ready in time, late
/// enough for a store with little work to do without.
const WANT_NEXT_AT: u64 = 4;
/// What the page cache keeps together, in bytes. Where pages are larger, appends are only slower.
const PAGE_BYTES: u64 = 4096;

impl LogWriter {
    /// A log whose next record is `next`. It begins a segment of its own: what recovery read is never written to.
    pub(crate) fn new(segments: Arc<Segments>, preparer: Arc<Preparer>, next: u64) -> Self {
        Self { segments, preparer, next, active: None }
    }

    /// The sequence of the next record to be written.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Whether a group of so many bytes fits where the log is.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        let needed = (SEGMENT_HEADER_BYTES + bytes) as u64;
        self.active.as_ref().is_some_and(|active| active.end + needed <= active.capacity)
    }

    /// Goes on to a segment that has room for a group of `bytes`.
    ///
    /// # Errors
    /// [`StorageError::Full`] and the device's own. The log is as it was then.
    pub(crate) fn roll(&mut self, bytes: usize) -> Result<(), StorageError> {
        let needed = (SEGMENT_HEADER_BYTES + bytes) as u64;
        if self.active.as_ref().is_none_or(|active| active.end > 0) {
            let Prepared { segment, file, capacity } = self.preparer.take()?;
            self.retire_active();
            self.segments.insert(segment, Facts { last: None, used: 0, live: 0 });
            self.segments.hold(segment, Arc::clone(&file));
            self.active = Some(Active { segment, file, capacity, end: 0, next_wanted: false });
        }
        if let Some(active) = self.active.as_mut().filter(|active| active.capacity < needed) {
            active.file.allocate(needed).map_err(|error| from_io(&error))?;
            active.capacity = needed;
        }
        Ok(())
    }

    /// Ends the log: gives back what was preallocated and not written.
    pub(crate) fn end(&mut self) {
        self.retire_active();
    }

    fn retire_active(&mut self) {
        if let Some(old) = self.active.take() {
            // Gives back what was preallocated. Nothing depends on it.
            if let Err(error) = old.file.set_len(old.end) {
                tracing::warn!(segment = old.segment, %error, "a full segment can not be cut to its length");
            }
            self.segments.seal(old.segment, self.next - 1, old.end);
        }
    }

    /// Begins a group in an empty buffer.
    pub(crate) fn begin(&self, buffer: &mut Vec<u8>) {
        if let Some(active) = self.active.as_ref().filter(|active| active.end == 0) {
            buffer.extend_from_slice(&SegmentHeader { segment: active.segment, first: self.next }.encode());
        }
    }

    /// The place that a body at `at` of the group's buffer will have.
    pub(crate) fn place(&self, at: usize, length: usize, crc64: u64) -> Place {
        let active = self.active.as_ref().expect("room was made before the group began");
        Place::Packed {
            segment: active.segment,
            offset: u32::try_from(active.end + at as u64).expect("segments are shorter than 4 GiB"),
            length: u32::try_from(length).expect("bodies are bounded"),
            crc64,
        }
    }

    /// Writes a group of `records` records, and returns once it is durable. `group` is as before then.
    ///
    /// # Errors
    /// The device's. Whether the group is on disk is unknown then, and nothing more may be written.
    pub(crate) fn append(&mut self, group: &mut Vec<u8>, records: u64) -> io::Result<()> {
        let active = self.active.as_mut().expect("room was made before the group began");
        let (start, length) = (active.end, group.len());
        active.end += length as u64;
        // Zeros where zeros are: a page that is written whole need not be read from the device first.
        let padded = active.end.next_multiple_of(PAGE_BYTES).min(active.capacity);
        group.resize(length + padded.saturating_sub(active.end) as usize, 0);
        let written = active.file.write_at(group, start).and_then(|()| active.file.sync_data());
        group.truncate(length);
        written?;
        self.next += records;
        self.segments.written(active.segment, active.end);
        if !active.next_wanted && active.end >= active.capacity / WANT_NEXT_AT {
            active.next_wanted = true;
            self.preparer.want();
        }
        Ok(())
    }
}
