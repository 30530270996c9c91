//! What is inside a record: batches and the engine's own changes, written and read back.

use storage::{Batch, Bounded, NewBlob, Space, side};
use types::BlobId;

use crate::blobs::making::Made;
use crate::blobs::place::Place;
use crate::index::keys;

/// A batch as the log has it.
#[derive(Debug, Default)]
pub(crate) struct BatchRecord<'a> {
    pub(crate) space: u64,
    /// The common beginning of all keys, but for the side of some.
    pub(crate) group: &'a [u8],
    /// Keys and values.
    pub(crate) put: Vec<(GroupKey<'a>, &'a [u8])>,
    pub(crate) delete: Vec<GroupKey<'a>>,
    pub(crate) keep: Vec<(BlobId, Kept)>,
    pub(crate) retire: Vec<BlobId>,
    pub(crate) count: Vec<(&'a [u8], i64)>,
}

/// A key of a batch: what it has beyond its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GroupKey<'a> {
    side: SideOfKey,
    rest: &'a [u8],
}

/// On which side of its space a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SideOfKey {
    AsTheGroup,
    Other,
}

impl BatchRecord<'_> {
    /// The index's key of a pair.
    pub(crate) fn pair(&self, key: GroupKey<'_>) -> Vec<u8> {
        let mut pair = keys::pair(Space(self.space), [self.group, key.rest]);
        if key.side == SideOfKey::Other {
            pair.iter_mut().skip(keys::PAIR_PREFIX_BYTES).take(1).for_each(|first| *first ^= side::BACK_BIT);
        }
        pair
    }
}

/// A blob that a batch keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// Its bytes are in the record, this far from the beginning of the payload.
    Body { at: usize, length: u32, crc64: u64 },
    /// It is a file.
    File { length: u64, crc64: u64 },
}

/// A body that was copied from another segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moved {
    pub(crate) id: BlobId,
    pub(crate) from: (u64, u32),
    /// Where its bytes are, counted from the beginning of the payload.
    pub(crate) at: usize,
    pub(crate) length: u32,
    pub(crate) crc64: u64,
}

const KEEP_BODY: u8 = 1;
const KEEP_FILE: u8 = 2;
/// Set in the length of a key's rest where the key is not on the side of its group. Keys are much shorter.
const OTHER_SIDE: u16 = 1 << 15;

/// Writes the parts of a batch's payload in the order of [`read_batch`].
pub(crate) struct BatchWriter<'a> {
    buffer: &'a mut Vec<u8>,
    group: &'a [u8],
}

impl<'a> BatchWriter<'a> {
    /// Writes what comes first: the space, the group that all keys belong to, and how many there are of what follows.
    pub(crate) fn begin(buffer: &'a mut Vec<u8>, space: Space, group: &'a [u8], counts: [usize; 5]) -> Self {
        buffer.extend_from_slice(&space.0.to_le_bytes());
        let mut writer = Self { buffer, group };
        writer.short(group);
        for count in counts {
            writer.buffer.extend_from_slice(&u32::try_from(count).expect("batches are bounded").to_le_bytes());
        }
        writer
    }

    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.key(key);
        self.buffer.extend_from_slice(&u32::try_from(value.len()).expect("values are bounded").to_le_bytes());
        self.buffer.extend_from_slice(value);
    }

    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.key(key);
    }

    /// Answers where in the buffer the body begins.
    pub(crate) fn keep_body(&mut self, id: BlobId, crc64: u64, body: &[u8]) -> usize {
        self.buffer.extend_from_slice(&id.0);
        self.buffer.push(KEEP_BODY);
        self.buffer.extend_from_slice(&crc64.to_le_bytes());
        self.buffer.extend_from_slice(&u32::try_from(body.len()).expect("bodies are bounded").to_le_bytes());
        self.buffer.extend_from_slice(body);
        self.buffer.len() - body.len()
    }

    pub(crate) fn keep_file(&mut self, id: BlobId, length: u64, crc64: u64) {
        self.buffer.extend_from_slice(&id.0);
        self.buffer.push(KEEP_FILE);
        self.buffer.extend_from_slice(&crc64.to_le_bytes());
        self.buffer.extend_from_slice(&length.to_le_bytes());
    }

    pub(crate) fn retire(&mut self, id: BlobId) {
        self.buffer.extend_from_slice(&id.0);
    }

    pub(crate) fn count(&mut self, change: &Bounded) {
        self.short(&change.name);
        self.buffer.extend_from_slice(&change.delta.to_le_bytes());
    }

    fn key(&mut self, key: &[u8]) {
        let rest = &key[self.group.len()..];
        let is_other = !self.group.is_empty() && side::is_back(key) != side::is_back(self.group);
        let length = u16::try_from(rest.len()).expect("keys are bounded") | if is_other { OTHER_SIDE } else { 0 };
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(rest);
    }

    fn short(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(&u16::try_from(bytes.len()).expect("keys are bounded").to_le_bytes());
        self.buffer.extend_from_slice(bytes);
    }
}

/// The most bytes that a batch's payload has beyond its keys, values, names and bodies.
pub(crate) fn batch_overhead(puts: usize, deletes: usize, keeps: usize, retires: usize, counts: usize) -> usize {
    8 + 2 + 20 + puts * 6 + deletes * 2 + keeps * 33 + retires * 16 + counts * 10
}

/// The most bytes that the payload of a batch can take.
pub(crate) fn payload_bound(group: &[u8], batch: &Batch, made: &[Option<Made>]) -> usize {
    let Batch { put, delete, keep, retire, count, .. } = batch;
    let pairs: usize = put.iter().map(|(key, value)| key.len() + value.len()).sum();
    let deletes: usize = delete.iter().map(Vec::len).sum();
    let bodies = keep.iter().zip(made).map(|(blob, made)| match (blob, made) {
        (NewBlob::Inline(_, body), _) | (NewBlob::Made(_), Some(Made::Body { bytes: body, .. })) => body.len(),
        (NewBlob::Made(_), _) => 0,
    });
    let names: usize = count.iter().map(|change| change.name.len()).sum();
    batch_overhead(put.len(), delete.len(), keep.len(), retire.len(), count.len())
        + group.len()
        + pairs
        + deletes
        + bodies.sum::<usize>()
        + names
}

/// Reads a batch back; `None` where the payload is not one.
pub(crate) fn read_batch(payload: &[u8]) -> Option<BatchRecord<'_>> {
    let mut from = Cursor { payload, at: 0 };
    let mut batch = BatchRecord { space: from.u64()?, group: from.short()?, ..BatchRecord::default() };
    let [puts, deletes, keeps, retires, counts] = [from.u32()?, from.u32()?, from.u32()?, from.u32()?, from.u32()?];
    for _ in 0..puts {
        let key = from.key()?;
        let length = from.u32()?;
        batch.put.push((key, from.take(length as usize)?));
    }
    for _ in 0..deletes {
        batch.delete.push(from.key()?);
    }
    for _ in 0..keeps {
        let (id, kind, crc64) = (from.id()?, from.take(1)?[0], from.u64()?);
        let kept = match kind {
            KEEP_BODY => {
                let length = from.u32()?;
                let at = from.at;
                from.take(length as usize)?;
                Kept::Body { at, length, crc64 }
            }
            KEEP_FILE => Kept::File { length: from.u64()?, crc64 },
            _ => return None,
        };
        batch.keep.push((id, kept));
    }
    for _ in 0..retires {
        batch.retire.push(from.id()?);
    }
    for _ in 0..counts {
        let name = from.short()?;
        batch.count.push((name, i64::from_le_bytes(from.take(8)?.try_into().ok()?)));
    }
    from.end().then_some(batch)
}

/// Writes the payload of a `Close` record.
pub(crate) fn write_close(buffer: &mut Vec<u8>, space: Space) {
    buffer.extend_from_slice(&space.0.to_le_bytes());
}

/// Reads it back.
pub(crate) fn read_close(payload: &[u8]) -> Option<Space> {
    Some(Space(u64::from_le_bytes(payload.try_into().ok()?)))
}

/// Writes the payload of a `Forget` record.
pub(crate) fn write_forget(buffer: &mut Vec<u8>, ids: impl Iterator<Item = BlobId>) {
    for id in ids {
        buffer.extend_from_slice(&id.0);
    }
}

/// Reads it back.
pub(crate) fn read_forget(payload: &[u8]) -> Option<Vec<BlobId>> {
    let (ids, rest) = payload.as_chunks::<16>();
    rest.is_empty().then(|| ids.iter().map(|id| BlobId(*id)).collect())
}

/// Appends one body to the payload of a `Move` record; answers where in the buffer it begins.
pub(crate) fn write_moved(buffer: &mut Vec<u8>, id: BlobId, from: (u64, u32), crc64: u64, body: &[u8]) -> usize {
    buffer.extend_from_slice(&id.0);
    buffer.extend_from_slice(&from.0.to_le_bytes());
    buffer.extend_from_slice(&from.1.to_le_bytes());
    buffer.extend_from_slice(&crc64.to_le_bytes());
    buffer.extend_from_slice(&u32::try_from(body.len()).expect("bodies are bounded").to_le_bytes());
    buffer.extend_from_slice(body);
    buffer.len() - body.len()
}

/// The bytes that [`write_moved`] adds to a body.
pub(crate) const MOVED_OVERHEAD: usize = 40;

/// Reads the bodies of a `Move` record back.
pub(crate) fn read_moved(payload: &[u8]) -> Option<Vec<Moved>> {
    let mut from = Cursor { payload, at: 0 };
    let mut bodies = Vec::new();
    while !from.end() {
        let id = from.id()?;
        let place = (from.u64()?, from.u32()?);
        let (crc64, length) = (from.u64()?, from.u32()?);
        let at = from.at;
        from.take(length as usize)?;
        bodies.push(Moved { id, from: place, at, length, crc64 });
    }
    Some(bodies)
}

impl Kept {
    /// The blob's place, where the payload begins at `payload_at` of `segment`.
    pub(crate) fn place(self, segment: u64, payload_at: u64) -> Place {
        match self {
            Self::Body { at, length, crc64 } => {
                let offset = u32::try_from(payload_at + at as u64).expect("segments are shorter than 4 GiB");
                Place::Packed { segment, offset, length, crc64 }
            }
            Self::File { length, crc64 } => Place::File { length, crc64 },
        }
    }
}

struct Cursor<'a> {
    payload: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.payload.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn id(&mut self) -> Option<BlobId> {
        Some(BlobId(self.take(16)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(length))
    }

    fn key(&mut self) -> Option<GroupKey<'a>> {
        let length = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        let side = if length & OTHER_SIDE == 0 { SideOfKey::AsTheGroup } else { SideOfKey::Other };
        Some(GroupKey { side, rest: self.take(usize::from(length & !OTHER_SIDE))? })
    }

    fn end(&self) -> bool {
        self.at == self.payload.len()
    }
}
