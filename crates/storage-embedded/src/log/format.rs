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
/// What a record begins with.
pub(crate) const RECORD_MAGIC: [u8; 4] = *b"CLR1";
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

/// The header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecordHeader {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    /// The sequence of the first record of its group.
    pub(crate) group: u64,
    pub(crate) last_of_group: bool,
    /// The length of the payload in bytes.
    pub(crate) length: usize,
    crc: u64,
}

impl RecordHeader {
    /// The header that `bytes` begin with, if it is one that a store would write. Whether the record verifies is
    /// [`Framer::verifies`]'s to say.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER_BYTES).filter(|bytes| bytes[..4] == RECORD_MAGIC)?;
        let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        Some(Self {
            kind: Kind::from_byte(bytes[24])?,
            sequence: u64_at(bytes, 8),
            group: u64_at(bytes, 16),
            last_of_group: bytes[25] & LAST_OF_GROUP != 0,
            length: Some(length).filter(|length| *length <= PAYLOAD_BYTES)?,
            crc: u64_at(bytes, 32),
        })
    }
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

    /// Whether a record, its header and its payload, is what was written.
    pub(crate) fn verifies(&self, record: &[u8], header: &RecordHeader) -> bool {
        let mut crc = self.salted;
        crc.update(&record[..32]);
        crc.update(&record[RECORD_HEADER_BYTES..]);
        crc.finalize() == header.crc
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
    use super::{Framer, Kind, RECORD_HEADER_BYTES, RecordHeader, SegmentHeader};

    /// The header of the record that begins `data`, if the record verifies.
    fn verified(framer: &Framer, data: &[u8]) -> Option<RecordHeader> {
        let header = RecordHeader::decode(data)?;
        let record = data.get(..RECORD_HEADER_BYTES + header.length)?;
        framer.verifies(record, &header).then_some(header)
    }

    #[test]
    fn any_flipped_bit_of_a_record_shows() {
        let framer = Framer::new(&[7; 16]);
        let mut buffer = Vec::new();
        let start = Framer::begin(&mut buffer);
        buffer.extend_from_slice(b"payload of some length");
        let whole = buffer.len();
        framer.seal(&mut buffer, start, Kind::Batch, 12, 11, true);
        let header = verified(&framer, &buffer).expect("it verifies");
        assert_eq!((header.sequence, header.group, header.last_of_group, header.length), (12, 11, true, 22));
        assert_eq!(buffer.len(), whole.next_multiple_of(8));
        assert!(verified(&Framer::new(&[8; 16]), &buffer).is_none(), "another store's record");
        for bit in 0..whole * 8 {
            let mut flipped = buffer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verified(&framer, &flipped).is_none(), "bit {bit}");
        }
        for length in 0..whole {
            assert!(verified(&framer, &buffer[..length]).is_none(), "cut to {length}");
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
