//! Reads the records of a segment one after another, or group by group, in little memory.

use std::io;
use std::sync::Arc;

use super::format::{
    Framer, Kind, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, RECORD_MAGIC, RecordHeader, SEGMENT_HEADER_BYTES,
    SegmentHeader,
};
use crate::disk::File;

/// The bytes that are read together. A record that is longer is read whole, and so is a group where groups are asked for,
/// in a window of at most twice its length.
const WINDOW_BYTES: usize = 1 << 20;

/// A record and its place in the segment.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) payload: &'a [u8],
    /// Where the payload begins in the segment.
    pub(crate) payload_at: u64,
}

impl Placed<'_> {
    /// Where in the segment the byte at `at` of the payload is; `None` beyond what places can name.
    pub(crate) fn offset(&self, at: usize) -> Option<u32> {
        u32::try_from(self.payload_at + at as u64).ok()
    }
}

/// The header of a segment in its file; `None` where there is none that verifies, or another segment's.
///
/// # Errors
/// The device's.
pub(crate) fn read_header(file: &dyn File, segment: u64) -> io::Result<Option<SegmentHeader>> {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(SegmentHeader::decode(&header).filter(|header| header.segment == segment)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The records of a segment, up to the first that does not verify.
pub(crate) struct SegmentReader<'a> {
    file: Arc<dyn File>,
    framer: &'a Framer,
    /// The bytes of the file that are looked at.
    length: u64,
    /// Where what was not answered yet begins: a multiple of the records' alignment.
    at: u64,
    /// Where the window begins, and what is in it.
    start: u64,
    window: Vec<u8>,
}

impl<'a> SegmentReader<'a> {
    /// Reads the first `length` bytes of a segment.
    pub(crate) fn new(file: Arc<dyn File>, framer: &'a Framer, length: u64) -> Self {
        Self { file, framer, length, at: SEGMENT_HEADER_BYTES as u64, start: 0, window: Vec::new() }
    }

    /// Where what was answered so far ends.
    pub(crate) fn at(&self) -> u64 {
        self.at.min(self.length)
    }

    /// The next record.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn next(&mut self) -> io::Result<Option<Placed<'_>>> {
        let at = self.at;
        let Some(header) = self.record(at, |_| true)? else { return Ok(None) };
        self.at = end_of(at, &header);
        Ok(Some(self.placed(at, &header)))
    }

    /// The next group, if it is whole and its first record is `first`.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn next_group(&mut self, first: u64) -> io::Result<Option<Vec<Placed<'_>>>> {
        let (mut found, mut at, mut is_whole) = (Vec::new(), self.at, false);
        while !is_whole {
            let sequence = first + found.len() as u64;
            let header = self.record(at, |header| header.sequence == sequence && header.group == first)?;
            let Some(header) = header else { return Ok(None) };
            found.push((at, header));
            at = end_of(at, &header);
            is_whole = header.last_of_group;
        }
        self.at = at;
        Ok(Some(found.iter().map(|(at, header)| self.placed(*at, header)).collect()))
    }

    /// The sequence of the first record of a group after `group`, wherever it begins in what was not answered. The reader
    /// goes on with it. There are at most `most` records between.
    ///
    /// What looks like a header may have come from a client, in a body, and each is verified with all that it says it has.
    /// So only those are that number their record as one so near would be: whoever does not know the numbers can not have
    /// a start verify megabytes over and over.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn find_later(&mut self, group: u64, most: u64) -> io::Result<Option<u64>> {
        let is_near = |header: &RecordHeader| {
            (group + 1..=group.saturating_add(most)).contains(&header.group)
                && (header.group..=header.group.saturating_add(most)).contains(&header.sequence)
        };
        while let Some(begins) = self.load(self.at, RECORD_HEADER_BYTES)? {
            let mut places = self.window[begins..].chunks_exact(RECORD_ALIGNMENT);
            let all = places.len();
            let magic = places.position(|place| place.starts_with(&RECORD_MAGIC));
            self.at += (magic.unwrap_or(all) * RECORD_ALIGNMENT) as u64;
            if magic.is_some() {
                if let Some(header) = self.record(self.at, is_near)? {
                    return Ok(Some(header.sequence));
                }
                self.at += RECORD_ALIGNMENT as u64;
            }
        }
        Ok(None)
    }

    /// Whether nothing but zeros is in what was not answered. The reader goes on behind them.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn is_blank(&mut self) -> io::Result<bool> {
        while self.at < self.length {
            let length = usize::try_from(self.length - self.at).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
            let Some(begins) = self.load(self.at, length)? else { break };
            if self.window[begins..begins + length].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            self.at += length as u64;
        }
        Ok(true)
    }

    /// The header of the record at `at`, if it is one that is `wanted` and the record verifies. The record is in the
    /// window then, with everything from where the reader is.
    fn record(&mut self, at: u64, wanted: impl Fn(&RecordHeader) -> bool) -> io::Result<Option<RecordHeader>> {
        let Some(begins) = self.load(at, RECORD_HEADER_BYTES)? else { return Ok(None) };
        let header = RecordHeader::decode(&self.window[begins..]).filter(wanted);
        let Some(header) = header else { return Ok(None) };
        let whole = RECORD_HEADER_BYTES + header.length;
        let Some(begins) = self.load(at, whole)? else { return Ok(None) };
        let verifies = self.framer.verifies(&self.window[begins..begins + whole], &header);
        Ok(verifies.then_some(header))
    }

    /// The record at `at`, which is in the window.
    fn placed(&self, at: u64, header: &RecordHeader) -> Placed<'_> {
        let payload_at = at + RECORD_HEADER_BYTES as u64;
        let begins = to_usize(payload_at - self.start);
        let payload = &self.window[begins..begins + header.length];
        Placed { kind: header.kind, sequence: header.sequence, payload, payload_at }
    }

    /// Has the `length` bytes at `at`, and all from where the reader is, in the window; answers where the former begin.
    /// `None` where the segment has not so many.
    fn load(&mut self, at: u64, length: usize) -> io::Result<Option<usize>> {
        let end = at + length as u64;
        if end > self.length {
            return Ok(None);
        }
        if end > self.start + self.window.len() as u64 {
            self.slide(end)?;
        }
        Ok(Some(to_usize(at - self.start)))
    }

    /// Moves the window to where the reader is, and makes it reach to `end` at least.
    fn slide(&mut self, end: u64) -> io::Result<()> {
        let kept = to_usize((self.start + self.window.len() as u64).saturating_sub(self.at));
        let from = self.window.len() - kept;
        self.window.copy_within(from.., 0);
        // Twice as far each time that a group turns out to be longer, so that no byte is moved often.
        let wanted = to_usize(end - self.at).max(WINDOW_BYTES).max(2 * kept);
        self.window.resize(wanted.min(to_usize(self.length - self.at)), 0);
        self.start = self.at;
        let read = self.file.read_exact_at(&mut self.window[kept..], self.start + kept as u64);
        if read.is_err() {
            self.window.clear();
        }
        read
    }
}

fn end_of(at: u64, header: &RecordHeader) -> u64 {
    (at + (RECORD_HEADER_BYTES + header.length) as u64).next_multiple_of(RECORD_ALIGNMENT as u64)
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("segments are shorter than the address space")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{SegmentReader, WINDOW_BYTES, read_header};
    use crate::disk::{Disk as _, File, MemoryDisk, OpenMode};
    use crate::log::format::{Framer, Kind, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader};

    const SALT: [u8; 16] = [7; 16];
    const LENGTHS: [usize; 10] =
        [0, 1, 100, WINDOW_BYTES - 200, 5, WINDOW_BYTES, 3 * WINDOW_BYTES + 1, 77, WINDOW_BYTES / 2, 0];

    /// Appends a record whose bytes are its sequence.
    fn append(segment: &mut Vec<u8>, salt: [u8; 16], length: usize, sequence: u64, group: u64, last: bool) {
        let start = Framer::begin(segment);
        segment.resize(segment.len() + length, sequence as u8);
        Framer::new(&salt).seal(segment, start, Kind::Batch, sequence, group, last);
    }

    /// A segment with records of [`LENGTHS`], the first so many of each group as `groups` says, and what was put there:
    /// places and lengths of payloads.
    fn segment(groups: &[usize]) -> (Vec<u8>, Vec<(u64, usize)>) {
        let (mut segment, mut places) = (SegmentHeader { segment: 5, first: 1 }.encode().to_vec(), Vec::new());
        let mut lengths = LENGTHS.into_iter();
        let mut sequence = 1;
        for records in groups {
            let group = sequence;
            for (at, length) in lengths.by_ref().take(*records).enumerate() {
                places.push(((segment.len() + RECORD_HEADER_BYTES) as u64, length));
                append(&mut segment, SALT, length, sequence, group, at + 1 == *records);
                sequence += 1;
            }
        }
        (segment, places)
    }

    fn file(content: &[u8]) -> Arc<dyn File> {
        let file = MemoryDisk::default().open("segment", OpenMode::CreateNew).unwrap();
        file.write_at(content, 0).unwrap();
        file
    }

    fn reader<'a>(content: &[u8], framer: &'a Framer) -> SegmentReader<'a> {
        SegmentReader::new(file(content), framer, content.len() as u64)
    }

    /// What may follow the last record: nothing, zeros, a record of another store, one that a crash tore.
    fn endings() -> [Vec<u8>; 4] {
        let (mut other, mut torn) = (Vec::new(), Vec::new());
        append(&mut other, [8; 16], 50, 11, 11, true);
        append(&mut torn, SALT, 50, 11, 11, true);
        torn.truncate(60);
        [Vec::new(), vec![0; 500], other, torn]
    }

    #[test]
    fn records_are_read_wherever_the_window_ends() {
        let framer = Framer::new(&SALT);
        let (whole, expected) = segment(&[1; LENGTHS.len()]);
        for ending in endings() {
            let content = [whole.clone(), ending].concat();
            let mut reader = reader(&content, &framer);
            let mut found = Vec::new();
            while let Some(record) = reader.next().unwrap() {
                assert_eq!(record.sequence, found.len() as u64 + 1);
                assert!(record.payload.iter().all(|byte| u64::from(*byte) == record.sequence));
                found.push((record.payload_at, record.payload.len()));
            }
            assert_eq!((found, reader.at()), (expected.clone(), whole.len() as u64));
        }
    }

    #[test]
    fn groups_are_read_whole_or_not_at_all() {
        let framer = Framer::new(&SALT);
        for groups in [vec![1; 10], vec![10], vec![2, 5, 3], vec![4, 1, 1, 4]] {
            let (whole, expected) = segment(&groups);
            for ending in endings() {
                let content = [whole.clone(), ending].concat();
                let mut reader = reader(&content, &framer);
                let (mut found, mut first, mut sizes) = (Vec::new(), 1, Vec::new());
                while let Some(group) = reader.next_group(first).unwrap() {
                    sizes.push(group.len());
                    for record in &group {
                        assert!(record.payload.iter().all(|byte| u64::from(*byte) == record.sequence));
                        found.push((record.payload_at, record.payload.len()));
                    }
                    first += group.len() as u64;
                }
                assert_eq!((found, reader.at()), (expected.clone(), whole.len() as u64), "{groups:?}");
                assert_eq!(sizes, groups);
            }
        }
    }

    #[test]
    fn a_group_that_is_not_whole_is_none() {
        let framer = Framer::new(&SALT);
        let (whole, places) = segment(&[2, 5, 3]);
        let second = places[2].0 - RECORD_HEADER_BYTES as u64;
        for (flipped, place) in places[2..7].iter().enumerate() {
            let mut content = whole.clone();
            content[usize::try_from(place.0).unwrap() - 1] ^= 1;
            let mut reader = reader(&content, &framer);
            assert_eq!(reader.next_group(1).unwrap().map(|group| group.len()), Some(2));
            assert!(reader.next_group(3).unwrap().is_none(), "record {} is not whole", flipped + 3);
            assert_eq!(reader.at(), second);
            assert!(!reader.is_blank().unwrap());
        }
        let mut reader = reader(&whole, &framer);
        assert!(reader.next_group(2).unwrap().is_none(), "another group is there");
    }

    #[test]
    fn later_records_are_found_wherever_they_are() {
        let framer = Framer::new(&SALT);
        for distance in [0, 8, 4096, WINDOW_BYTES - 40, WINDOW_BYTES - 8, WINDOW_BYTES, 3 * WINDOW_BYTES + 8] {
            for noise in [b"\0\0\0\0\0\0\0\0", b"CLR1CLR1", b"anything"] {
                let mut content = vec![0; SEGMENT_HEADER_BYTES];
                append(&mut content, SALT, 100, 4, 4, true);
                let rest = content.len();
                content.extend(noise.iter().cycle().take(distance));
                append(&mut content, SALT, 100, 6, 6, true);
                content.extend(noise.iter().cycle().take(2 * WINDOW_BYTES));
                for (after, found) in [(3, Some(4)), (4, Some(6)), (5, Some(6)), (6, None)] {
                    assert_eq!(reader(&content, &framer).find_later(after, 10).unwrap(), found, "{distance} {after}");
                }
                let mut reader = reader(&content, &framer);
                assert!(reader.next().unwrap().is_some());
                assert_eq!(reader.at(), rest as u64);
                assert_eq!(reader.find_later(4, 10).unwrap(), Some(6), "{distance}");
                assert_eq!(reader.next().unwrap().map(|record| record.sequence), Some(6), "{distance}");
            }
        }
    }

    #[test]
    fn a_record_that_is_numbered_as_none_so_near_would_be_is_not_looked_at() {
        let framer = Framer::new(&SALT);
        for (group, sequence, is_found) in
            [(6, 6, true), (14, 14, true), (15, 15, false), (6, 16, true), (6, 17, false), (6, 5, false), (4, 6, false)]
        {
            let mut content = vec![0; SEGMENT_HEADER_BYTES];
            append(&mut content, SALT, 100, sequence, group, true);
            let found = reader(&content, &framer).find_later(4, 10).unwrap();
            assert_eq!(found, is_found.then_some(sequence), "{group} {sequence}");
        }
        assert_eq!(reader(&[0; 100], &framer).find_later(u64::MAX - 1, 10).unwrap(), None);
    }

    #[test]
    fn zeros_up_to_the_end_are_blank() {
        let framer = Framer::new(&SALT);
        for length in [0, 1, SEGMENT_HEADER_BYTES, 1000, WINDOW_BYTES, 3 * WINDOW_BYTES + 5] {
            let mut content = vec![0; length];
            assert!(reader(&content, &framer).is_blank().unwrap());
            if let Some(last) = content.last_mut().filter(|_| length > SEGMENT_HEADER_BYTES) {
                *last = 1;
                assert!(!reader(&content, &framer).is_blank().unwrap(), "{length}");
            }
        }
    }

    #[test]
    fn headers_are_those_that_verify() {
        let header = SegmentHeader { segment: 5, first: 9 };
        assert_eq!(read_header(&*file(&header.encode()), 5).unwrap(), Some(header));
        assert_eq!(read_header(&*file(&header.encode()), 6).unwrap(), None, "another segment's");
        assert_eq!(read_header(&*file(&header.encode()[..63]), 5).unwrap(), None);
        assert_eq!(read_header(&*file(&[0; 100]), 0).unwrap(), None);
    }
}
