//! Reads the records of a segment one after another, in little memory, for whoever looks at old segments while the
//! store serves.

use std::io;
use std::sync::Arc;

use super::format::{Framer, Kind, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::disk::File;

/// The bytes that are read together. A record that is longer is read whole.
const WINDOW_BYTES: usize = 1 << 20;

/// A record and its place in the segment.
pub(crate) struct Placed<'a> {
    pub(crate) kind: Kind,
    pub(crate) payload: &'a [u8],
    /// Where the payload begins in the segment.
    pub(crate) payload_at: u64,
}

/// The records of a segment, up to the first that does not verify.
pub(crate) struct SegmentReader<'a> {
    file: Arc<dyn File>,
    framer: &'a Framer,
    length: u64,
    /// Where the next record begins: a multiple of the records' alignment.
    at: u64,
    /// Where the window begins.
    start: u64,
    window: Vec<u8>,
}

impl<'a> SegmentReader<'a> {
    /// # Errors
    /// The device's.
    pub(crate) fn new(file: Arc<dyn File>, framer: &'a Framer) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, framer, length, at: SEGMENT_HEADER_BYTES as u64, start: 0, window: Vec::new() })
    }

    /// The next record.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn next(&mut self) -> io::Result<Option<Placed<'_>>> {
        let Some(begins) = self.load(RECORD_HEADER_BYTES)? else { return Ok(None) };
        let header = &self.window[begins..begins + RECORD_HEADER_BYTES];
        let Some(length) = Framer::length_of_record(header) else { return Ok(None) };
        let Some(begins) = self.load(length)? else { return Ok(None) };
        let Some(record) = self.framer.parse(&self.window, begins) else { return Ok(None) };
        self.at = self.start + record.end as u64;
        let payload_at = self.start + record.payload_at as u64;
        Ok(Some(Placed { kind: record.kind, payload: record.payload, payload_at }))
    }

    /// Has the next `length` bytes of the segment in the window, and answers where; `None` where it has not so many.
    fn load(&mut self, length: usize) -> io::Result<Option<usize>> {
        let Some(left) = self.length.checked_sub(self.at).filter(|left| *left >= length as u64) else {
            return Ok(None);
        };
        let begins = usize::try_from(self.at - self.start).unwrap_or(usize::MAX);
        if begins.checked_add(length).is_some_and(|end| end <= self.window.len()) {
            return Ok(Some(begins));
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(length.max(WINDOW_BYTES));
        self.window.resize(wanted, 0);
        self.start = self.at;
        let read = self.file.read_exact_at(&mut self.window, self.at);
        if read.is_err() {
            self.window.clear();
        }
        read.map(|()| Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{SegmentReader, WINDOW_BYTES};
    use crate::disk::{Disk as _, MemoryDisk, OpenMode};
    use crate::log::format::{Framer, Kind, SEGMENT_HEADER_BYTES};

    #[test]
    fn records_are_read_wherever_the_window_ends() {
        let framer = Framer::new(&[7; 16]);
        let lengths = [0, 1, 100, WINDOW_BYTES - 200, 5, WINDOW_BYTES, 3 * WINDOW_BYTES + 1, 77, WINDOW_BYTES / 2, 0];
        let (mut segment, mut expected) = (vec![0; SEGMENT_HEADER_BYTES], Vec::new());
        for (sequence, length) in (1..).zip(lengths) {
            let start = Framer::begin(&mut segment);
            expected.push((segment.len() as u64, length));
            segment.resize(segment.len() + length, sequence as u8);
            framer.seal(&mut segment, start, Kind::Batch, sequence, sequence, true);
        }
        let whole = segment.len();
        // What follows the last record: zeros, a record of another store, or one that a crash tore.
        let start = Framer::begin(&mut segment);
        segment.resize(segment.len() + 50, 1);
        Framer::new(&[8; 16]).seal(&mut segment, start, Kind::Batch, 99, 99, true);
        let torn = [segment[..whole].to_vec(), segment[whole..whole + 60].to_vec()].concat();
        let zeros = [segment[..whole].to_vec(), vec![0; 500]].concat();
        for content in [segment[..whole].to_vec(), segment.clone(), torn, zeros] {
            let disk = MemoryDisk::default();
            let file = disk.open("segment", OpenMode::CreateNew).unwrap();
            file.write_at(&content, 0).unwrap();
            let mut reader = SegmentReader::new(file, &framer).unwrap();
            let mut found = Vec::new();
            while let Some(record) = reader.next().unwrap() {
                assert!(record.payload.iter().all(|byte| usize::from(*byte) == found.len() + 1));
                found.push((record.payload_at, record.payload.len()));
            }
            assert_eq!(found, expected);
        }
    }
}
