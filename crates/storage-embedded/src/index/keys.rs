//! The keys of the index: one byte says what follows.

use std::cmp::Ordering;

use storage::{Space, StorageError, side};
use types::BlobId;

use crate::error::damaged;

const PAIR: u8 = 1;
const BLOB: u8 = 2;
const COUNTER: u8 = 3;
const CLOSED: u8 = 4;
const RETIRED: u8 = 5;
const SEGMENT: u8 = 6;

/// The last record whose changes the index has, a `u64`.
pub(crate) const APPLIED: &[u8] = &[0];

/// The bytes before the caller's key in the key of a pair.
pub(crate) const PAIR_PREFIX_BYTES: usize = 9;

pub(crate) fn pair(space: Space, parts: [&[u8]; 2]) -> Vec<u8> {
    let mut key = Vec::with_capacity(PAIR_PREFIX_BYTES + parts[0].len() + parts[1].len());
    key.push(PAIR);
    key.extend_from_slice(&space.0.to_be_bytes());
    key.extend_from_slice(parts[0]);
    key.extend_from_slice(parts[1]);
    key
}

/// The space of a pair's key; `None` for a key of another kind.
pub(crate) fn space_of(key: &[u8]) -> Option<Space> {
    let (kind, rest) = key.split_first()?;
    let space = rest.first_chunk().filter(|_| *kind == PAIR)?;
    Some(Space(u64::from_be_bytes(*space)))
}

/// The first key after all pairs of a space.
pub(crate) fn pairs_end(space: Space) -> Vec<u8> {
    match space.0.checked_add(1) {
        Some(next) => pair(Space(next), [b"", b""]),
        None => vec![PAIR + 1],
    }
}

/// The range of the pairs with `from <= key < to`, to the space's end where there is no `to`.
pub(crate) fn pairs(space: Space, from: &[u8], to: Option<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    (pair(space, [from, b""]), to.map_or_else(|| pairs_end(space), |to| pair(space, [to, b""])))
}

/// The order of two pairs of one space by the places of their keys.
pub(crate) fn order_of_places(left: &[u8], right: &[u8]) -> Ordering {
    side::order(left.get(PAIR_PREFIX_BYTES..).unwrap_or_default(), right.get(PAIR_PREFIX_BYTES..).unwrap_or_default())
}

pub(crate) fn blob(id: BlobId) -> Vec<u8> {
    with_prefix(BLOB, &id.0)
}

pub(crate) fn counter(name: &[u8]) -> Vec<u8> {
    with_prefix(COUNTER, name)
}

pub(crate) fn closed(space: Space) -> Vec<u8> {
    with_prefix(CLOSED, &space.0.to_be_bytes())
}

pub(crate) fn retired(id: BlobId) -> Vec<u8> {
    with_prefix(RETIRED, &id.0)
}

pub(crate) fn segment(number: u64) -> Vec<u8> {
    with_prefix(SEGMENT, &number.to_be_bytes())
}

/// A kind of key that is read by range.
#[derive(Clone, Copy)]
pub(crate) enum Range {
    Blobs,
    Closed,
    Retired,
    Segments,
}

impl Range {
    fn prefix(self) -> u8 {
        match self {
            Self::Blobs => BLOB,
            Self::Closed => CLOSED,
            Self::Retired => RETIRED,
            Self::Segments => SEGMENT,
        }
    }

    pub(crate) fn bounds(self) -> (Vec<u8>, Vec<u8>) {
        (vec![self.prefix()], vec![self.prefix() + 1])
    }
}

/// Of which kind that is read by range a key is.
pub(crate) fn kind(key: &[u8]) -> Option<Range> {
    let prefix = *key.first()?;
    [Range::Blobs, Range::Closed, Range::Retired, Range::Segments].into_iter().find(|range| range.prefix() == prefix)
}

/// The blob in a key of a blob.
pub(crate) fn blob_of(key: &[u8]) -> Result<BlobId, StorageError> {
    fixed(key).map(BlobId)
}

/// The number in a key of a segment or a closed space.
pub(crate) fn number_of(key: &[u8]) -> Result<u64, StorageError> {
    fixed(key).map(u64::from_be_bytes)
}

fn fixed<const N: usize>(key: &[u8]) -> Result<[u8; N], StorageError> {
    key.get(1..).and_then(|rest| rest.try_into().ok()).ok_or_else(|| damaged(format!("a key of the index: {key:02x?}")))
}

fn with_prefix(prefix: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(prefix);
    key.extend_from_slice(rest);
    key
}
