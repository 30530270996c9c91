//! The index: an LSM tree behind the log.
//!
//! One tree holds pairs, places of blobs, counters, closed spaces, retired blobs and the live bytes of segments
//! ([`keys`]). Only the committer changes it, a whole group of records at a time ([`stage`]), and only after the group
//! is on disk. What would soon change again stands over the tree until a memtable is sealed ([`overlay`]), the last record
//! among it. A flush writes whole memtables, so that what is found at opening is exactly the state after the record
//! that is noted: the *checkpoint*.
//!
//! The tree's sequence numbers are its own affair. A group takes the next one, and is visible once a snapshot above it
//! is published ([`snapshots`]). Flushes and compactions take numbers too; a version of the tree is found by readers
//! whose snapshot is above it, so versions may go once no older snapshot is in use. Publishing is also what changes the
//! [`stamps`] of the spaces that a group touches. When keys were changed last, [`recent`] tells the committer.

pub(crate) mod keys;
pub(crate) mod overlay;
mod recent;
pub(crate) mod snapshots;
pub(crate) mod stage;
pub(crate) mod stamps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lsm_tree::compaction::{Leveled, MoveDown};
use lsm_tree::config::PartitioningPolicy;
use lsm_tree::{AbstractTree, AnyTree, Cache, Guard, SequenceNumberCounter};
use storage::{Space, StorageError, side};
use types::BlobId;

use self::overlay::{Overlay, View};
use self::recent::Recent;
use self::snapshots::{Snapshot, Snapshots};
use self::stage::Stage;
use self::stamps::Stamps;
use crate::blobs::place::Place;
use crate::error::{damaged, from_tree};
use crate::log::segments::Segments;

/// Sealed memtables that may wait for their flush before writers are slowed down.
const SEALED_MEMTABLES: usize = 3;
/// Runs in the first level that may wait for their compaction before writers are slowed down.
const WAITING_RUNS: usize = 20;
/// Of which levels the tables have their block index and filters cut into blocks that are cached one by one: all but the
/// first, whose tables are small and held whole. A lookup wants one such block; a table's whole index has a megabyte or
/// two, and whole filters a third of that, so that those of a large store would push each other out of the cache.
const PARTITIONED: [bool; 2] = [false, true];
/// Levels of the tree.
const LEVELS: u8 = 7;
/// Compactions in a row, so that one flush can not keep its thread busy for ever.
const COMPACTIONS: usize = 16;

/// The index of a store.
pub(crate) struct Index {
    tree: AnyTree,
    seqno: SequenceNumberCounter,
    snapshots: Snapshots,
    stamps: Stamps,
    overlay: Overlay,
    recent: Recent,
    /// The last record whose changes were there when a memtable was sealed.
    sealed: AtomicU64,
    /// The last record whose changes are on disk.
    checkpoint: AtomicU64,
}

/// Pairs of a range.
pub(crate) type Pairs = Vec<(Bytes, Bytes)>;

impl Index {
    /// Opens the tree in a directory of the operating system, or makes it.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self, StorageError> {
        let seqno = SequenceNumberCounter::default();
        let config = lsm_tree::Config::new(path, seqno.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::new(Cache::with_capacity_bytes(cache_bytes)))
            .index_block_partitioning_policy(PartitioningPolicy::new(PARTITIONED))
            .filter_block_partitioning_policy(PartitioningPolicy::new(PARTITIONED));
        let tree = config.open().map_err(|error| from_tree(&error))?;
        seqno.fetch_max(tree.get_highest_persisted_seqno().unwrap_or(0) + 1);
        let snapshots = Snapshots::new(seqno.get());
        let [sealed, checkpoint] = [(); 2].map(|()| AtomicU64::new(0));
        let (stamps, overlay, recent) = (Stamps::new(), Overlay::default(), Recent::new());
        let index = Self { tree, seqno, snapshots, stamps, overlay, recent, sealed, checkpoint };
        let applied = index.latest_number(keys::APPLIED)?.unsigned_abs();
        index.sealed.store(applied, Ordering::Release);
        index.checkpoint.store(applied, Ordering::Release);
        Ok(index)
    }

    /// The moment to read at.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.current()
    }

    /// Which spaces change.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    pub(crate) fn get(&self, snapshot: &Snapshot, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let value = self.tree.get(key, snapshot.seqno).map_err(|error| from_tree(&error))?;
        Ok(value.map(Bytes::from))
    }

    /// For the committer, which sees all of its own changes.
    pub(crate) fn get_latest(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let value = self.tree.get(key, lsm_tree::SeqNo::MAX).map_err(|error| from_tree(&error))?;
        Ok(value.map(Bytes::from))
    }

    /// A counter, or another number of which the newest value may not be in the tree yet; 0 where there is none. For the
    /// committer.
    pub(crate) fn latest_number(&self, key: &[u8]) -> Result<i64, StorageError> {
        match self.overlay.number(key) {
            Some(number) => Ok(number),
            None => self.get_latest(key)?.map_or(Ok(0), |value| decode_i64(&value)),
        }
    }

    /// Numbers as of one moment; 0 where there is none.
    pub(crate) fn numbers(&self, keys: &[Vec<u8>]) -> Result<Vec<i64>, StorageError> {
        let (over, snapshot) = self.overlay.numbers(keys, &self.snapshots);
        let numbers = keys.iter().zip(over).map(|(key, number)| match number {
            Some(number) => Ok(number),
            None => self.get(&snapshot, key)?.map_or(Ok(0), |value| decode_i64(&value)),
        });
        numbers.collect()
    }

    /// What can be read at this moment, what stands over the tree too.
    pub(crate) fn view(&self) -> View {
        self.overlay.view(&self.snapshots)
    }

    /// The last record whose changes a view has.
    pub(crate) fn last_record(&self, view: &View) -> Result<u64, StorageError> {
        let record = match view.numbers.get(keys::APPLIED) {
            Some(record) => Some(record.clone()),
            None => self.get(&view.snapshot, keys::APPLIED)?,
        };
        Ok(record.map_or(Ok(0), |value| decode_i64(&value))?.cast_unsigned())
    }

    /// Whether a blob is kept now.
    pub(crate) fn is_kept(&self, id: BlobId) -> Result<bool, StorageError> {
        Ok(!self.overlay.is_retired(id) && self.get_latest(&keys::blob(id))?.is_some())
    }

    /// Up to `limit` blobs that are kept, with their places, in the order of their names from the first after `after`.
    pub(crate) fn kept(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<(BlobId, Place)>, StorageError> {
        let (mut from, to) = keys::Range::Blobs.bounds();
        if let Some(after) = after {
            from = keys::blob(after);
            from.push(0);
        }
        let (retired, snapshot) = self.overlay.retired(&self.snapshots);
        let blobs = self.pairs(&snapshot, from.as_slice()..to.as_slice()).map(|pair| {
            let (key, place) = pair?;
            Ok((keys::blob_of(&key)?, decode_place(&place)?))
        });
        blobs.filter(|blob| !matches!(blob, Ok((id, _)) if retired.contains(id))).take(limit).collect()
    }

    /// The blobs that are retired and not forgotten, for opening.
    pub(crate) fn retired(&self) -> Result<BTreeSet<BlobId>, StorageError> {
        let (mut retired, _) = self.overlay.retired(&self.snapshots);
        for (key, _) in self.all(keys::Range::Retired)? {
            retired.insert(keys::blob_of(&key)?);
        }
        Ok(retired)
    }

    /// Up to `limit` pairs with `from <= key < to`.
    pub(crate) fn range(
        &self,
        snapshot: &Snapshot,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Pairs, StorageError> {
        self.pairs(snapshot, from..to).take(limit).collect()
    }

    /// Up to `limit` pairs of a space whose places lie in `from..to`, of both of its sides.
    pub(crate) fn range_both(
        &self,
        snapshot: &Snapshot,
        space: Space,
        (from, to): (&[u8], Option<&[u8]>),
        limit: usize,
    ) -> Result<Pairs, StorageError> {
        let ranges = side::ranges(from, to).map(|(from, to)| keys::pairs(space, &from, to.as_deref()));
        let [mut front, mut back] = ranges.each_ref().map(|(from, to)| self.pairs(snapshot, from..to).peekable());
        let mut pairs = Vec::new();
        while pairs.len() < limit {
            let next = match (front.peek(), back.peek()) {
                (Some(Ok((left, _))), Some(Ok((right, _)))) if keys::order_of_places(left, right).is_gt() => {
                    back.next()
                }
                (None, _) => back.next(),
                (Some(_), _) => front.next(),
            };
            let Some(pair) = next else { break };
            pairs.push(pair?);
        }
        Ok(pairs)
    }

    /// The pairs of a range, in order.
    fn pairs(
        &self,
        snapshot: &Snapshot,
        range: Range<&[u8]>,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), StorageError>> {
        let pairs = (range.start < range.end).then(|| self.tree.range::<&[u8], _>(range, snapshot.seqno, None));
        pairs.into_iter().flatten().map(|pair| {
            let (key, value) = pair.into_inner().map_err(|error| from_tree(&error))?;
            Ok((Bytes::from(key), Bytes::from(value)))
        })
    }

    /// Everything of one kind, for opening: before any group was applied, the tree has all numbers.
    pub(crate) fn all(&self, range: keys::Range) -> Result<Pairs, StorageError> {
        let (from, to) = range.bounds();
        self.range(&self.snapshot(), &from, &to, usize::MAX)
    }

    /// Everything of a view, in the order of keys, until `each` breaks off.
    pub(crate) fn for_each<B>(
        &self,
        view: View,
        mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, StorageError> {
        let mut newer = view.numbers;
        for pair in self.tree.range::<&[u8], _>(.., view.snapshot.seqno, None) {
            let (key, value) = pair.into_inner().map_err(|error| from_tree(&error))?;
            let mut is_newest = true;
            while let Some(entry) = newer.first_entry().filter(|entry| entry.key().as_slice() <= &*key) {
                let (own, value) = entry.remove_entry();
                is_newest = own.as_slice() != &*key;
                if let broken @ ControlFlow::Break(_) = each(&own, &value) {
                    return Ok(broken);
                }
            }
            if let Some(keys::Range::Blobs) = keys::kind(&key)
                && let id = keys::blob_of(&key)?
                && view.retired.contains(&id)
            {
                newer.insert(keys::retired(id), value.into());
            } else if is_newest && let broken @ ControlFlow::Break(_) = each(&key, &value) {
                return Ok(broken);
            }
        }
        for (own, value) in newer {
            if let broken @ ControlFlow::Break(_) = each(&own, &value) {
                return Ok(broken);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Fills an index that nobody uses yet, and writes it to disk.
    pub(crate) fn fill<E: From<StorageError>>(
        &self,
        pairs: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), E>>,
        memtable_bytes: u64,
    ) -> Result<(), E> {
        for pair in pairs {
            let (key, value) = pair?;
            let seqno = self.seqno.next();
            let (_, filled) = self.tree.insert(key, value, seqno);
            self.snapshots.publish(seqno + 1);
            if filled > memtable_bytes {
                self.seal(0)?;
                self.flush()?;
            }
        }
        self.seal(0)?;
        Ok(self.flush()?)
    }

    /// Makes the changes of `stage` visible: those of the records up to `sequence`. Committer only.
    pub(crate) fn apply(&self, stage: Stage, sequence: u64, segments: &Segments) -> Applied {
        let seqno = self.seqno.next();
        let mut changing = self.stamps.changing();
        let mut tree_bytes = 0;
        for (key, value) in stage.changes {
            if let Some(space) = keys::space_of(&key) {
                changing.note(space);
                self.recent.note(&key, seqno);
            }
            tree_bytes = self.change(key, value, seqno);
        }
        let mut overlay = self.overlay.change();
        for (id, is_retired) in stage.over {
            overlay.retire(id, is_retired);
        }
        for (segment, change) in stage.live {
            overlay.set(&keys::segment(segment), segments.enliven(segment, change).cast_signed());
        }
        for (name, value) in stage.counters {
            overlay.set(&keys::counter(&name), value);
        }
        overlay.set(keys::APPLIED, sequence.cast_signed());
        self.snapshots.publish(seqno + 1);
        changing.published();
        let (memory_bytes, is_overlay_full) = (tree_bytes + overlay.bytes(), overlay.is_full());
        Applied { retired: stage.retired, memory_bytes, is_overlay_full }
    }

    /// Puts or removes a key; answers the size of the tree's part in memory.
    fn change(&self, key: Vec<u8>, value: Option<Bytes>, seqno: u64) -> u64 {
        let (_, bytes) = match value {
            Some(value) => self.tree.insert(key, value, seqno),
            None => self.tree.remove(key, seqno),
        };
        bytes
    }

    /// Sets the part in memory aside for the next flush. Committer only, between groups.
    ///
    /// # Errors
    /// Those of [`Self::pour`]. Nothing is set aside then.
    pub(crate) fn seal(&self, sequence: u64) -> Result<(), StorageError> {
        self.pour()?;
        if self.tree.rotate_memtable().is_some() {
            self.sealed.store(sequence, Ordering::Release);
        }
        Ok(())
    }

    /// Has the tree take what stands over it. Committer only, between groups.
    ///
    /// # Errors
    /// Where the place of a retired blob can not be read. Nothing changed then.
    pub(crate) fn pour(&self) -> Result<(), StorageError> {
        let places = self.retired_places()?;
        let mut overlay = self.overlay.change();
        let seqno = self.seqno.next();
        for (id, place) in places {
            self.change(keys::blob(id), None, seqno);
            self.change(keys::retired(id), Some(place), seqno);
        }
        for (key, number) in overlay.drain() {
            self.change(key, Some(number), seqno);
        }
        self.snapshots.publish(seqno + 1);
        Ok(())
    }

    /// The encoded places of the blobs that are retired though the tree has them as kept.
    fn retired_places(&self) -> Result<Vec<(BlobId, Bytes)>, StorageError> {
        let mut places = Vec::new();
        let (retired, _) = self.overlay.retired(&self.snapshots);
        for id in retired {
            if let Some(place) = self.get_latest(&keys::blob(id))? {
                // Copied: what was read is a part of a block, and would hold all of it in memory.
                places.push((id, Bytes::copy_from_slice(&place)));
            }
        }
        Ok(places)
    }

    /// Whether flushes and compactions fall behind.
    pub(crate) fn is_behind(&self) -> bool {
        self.tree.sealed_memtable_count() > SEALED_MEMTABLES || self.tree.l0_run_count() > WAITING_RUNS
    }

    /// Writes what was sealed to disk, and compacts.
    pub(crate) fn flush(&self) -> Result<(), StorageError> {
        let sealed = self.sealed.load(Ordering::Acquire);
        let lock = self.tree.get_flush_lock();
        let flushed = self.tree.flush(&lock, self.snapshots.oldest()).map_err(|error| from_tree(&error))?;
        drop(lock);
        self.checkpoint.fetch_max(sealed, Ordering::AcqRel);
        if flushed.is_some() {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&self) -> Result<(), StorageError> {
        let strategy = Arc::new(Leveled::default());
        for _ in 0..COMPACTIONS {
            let before = self.tree.current_version().id();
            self.tree
                .compact(Arc::clone(&strategy) as _, self.snapshots.oldest())
                .map_err(|error| from_tree(&error))?;
            if self.tree.current_version().id() == before {
                break;
            }
        }
        Ok(())
    }

    /// Moves readers on to the tree as it is now, though nothing was written since. Committer only, between groups.
    pub(crate) fn move_on(&self) {
        self.snapshots.publish(self.seqno.get());
    }

    /// Frees the memtables and tables that only versions of the tree have which no reader needs. Flushes and compactions do
    /// that too, for versions below the reader's moment when they began; so what the last of them replaced stays.
    pub(crate) fn forget_versions(&self) -> Result<(), StorageError> {
        // A tree forgets versions as it makes one. This one is as the last: from an empty level no table moves.
        let Some(empty) = (1..LEVELS).find(|level| self.tree.level_table_count(usize::from(*level)) == Some(0)) else {
            return Ok(());
        };
        let strategy = Arc::new(MoveDown(empty, empty));
        self.tree.compact(strategy, self.snapshots.oldest()).map_err(|error| from_tree(&error))
    }

    /// The last record whose changes are on disk.
    pub(crate) fn checkpoint(&self) -> u64 {
        self.checkpoint.load(Ordering::Acquire)
    }
}

/// What became of a stage.
pub(crate) struct Applied {
    pub(crate) retired: Vec<BlobId>,
    /// The size of the index's part in memory now; less where the group changed nothing in the tree.
    pub(crate) memory_bytes: u64,
    /// Whether it is time for [`Index::pour`].
    pub(crate) is_overlay_full: bool,
}

/// Reads a number back.
pub(crate) fn decode_i64(value: &[u8]) -> Result<i64, StorageError> {
    let bytes = value.try_into().map_err(|_| damaged(format!("a number of the index: {value:02x?}")))?;
    Ok(i64::from_le_bytes(bytes))
}

/// Reads a place back.
pub(crate) fn decode_place(value: &[u8]) -> Result<Place, StorageError> {
    Place::decode(value).ok_or_else(|| damaged(format!("a place of the index: {value:02x?}")))
}
