//! What an operator asks of an engine beside the two contracts: whether it is whole, and a copy of it.
//!
//! These calls take as long as the data is large. They block their thread, report to a [`Progress`] as they go, and end
//! early where it was stopped. They change nothing that callers of the contracts can see.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use types::BlobId;

use crate::StorageError;

/// The most damages that a report lists; it counts all.
pub const LISTED_DAMAGES: usize = 1000;
/// Pauses shorter than this are put together: timers are not finer.
const LEAST_PAUSE_NANOSECONDS: u64 = 10_000_000;

/// How far long work is, how fast it may go, and whether it is to end.
#[derive(Debug, Default)]
pub struct Progress {
    total_bytes: AtomicU64,
    done_bytes: AtomicU64,
    owed_nanoseconds: AtomicU64,
    stopped: AtomicBool,
    pace: Option<NonZeroU64>,
}

impl Progress {
    /// Work that goes as fast as it can.
    pub fn unpaced() -> Self {
        Self::default()
    }

    /// Work that goes through at most `bytes_per_second`.
    pub fn paced(bytes_per_second: NonZeroU64) -> Self {
        Self { pace: Some(bytes_per_second), ..Self::default() }
    }

    /// More work is known of.
    pub fn expect(&self, bytes: u64) {
        self.total_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// `bytes` are done. Answers how long to pause before going on.
    pub fn advance(&self, bytes: u64) -> Duration {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        let Some(pace) = self.pace else { return Duration::ZERO };
        let cost = u128::from(bytes) * 1_000_000_000 / u128::from(pace.get());
        let cost = u64::try_from(cost).unwrap_or(u64::MAX / 2);
        let owed = self.owed_nanoseconds.fetch_add(cost, Ordering::Relaxed).saturating_add(cost);
        if owed < LEAST_PAUSE_NANOSECONDS {
            return Duration::ZERO;
        }
        self.owed_nanoseconds.fetch_sub(owed, Ordering::Relaxed);
        Duration::from_nanos(owed)
    }

    /// As [`Self::advance`], and pauses the thread.
    pub fn advance_blocking(&self, bytes: u64) {
        let pause = self.advance(bytes);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    /// The bytes that are known to be gone through in all, and those that are done.
    pub fn bytes(&self) -> (u64, u64) {
        (self.total_bytes.load(Ordering::Relaxed), self.done_bytes.load(Ordering::Relaxed))
    }

    /// Asks the work to end.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Something that is not as it was written, or not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// What, in words.
    pub what: String,
    /// The blob whose bytes it is, where it is one's.
    pub blob: Option<BlobId>,
}

/// Damages that were found: the first ones in words, and how many there are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Damages {
    /// At most [`LISTED_DAMAGES`].
    pub listed: Vec<Damage>,
    /// All of them.
    pub count: u64,
}

impl Damages {
    /// One more.
    pub fn add(&mut self, what: impl Into<String>, blob: Option<BlobId>) {
        self.count += 1;
        if self.listed.len() < LISTED_DAMAGES {
            self.listed.push(Damage { what: what.into(), blob });
        }
    }
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// Bytes of the log that were read.
    pub log_bytes: u64,
    /// Keys of the index that were read.
    pub keys: u64,
    /// Blobs whose place was looked at.
    pub blobs: u64,
    /// Files that no blob has, which the next start removes: no damage.
    pub orphans: u64,
    /// What is wrong.
    pub damages: Damages,
}

/// What a backup holds, and what had to be done for it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackedUp {
    /// The last record of the store that it has.
    pub sequence: u64,
    /// Files that were copied.
    pub copied_files: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that an earlier backup had copied already.
    pub reused_files: u64,
    /// Files that were removed, because the store no longer has them.
    pub removed_files: u64,
    /// What could not be copied whole.
    pub damages: Damages,
}

/// An engine that can be looked after. See the module.
pub trait Maintenance: Send + Sync + 'static {
    /// Why the engine takes no more writes, if so.
    fn failure(&self) -> Option<String>;

    /// Looks whether the engine's own structure is whole, without reading the bytes of large blobs.
    ///
    /// # Errors
    /// What kept it from looking; what it found is in the answer.
    fn verify(&self, progress: &Progress) -> Result<Verified, StorageError>;

    /// Makes `directory`, which is empty or holds an earlier backup of the same store, a copy of the store as of one
    /// moment.
    ///
    /// # Errors
    /// Where it is no such directory or can not be written. What it held before is still whole then.
    fn backup(&self, directory: &Path, progress: &Progress) -> Result<BackedUp, StorageError>;
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use super::{Damages, LISTED_DAMAGES, Progress};

    #[test]
    fn small_steps_are_paced_as_large_ones_are() {
        let pace = NonZeroU64::new(1_000_000).expect("not 0");
        for step in [1, 999, 5_000, 100_000, 1_000_000] {
            let progress = Progress::paced(pace);
            let paused: Duration = (0..2_000_000 / step).map(|_| progress.advance(step)).sum();
            let expected = Duration::from_secs(2);
            assert!(paused <= expected && paused + Duration::from_millis(20) >= expected, "{step}: {paused:?}");
            assert_eq!(progress.bytes(), (0, 2_000_000 / step * step));
        }
        assert_eq!(Progress::unpaced().advance(u64::MAX), Duration::ZERO);
    }

    #[test]
    fn lists_of_damages_are_bounded() {
        let mut damages = Damages::default();
        (0..LISTED_DAMAGES + 5).for_each(|number| damages.add(format!("{number}"), None));
        assert_eq!((damages.listed.len(), damages.count), (LISTED_DAMAGES, LISTED_DAMAGES as u64 + 5));
    }
}
