//! Which moments of the index readers look at, so that the tree keeps what they need.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

/// A moment: readers see entries below `seqno`. Held while it is read.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) seqno: u64,
}

/// The current moment and those before it that are still being read.
pub(crate) struct Snapshots {
    current: ArcSwap<Snapshot>,
    /// In order, the current one last. One that nobody else holds is over.
    known: Mutex<VecDeque<Arc<Snapshot>>>,
}

impl Snapshots {
    pub(crate) fn new(seqno: u64) -> Self {
        let first = Arc::new(Snapshot { seqno });
        Self { current: ArcSwap::new(Arc::clone(&first)), known: Mutex::new(VecDeque::from([first])) }
    }

    /// The moment to read at.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Moves on: everything below `seqno` is visible from now on.
    pub(crate) fn publish(&self, seqno: u64) {
        let next = Arc::new(Snapshot { seqno });
        let mut known = self.known.lock();
        known.push_back(Arc::clone(&next));
        self.current.store(next);
        forget_unused(&mut known);
    }

    /// The oldest moment that is, or can still come to be, read.
    pub(crate) fn oldest(&self) -> u64 {
        let mut known = self.known.lock();
        forget_unused(&mut known);
        known.front().map_or(0, |snapshot| snapshot.seqno)
    }
}

/// The current snapshot is held by the swap, so it is never forgotten; an older one that only `known` holds can not be
/// taken again.
fn forget_unused(known: &mut VecDeque<Arc<Snapshot>>) {
    while known.len() > 1 && known.front().is_some_and(|oldest| Arc::strong_count(oldest) == 1) {
        known.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::Snapshots;

    #[test]
    fn the_oldest_moment_is_that_of_the_slowest_reader() {
        let snapshots = Snapshots::new(1);
        let slow = snapshots.current();
        snapshots.publish(5);
        let quick = snapshots.current();
        snapshots.publish(9);
        assert_eq!((slow.seqno, quick.seqno, snapshots.oldest()), (1, 5, 1));
        drop(slow);
        assert_eq!(snapshots.oldest(), 5);
        drop(quick);
        assert_eq!(snapshots.oldest(), 9);
    }
}
