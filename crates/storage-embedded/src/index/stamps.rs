//! Marks of the state of spaces, for [`storage::Metadata::stamp`].
//!
//! Each space counts in one of a fixed number of places, twice for every group of changes that touches it: before the
//! group becomes visible, which makes the count odd, and after, which makes it even again. Only even counts are told.
//!
//! - Who reads an even count sees every change that it counts, as these were published before it became even.
//! - Who reads the same even count before and after taking a snapshot has one without any later change: a snapshot that has
//!   one was published after the count became odd, so the second reading would see that.
//! - Who reads an even count that was read before knows that nothing was published since, so nothing was acknowledged or
//!   seen since either. Both follow publication.
//!
//! A change that nobody waits for any more, or whose outcome nobody learns, is counted like any other.

use std::sync::atomic::{AtomicU64, Ordering};

use storage::{Space, Stamp};

/// Places to count in, 8 KiB in all. Two spaces in one place only seem to change with each other.
const PLACES: usize = 1024;

/// The counts.
pub(crate) struct Stamps {
    counts: Vec<AtomicU64>,
}

impl Stamps {
    pub(crate) fn new() -> Self {
        Self { counts: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The mark of a space; `None` while it changes.
    pub(crate) fn of(&self, space: Space) -> Option<Stamp> {
        let count = self.counts[place(space)].load(Ordering::Acquire);
        count.is_multiple_of(2).then_some(Stamp(count))
    }

    /// A group of changes on its way. One at a time.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing { stamps: self, places: Vec::new() }
    }
}

/// A group of changes that is being made visible.
pub(crate) struct Changing<'a> {
    stamps: &'a Stamps,
    /// Those whose count is odd.
    places: Vec<usize>,
}

impl Changing<'_> {
    /// Notes that a space is among what changes, before it is published.
    pub(crate) fn note(&mut self, space: Space) {
        let place = place(space);
        let count = &self.stamps.counts[place];
        if count.load(Ordering::Relaxed).is_multiple_of(2) {
            count.fetch_add(1, Ordering::AcqRel);
            self.places.push(place);
        }
    }

    /// Ends it, after they were published.
    pub(crate) fn published(self) {
        for place in self.places {
            self.stamps.counts[place].fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Ids of spaces are random, so any bits of them will do.
fn place(space: Space) -> usize {
    (space.0 % PLACES as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::disk::MemoryDisk;
    use crate::index::stage::Stage;
    use crate::index::{Index, keys};
    use crate::log::segments::Segments;

    /// From before its changes are published until after, a space has no stamp; then it has another.
    #[test]
    fn a_space_that_changes_has_no_stamp() {
        let (stamps, space, other) = (Stamps::new(), Space(7), Space(8));
        let before = stamps.of(space);
        assert!(before.is_some());
        let mut changing = stamps.changing();
        for _ in 0..2 {
            changing.note(space);
            assert_eq!(stamps.of(space), None);
        }
        changing.published();
        assert!(stamps.of(space).is_some_and(|stamp| Some(stamp) != before));
        assert_eq!(stamps.of(other), before, "the other one did not change");
    }

    /// Readers keep what they read under a stamp, as a cache would, while groups are applied as fast as it goes.
    #[test]
    fn what_is_kept_under_a_stamp_is_never_outdated() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path(), 1 << 20).unwrap();
        let segments = Segments::new(std::sync::Arc::new(MemoryDisk::default()));
        let space = Space(7);
        let key = || keys::pair(space, [b"k", b""]);
        let (acknowledged, told, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let read = || {
            let mut kept: Option<(Stamp, u64)> = None;
            let mut again = 0;
            while !done.load(Ordering::Relaxed) {
                let least = acknowledged.load(Ordering::SeqCst).max(told.load(Ordering::SeqCst));
                let before = index.stamps().of(space);
                let value = match kept.filter(|(stamp, _)| Some(*stamp) == before) {
                    Some((_, value)) => {
                        again += 1;
                        value
                    }
                    None => {
                        let value = index.get(&index.snapshot(), &key()).unwrap();
                        value.map_or(0, |value| u64::from_be_bytes(value.as_ref().try_into().unwrap()))
                    }
                };
                assert!(value >= least, "{value} was told, and {least} was written or told before");
                told.fetch_max(value, Ordering::SeqCst);
                if let Some(stamp) = before.filter(|stamp| index.stamps().of(space) == Some(*stamp)) {
                    kept = Some((stamp, value));
                }
            }
            again
        };
        thread::scope(|scope| {
            let readers: Vec<_> = (0..3).map(|_| scope.spawn(read)).collect();
            let started = Instant::now();
            for sequence in 1.. {
                let mut stage = Stage::default();
                stage.put(key(), &u64::to_be_bytes(sequence));
                index.apply(stage, sequence, &segments);
                acknowledged.store(sequence, Ordering::SeqCst);
                if started.elapsed() > Duration::from_secs(1) {
                    break;
                }
                if sequence % 16 == 0 {
                    thread::yield_now();
                }
            }
            done.store(true, Ordering::Relaxed);
            assert!(index.stamps().of(space).is_some(), "at rest there is a stamp");
            let again: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
            assert!(again > 0, "nothing was told again");
        });
    }
}
