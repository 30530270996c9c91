//! Whether callers come one by one, so that one of them may commit by himself.
//!
//! The thread of the committer is there so that writers share a sync and no thread of the runtime waits for the device.
//! A writer who is alone shares with nobody, and nobody else wants the thread that he blocks: for him, waking the
//! committer and being woken by it is only time lost, about an eighth of a small PUT.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// The quiet groups in a row after which the store counts as quiet.
const QUIET_GROUPS: u32 = 16;
/// The reads between two groups that belong to a writer's own request; more of them are others'.
const OWN_READS: u32 = 8;
/// A sync that takes longer is nothing to block a thread of the runtime for, and hides what a wake-up costs.
const QUICK_SYNC: Duration = Duration::from_millis(1);

/// What came lately. The numbers are hints: they are changed without order.
#[derive(Default)]
pub(crate) struct Traffic {
    quiet_groups: AtomicU32,
    reads: AtomicU32,
}

impl Traffic {
    /// Somebody reads.
    pub(crate) fn read(&self) {
        // Under many readers, this line only looks at what they share.
        if self.reads.load(Relaxed) <= OWN_READS {
            self.reads.fetch_add(1, Relaxed);
        }
    }

    /// A group of so many requests was written, which took so long.
    pub(crate) fn group(&self, requests: usize, took: Duration) {
        let reads = self.reads.swap(0, Relaxed);
        let is_quiet = requests == 1 && reads <= OWN_READS && took <= QUICK_SYNC;
        let groups = if is_quiet { self.quiet_groups.load(Relaxed).saturating_add(1) } else { 0 };
        self.quiet_groups.store(groups, Relaxed);
    }

    /// Whether a writer may block the thread that he is on: nobody else came for a while, and the runtime has others.
    pub(crate) fn lets_caller_block(&self) -> bool {
        let is_quiet = self.quiet_groups.load(Relaxed) >= QUIET_GROUPS && self.reads.load(Relaxed) <= OWN_READS;
        is_quiet
            && Handle::try_current().is_ok_and(|runtime| {
                runtime.runtime_flavor() == RuntimeFlavor::MultiThread && runtime.metrics().num_workers() > 1
            })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{OWN_READS, QUIET_GROUPS, Traffic};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn anything_but_single_quick_writes_ends_the_quiet() {
        let quick = Duration::from_micros(200);
        let quiet = || {
            let traffic = Traffic::default();
            (0..QUIET_GROUPS).for_each(|_| traffic.group(1, quick));
            assert!(traffic.lets_caller_block());
            traffic
        };
        let disturbances: [fn(&Traffic); 3] = [
            |traffic| traffic.group(2, Duration::ZERO),
            |traffic| traffic.group(1, Duration::from_millis(2)),
            |traffic| (0..=OWN_READS).for_each(|_| traffic.read()),
        ];
        for disturb in disturbances {
            let traffic = quiet();
            disturb(&traffic);
            assert!(!traffic.lets_caller_block());
            traffic.group(1, quick);
            assert!(!traffic.lets_caller_block(), "one quiet group is not enough");
        }
        let traffic = quiet();
        (0..OWN_READS).for_each(|_| traffic.read());
        assert!(traffic.lets_caller_block(), "a writer reads too");
    }

    #[tokio::test]
    async fn the_only_thread_is_not_blocked() {
        let traffic = Traffic::default();
        (0..=QUIET_GROUPS).for_each(|_| traffic.group(1, Duration::ZERO));
        assert!(!traffic.lets_caller_block());
    }
}
