//! The part map of a multipart object: lines of one width in a blob, so that any of them is found by its number.
//!
//! The head record carries where every 128th part ends, so a read at any offset goes to the one slab of 128 lines that
//! names its first blob: the first byte does not wait for the map of 10,000 parts.

use bytes::Bytes;
use storage::{Blobs, StorageError};
use types::{BlobId, Checksum, ChecksumAlgorithm};

use crate::record::PartMap;

/// Lines of a slab.
pub(crate) const SLAB_LINES: usize = 128;
/// The length of a line in bytes.
const LINE_BYTES: usize = 64;
/// Bytes of a line that are used.
const USED_BYTES: usize = 59;

/// A part of a multipart object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// Where the part ends in the object.
    pub(crate) end: u64,
    /// Its content; `None` where it is empty.
    pub(crate) blob: Option<BlobId>,
    pub(crate) number: u16,
    pub(crate) checksum: Option<Checksum>,
}

impl Line {
    fn write(&self, map: &mut Vec<u8>) {
        let start = map.len();
        map.extend_from_slice(&self.end.to_be_bytes());
        map.extend_from_slice(&self.blob.map_or([0; 16], |blob| blob.0));
        map.extend_from_slice(&self.number.to_be_bytes());
        if let Some(checksum) = &self.checksum {
            map.push(tag(checksum.algorithm));
            map.extend_from_slice(checksum.bytes());
        }
        map.resize(start + LINE_BYTES, 0);
    }

    fn read(line: &[u8]) -> Option<Self> {
        let (end, rest) = line.split_first_chunk::<8>()?;
        let (blob, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<2>()?;
        let (tag, value) = rest.get(..USED_BYTES - 26)?.split_first()?;
        let checksum = match algorithm(*tag) {
            Some(algorithm) => Some(Checksum::new(algorithm, value.get(..algorithm.size())?)?),
            None if *tag == 0 => None,
            None => return None,
        };
        Some(Self {
            end: u64::from_be_bytes(*end),
            blob: (*blob != [0; 16]).then_some(BlobId(*blob)),
            number: u16::from_be_bytes(*number),
            checksum,
        })
    }
}

/// The bytes of a map.
pub(crate) fn encode(lines: &[Line]) -> Bytes {
    let mut map = Vec::with_capacity(lines.len() * LINE_BYTES);
    for line in lines {
        line.write(&mut map);
    }
    map.into()
}

/// What the head record says of a map that is the blob `blob`.
pub(crate) fn index(blob: BlobId, lines: &[Line]) -> PartMap {
    let slab_ends = lines.chunks_exact(SLAB_LINES).filter_map(|slab| slab.last()).map(|line| line.end).collect();
    PartMap { blob, count: u16::try_from(lines.len()).unwrap_or(u16::MAX), slab_ends }
}

impl PartMap {
    /// The length of the map in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.count) * LINE_BYTES as u64
    }

    /// How many slabs there are.
    pub(crate) fn slabs(&self) -> usize {
        usize::from(self.count).div_ceil(SLAB_LINES)
    }

    /// The slab with the part that the byte at `offset` is in.
    pub(crate) fn slab_at(&self, offset: u64) -> usize {
        self.slab_ends.partition_point(|end| *end <= offset)
    }

    /// Where the first part of a slab starts in the object.
    pub(crate) fn slab_start(&self, slab: usize) -> u64 {
        slab.checked_sub(1).and_then(|before| self.slab_ends.get(before)).copied().unwrap_or(0)
    }

    /// The lines of a slab; none beyond the last one.
    pub(crate) async fn slab(&self, blobs: &dyn Blobs, slab: usize) -> Result<Vec<Line>, StorageError> {
        self.lines(blobs, slab * SLAB_LINES, SLAB_LINES).await
    }

    /// All lines.
    pub(crate) async fn all(&self, blobs: &dyn Blobs) -> Result<Vec<Line>, StorageError> {
        self.lines(blobs, 0, usize::from(self.count)).await
    }

    /// The part with this number, and where it starts in the object.
    pub(crate) async fn find(&self, blobs: &dyn Blobs, number: u16) -> Result<Option<(u64, Line)>, StorageError> {
        // Numbers ascend from 1 and so are nowhere before their own place. Nearly always there is no gap.
        let latest = usize::from(number.min(self.count)).saturating_sub(1) / SLAB_LINES;
        for slab in (0..=latest).rev() {
            let lines = self.slab(blobs, slab).await?;
            match lines.binary_search_by_key(&number, |line| line.number) {
                Ok(0) => return Ok(Some((self.slab_start(slab), lines[0]))),
                Ok(at) => return Ok(Some((lines[at - 1].end, lines[at]))),
                Err(0) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn lines(&self, blobs: &dyn Blobs, first: usize, count: usize) -> Result<Vec<Line>, StorageError> {
        let last = (first + count).min(usize::from(self.count));
        let bytes = (first * LINE_BYTES) as u64..(last * LINE_BYTES) as u64;
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = blobs.read(self.blob, bytes).await?.collect().await?;
        let lines: Option<Vec<Line>> = bytes.chunks(LINE_BYTES).map(Line::read).collect();
        lines.ok_or_else(|| StorageError::Damaged(format!("the part map {} can not be read", self.blob)))
    }
}

const fn tag(algorithm: ChecksumAlgorithm) -> u8 {
    match algorithm {
        ChecksumAlgorithm::Crc32 => 1,
        ChecksumAlgorithm::Crc32c => 2,
        ChecksumAlgorithm::Crc64Nvme => 3,
        ChecksumAlgorithm::Sha1 => 4,
        ChecksumAlgorithm::Sha256 => 5,
    }
}

fn algorithm(wanted: u8) -> Option<ChecksumAlgorithm> {
    ChecksumAlgorithm::ALL.into_iter().find(|algorithm| tag(*algorithm) == wanted)
}

#[cfg(test)]
mod tests {
    use storage::memory::MemoryStore;
    use storage::{Batch, Blobs as _, Metadata as _, NewBlob, Space};
    use types::{BlobId, Checksum, ChecksumAlgorithm};

    use super::{Line, encode, index};

    #[tokio::test]
    async fn parts_are_found_by_offset_and_by_number() {
        for (count, step) in [(1, 1), (127, 1), (128, 1), (129, 1), (300, 1), (300, 7), (2, 5000)] {
            let lines: Vec<Line> = (1..=count)
                .map(|at: u16| Line {
                    end: u64::from(at) * 10,
                    blob: (!at.is_multiple_of(9)).then_some(BlobId([at.to_be_bytes()[1].max(1); 16])),
                    number: at * step,
                    checksum: at
                        .is_multiple_of(2)
                        .then(|| Checksum::of(ChecksumAlgorithm::ALL[usize::from(at) / 2 % 5], &at.to_be_bytes())),
                })
                .collect();
            let store = MemoryStore::new();
            let id = BlobId([7; 16]);
            let keep = vec![NewBlob::Inline(id, encode(&lines))];
            store.commit(Space(1), b"g", Batch { keep, ..Batch::default() }).await.unwrap();
            assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
            let map = index(id, &lines);
            assert_eq!(map.all(&store).await.unwrap(), lines);
            for (at, line) in lines.iter().enumerate() {
                let slab = map.slab_at(line.end - 1);
                assert!(map.slab(&store, slab).await.unwrap().contains(line), "{count} {at}");
                assert!(map.slab_start(slab) <= line.end - 10);
                assert_eq!(map.find(&store, line.number).await.unwrap(), Some((line.end - 10, *line)));
            }
            for absent in [0, lines[0].number - 1, lines[lines.len() - 1].number + 1] {
                assert_eq!(map.find(&store, absent).await.unwrap(), None, "{count} {step} {absent}");
            }
        }
    }
}
