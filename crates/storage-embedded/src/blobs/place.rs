//! Where a blob is, as the index has it.

use bytes::Bytes;
use storage::BlobInfo;
use types::BlobId;

/// Where the bytes of a blob are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In a segment of the log.
    Packed { segment: u64, offset: u32, length: u32, crc64: u64 },
    /// In a file of its own.
    File { length: u64, crc64: u64 },
}

const PACKED: u8 = 1;
const FILE: u8 = 2;

impl Place {
    pub(crate) fn info(self, id: BlobId) -> BlobInfo {
        match self {
            Self::Packed { length, crc64, .. } => BlobInfo { id, length: u64::from(length), crc64 },
            Self::File { length, crc64 } => BlobInfo { id, length, crc64 },
        }
    }

    pub(crate) fn encode(self) -> Bytes {
        let mut bytes = Vec::with_capacity(25);
        match self {
            Self::Packed { segment, offset, length, crc64 } => {
                bytes.push(PACKED);
                bytes.extend_from_slice(&crc64.to_le_bytes());
                bytes.extend_from_slice(&segment.to_le_bytes());
                bytes.extend_from_slice(&offset.to_le_bytes());
                bytes.extend_from_slice(&length.to_le_bytes());
            }
            Self::File { length, crc64 } => {
                bytes.push(FILE);
                bytes.extend_from_slice(&crc64.to_le_bytes());
                bytes.extend_from_slice(&length.to_le_bytes());
            }
        }
        bytes.into()
    }

    /// `None` where the bytes are no place.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (crc64, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (crc64, first) = (u64::from_le_bytes(*crc64), u64::from_le_bytes(*first));
        match *kind {
            PACKED => {
                let (offset, rest) = rest.split_first_chunk()?;
                let length = u32::from_le_bytes(rest.try_into().ok()?);
                Some(Self::Packed { segment: first, offset: u32::from_le_bytes(*offset), length, crc64 })
            }
            FILE if rest.is_empty() => Some(Self::File { length: first, crc64 }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_survive_their_bytes() {
        let places = [
            Place::Packed { segment: u64::MAX - 1, offset: 7, length: u32::MAX, crc64: 1 },
            Place::File { length: 1 << 50, crc64: u64::MAX },
        ];
        for place in places {
            let bytes = place.encode();
            assert_eq!(Place::decode(&bytes), Some(place));
            assert_eq!(Place::decode(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Place::decode(&[&bytes[..], &[0]].concat()), None);
        }
        assert_eq!(Place::decode(&[]), None);
        assert_eq!(Place::decode(&[9; 25]), None);
    }
}
