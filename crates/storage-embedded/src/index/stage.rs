//! The changes of a group of records, gathered before they enter the index.
//!
//! The committer fills a stage as it writes records, recovery as it reads them; both through these methods, so that an
//! index that is rebuilt from the log is the one that was lost.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage::{Moment, Space, StorageError};
use types::BlobId;

use super::{Index, decode_place, keys};
use crate::blobs::place::Place;

/// Changes that become visible together.
#[derive(Default)]
pub(crate) struct Stage {
    /// The last change of each key; `None` deletes it. In the tree's order, so that on their way into it the place of each is
    /// near that of the one before, and what leads there is in the processor's cache.
    pub(super) changes: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// The values of counters that change, by their names.
    pub(super) counters: BTreeMap<Vec<u8>, i64>,
    /// By how much the live bytes of segments change.
    pub(super) live: BTreeMap<u64, i64>,
    /// Whether blobs are retired that the tree has as kept ([`super::overlay`]), where that changes.
    pub(super) over: BTreeMap<BlobId, bool>,
    /// Those that were kept until now.
    pub(super) retired: Vec<BlobId>,
}

impl Stage {
    /// The value of a key, with the changes of this stage.
    pub(crate) fn get(&self, index: &Index, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => index.get_latest(key),
        }
    }

    /// Whether neither this stage nor a group that is visible later than `moment` changes a pair; `false` where that is not
    /// known.
    pub(crate) fn is_unchanged_since(&self, moment: Moment, index: &Index, key: &[u8]) -> bool {
        !self.changes.contains_key(key) && index.recent.is_unchanged_since(moment, key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0 && self.counters.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.changes.len() + self.over.len()
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, value: &[u8]) {
        // A copy, because the caller's value may be a small part of a large buffer.
        self.changes.insert(key, Some(Bytes::copy_from_slice(value)));
    }

    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }

    /// The value of a counter, with the changes of this stage.
    pub(crate) fn counter(&self, index: &Index, name: &[u8]) -> Result<i64, StorageError> {
        match self.counters.get(name) {
            Some(value) => Ok(*value),
            None => index.latest_number(&keys::counter(name)),
        }
    }

    pub(crate) fn add(&mut self, index: &Index, name: &[u8], delta: i64) -> Result<(), StorageError> {
        match self.counters.get_mut(name) {
            Some(value) => *value = value.wrapping_add(delta),
            None => {
                let value = index.latest_number(&keys::counter(name))?;
                self.counters.insert(name.to_vec(), value.wrapping_add(delta));
            }
        }
        Ok(())
    }

    pub(crate) fn keep(&mut self, id: BlobId, place: Place) {
        self.changes.insert(keys::blob(id), Some(place.encode()));
        self.enliven(place, 1);
    }

    /// Whether this stage keeps a blob.
    pub(crate) fn keeps(&self, id: BlobId) -> bool {
        matches!(self.changes.get(&keys::blob(id)), Some(Some(_)))
    }

    /// Whether a blob is kept, with the changes of this stage.
    pub(crate) fn is_kept(&self, index: &Index, id: BlobId) -> Result<bool, StorageError> {
        Ok(!self.is_over(index, id) && self.get(index, &keys::blob(id))?.is_some())
    }

    /// Whether a blob is retired that the tree has as kept.
    fn is_over(&self, index: &Index, id: BlobId) -> bool {
        self.over.get(&id).copied().unwrap_or_else(|| index.overlay.is_retired(id))
    }

    /// Retires a blob that was kept until now. Of one that never was, nothing is left when it is forgotten.
    pub(crate) fn retire(&mut self, id: BlobId) {
        self.over.insert(id, true);
        self.retired.push(id);
    }

    /// Forgets a retired blob that was at `place`.
    pub(crate) fn forget(&mut self, index: &Index, id: BlobId, place: Option<Place>) {
        let key = if self.is_over(index, id) {
            self.over.insert(id, false);
            keys::blob(id)
        } else {
            keys::retired(id)
        };
        if let Some(place) = place {
            self.enliven(place, -1);
            self.changes.insert(key, None);
        }
    }

    /// Where a kept or retired blob is.
    pub(crate) fn place(&self, index: &Index, id: BlobId) -> Result<Option<(Vec<u8>, Place)>, StorageError> {
        for key in [keys::blob(id), keys::retired(id)] {
            if let Some(place) = self.get(index, &key)? {
                return Ok(Some((key, decode_place(&place)?)));
            }
        }
        Ok(None)
    }

    /// Notes that a body was copied, unless the blob is no longer at `from`. Answers whether it was.
    pub(crate) fn moved(
        &mut self,
        index: &Index,
        id: BlobId,
        from: (u64, u32),
        to: Place,
    ) -> Result<bool, StorageError> {
        match self.place(index, id)? {
            Some((key, old @ Place::Packed { segment, offset, .. })) if (segment, offset) == from => {
                self.enliven(old, -1);
                self.enliven(to, 1);
                self.changes.insert(key, Some(to.encode()));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn close(&mut self, space: Space) {
        self.changes.insert(keys::closed(space), Some(Bytes::from_static(&[1])));
    }

    fn enliven(&mut self, place: Place, sign: i64) {
        if let Place::Packed { segment, length, .. } = place {
            *self.live.entry(segment).or_insert(0) += sign * i64::from(length);
        }
    }
}
