//! The changes of a group of records, gathered before they enter the index.
//!
//! The committer fills a stage as it writes records, recovery as it reads them; both through these methods, so that an
//! index that is rebuilt from the log is the one that was lost.

use std::collections::{BTreeMap, HashMap, hash_map};

use bytes::Bytes;
use storage::{Space, StorageError};
use types::BlobId;

use super::overlay::retired_pairs;
use super::{Index, decode_place, keys};
use crate::blobs::place::Place;

/// Changes that become visible together.
#[derive(Default)]
pub(crate) struct Stage {
    /// The last change of each key; `None` deletes it.
    changes: HashMap<Vec<u8>, Option<Bytes>>,
    /// The values of counters that change, by their names.
    counters: HashMap<Vec<u8>, i64>,
    /// By how much the live bytes of segments change.
    live: BTreeMap<u64, i64>,
    /// Blobs that will be retired while the tree has them as kept, with their places; `None` for those that no longer are.
    over: HashMap<BlobId, Option<Place>>,
    /// Blobs that were kept until now.
    retired: Vec<BlobId>,
}

impl Stage {
    /// The value of a key, with the changes of this stage.
    pub(crate) fn get(&self, index: &Index, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => index.get_latest(key),
        }
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

    /// The place of a blob that is kept, for [`Self::retire`].
    pub(crate) fn kept(&self, index: &Index, id: BlobId) -> Result<Option<Place>, StorageError> {
        if self.over(index, id).is_some() {
            return Ok(None);
        }
        self.get(index, &keys::blob(id))?.map(|place| decode_place(&place)).transpose()
    }

    /// The place of a blob that is retired while the tree has it as kept.
    fn over(&self, index: &Index, id: BlobId) -> Option<Place> {
        self.over.get(&id).copied().unwrap_or_else(|| index.overlay.retired(id))
    }

    /// Retires a blob, whose place was looked up in this stage. Answers whether it was kept.
    pub(crate) fn retire(&mut self, id: BlobId, place: Option<Place>) -> bool {
        // One that goes twice in a batch was looked up before it went.
        if place.is_none() || self.over.get(&id).is_some_and(Option::is_some) {
            return false;
        }
        self.over.insert(id, place);
        self.retired.push(id);
        true
    }

    pub(crate) fn forget(&mut self, index: &Index, id: BlobId) -> Result<(), StorageError> {
        let (key, place) = match self.over(index, id) {
            Some(place) => {
                self.over.insert(id, None);
                (keys::blob(id), place)
            }
            None => {
                let key = keys::retired(id);
                let Some(place) = self.get(index, &key)? else { return Ok(()) };
                (key, decode_place(&place)?)
            }
        };
        self.enliven(place, -1);
        self.changes.insert(key, None);
        Ok(())
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
                if self.over(index, id).is_some() {
                    self.over.insert(id, Some(to));
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn close(&mut self, space: Space) {
        self.changes.insert(keys::closed(space), Some(Bytes::from_static(&[1])));
    }

    /// How many blobs are retired.
    pub(super) fn retiring(&self) -> usize {
        self.over.values().flatten().count()
    }

    /// Has the tree take the retired blobs at once.
    pub(super) fn spill(&mut self) {
        for (id, over) in &mut self.over {
            if let Some(place) = over.take() {
                self.changes.extend(retired_pairs(*id, place));
            }
        }
    }

    /// Takes the changes out. What is left is empty and keeps its memory.
    pub(crate) fn drain(&mut self) -> Drained<'_> {
        Drained {
            changes: self.changes.drain(),
            counters: self.counters.drain(),
            live: std::mem::take(&mut self.live),
            over: self.over.drain(),
            retired: std::mem::take(&mut self.retired),
        }
    }

    fn enliven(&mut self, place: Place, sign: i64) {
        if let Place::Packed { segment, length, .. } = place {
            *self.live.entry(segment).or_insert(0) += sign * i64::from(length);
        }
    }
}

/// The changes of a stage, on their way into the index.
pub(crate) struct Drained<'a> {
    pub(crate) changes: hash_map::Drain<'a, Vec<u8>, Option<Bytes>>,
    pub(crate) counters: hash_map::Drain<'a, Vec<u8>, i64>,
    pub(crate) live: BTreeMap<u64, i64>,
    pub(crate) over: hash_map::Drain<'a, BlobId, Option<Place>>,
    pub(crate) retired: Vec<BlobId>,
}
