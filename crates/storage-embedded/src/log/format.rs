//! How segments and records are framed. `docs/format/embedded.md` has the tables.

use crc_fast::Digest;

use crate::crc::{crc64, digest};

/// The length of a segment's header in bytes.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
/// The length of a record's header in bytes.
pub(crate) const RECORD_HEADER_BYTES: usize = 40;
/// Records begin at multiples of this, so that recovery can look for them in damaged places.
pub(crate) const RECORD_ALIGNMENT: usize = 8;
/// The longest payload of a record in bytes: the largest batch, with made blobs that are still in memory.
pub(crate) const PAYLOAD_BYTES: usize = 64 << 20;

const SEGMENT_MAGIC: [u8; 8] = *b"CMHLDLOG";
const SEGMENT_VERSION: u32 = 1;
const RECORD_MAGIC: [u8; 4] = *b"CLR1";
const LAST_OF_GROUP: u8 = 1;

/// Random bytes of the store that enter every record's checksum: no body that a client sends can pass for a record.
pub(crate) type Salt = [u8; 16];

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A batch.
    Batch = 1,
    /// A space is closed.
    Close = 2,
    /// Retired blobs are deleted.
    Forget = 3,
    /// Bodies are copied from another segment.
    Move = 4,
    /// Nothing: what is before it was durable.
    Mark = 5,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Batch, Self::Close, Self::Forget, Self::Move, Self::Mark].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A record that verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framed<'a> {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    /// The sequence of the first record of its group.
    pub(crate) group: u64,
    pub(crate) last_of_group: bool,
    pub(crate) payload: &'a [u8],
    /// Where the payload begins, counted from the beginning of the data that was parsed.
    pub(crate) payload_at: usize,
    /// Where the next record begins.
    pub(crate) end: usize,
}

/// The header of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    pub(crate) segment: u64,
    /// The sequence of the first record in it.
    pub(crate) first: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.segment.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.to_le_bytes());
        let crc = crc64(&bytes[..56]);
        bytes[56..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` where it does not verify.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES)?;
        let whole = bytes[..8] == SEGMENT_MAGIC
            && bytes[8..12] == SEGMENT_VERSION.to_le_bytes()
            && u64_at(bytes, 56) == crc64(&bytes[..56]);
        whole.then(|| Self { segment: u64_at(bytes, 16), first: u64_at(bytes, 24) })
    }
}

/// Frames records of one store.
#[derive(Clone)]
pub(crate) struct Framer {
    salted: Digest,
}

impl Framer {
    pub(crate) fn new(salt: &Salt) -> Self {
        let mut salted = digest();
        salted.update(salt);
        Self { salted }
    }

    /// Makes room for a record's header at the end of `buffer`; its payload follows.
    pub(crate) fn begin(buffer: &mut Vec<u8>) -> usize {
        let start = buffer.len();
        buffer.resize(start + RECORD_HEADER_BYTES, 0);
        start
    }

    /// Fills in the header of the record that begins at `start` and reaches to the end of `buffer`, and pads it.
    pub(crate) fn seal(&self, buffer: &mut Vec<u8>, start: usize, kind: Kind, sequence: u64, group: u64, last: bool) {
        let length = u32::try_from(buffer.len() - start - RECORD_HEADER_BYTES).expect("payloads are bounded");
        let header = &mut buffer[start..start + RECORD_HEADER_BYTES];
        header[..4].copy_from_slice(&RECORD_MAGIC);
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[8..16].copy_from_slice(&sequence.to_le_bytes());
        header[16..24].copy_from_slice(&group.to_le_bytes());
        header[24] = kind as u8;
        header[25] = if last { LAST_OF_GROUP } else { 0 };
        let mut crc = self.salted;
        crc.update(&buffer[start..start + 32]);
        crc.update(&buffer[start + RECORD_HEADER_BYTES..]);
        buffer[start + 32..start + 40].copy_from_slice(&crc.finalize().to_le_bytes());
        buffer.resize(buffer.len().next_multiple_of(RECORD_ALIGNMENT), 0);
    }

    /// The length of the record that begins with `header`, if one does that a store would write.
    pub(crate) fn length_of_record(header: &[u8]) -> Option<usize> {
        let header = header.get(..RECORD_HEADER_BYTES).filter(|header| header[..4] == RECORD_MAGIC)?;
        let payload = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        (payload <= PAYLOAD_BYTES).then_some(RECORD_HEADER_BYTES + payload)
    }

    /// The record at `at` of `data`, if one is there that verifies.
    pub(crate) fn parse<'a>(&self, data: &'a [u8], at: usize) -> Option<Framed<'a>> {
        let header = data.get(at..at + RECORD_HEADER_BYTES)?;
        if header[..4] != RECORD_MAGIC {
            return None;
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let payload_at = at + RECORD_HEADER_BYTES;
        let payload = data.get(payload_at..payload_at.checked_add(length)?)?;
        let mut crc = self.salted;
        crc.update(&header[..32]);
        crc.update(payload);
        if crc.finalize() != u64_at(header, 32) {
            return None;
        }
        Some(Framed {
            kind: Kind::from_byte(header[24])?,
            sequence: u64_at(header, 8),
            group: u64_at(header, 16),
            last_of_group: header[25] & LAST_OF_GROUP != 0,
            payload,
            payload_at,
            end: (payload_at + length).next_multiple_of(RECORD_ALIGNMENT),
        })
    }
}

/// The little-endian number at `at`, where there are eight bytes.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::{Framer, Kind, SegmentHeader};

    #[test]
    fn any_flipped_bit_of_a_record_shows() {
        let framer = Framer::new(&[7; 16]);
        let mut buffer = Vec::new();
        let start = Framer::begin(&mut buffer);
        buffer.extend_from_slice(b"payload of some length");
        framer.seal(&mut buffer, start, Kind::Batch, 12, 11, true);
        let record = framer.parse(&buffer, 0).expect("it verifies");
        assert_eq!((record.sequence, record.group, record.last_of_group), (12, 11, true));
        assert_eq!((record.payload, record.end), (b"payload of some length".as_slice(), buffer.len()));
        assert!(Framer::new(&[8; 16]).parse(&buffer, 0).is_none(), "another store's record");
        for bit in 0..record.payload_at * 8 + record.payload.len() * 8 {
            let mut flipped = buffer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(framer.parse(&flipped, 0).is_none(), "bit {bit}");
        }
        for length in 0..62 {
            assert!(framer.parse(&buffer[..length], 0).is_none(), "cut to {length}");
        }
    }

    #[test]
    fn any_flipped_bit_of_a_segment_header_shows() {
        let header = SegmentHeader { segment: 3, first: 99 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        for bit in 0..12 * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(SegmentHeader::decode(&bytes[..63]), None);
    }
}
