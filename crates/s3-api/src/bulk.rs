//! Bulk work makes way for other requests.
//!
//! DeleteObjects does the work of a thousand requests. Where nobody else asks for anything it goes as fast as the engine
//! does; where others do, it goes in small steps, one step of all such requests at a time, with a rest after each. What
//! the others wait is then the length of a step. A machine that is so busy that a step takes long gets larger ones: there
//! all wait anyway, and bulk work must not starve.
//!
//! Who deletes one object with a request, and not one at a time, does the same work. Beside others each of these requests
//! rests before it is answered; one by itself never does.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Mutex;

/// What is done at once while nobody else asks: enough keys to share a sync.
const STEP_ALONE: usize = 32;
/// What is done at once beside others, at the least.
const STEP_BESIDE: usize = 8;
/// What is done beside others in a step, for each millisecond that the step before took.
const PER_MILLISECOND: usize = 4;
/// The pause after a step beside others. Clocks of tokio have milliseconds.
const REST: Duration = Duration::from_millis(1);
/// For how long after another request began the machine counts as wanted by others.
const OTHERS_FOR: Duration = Duration::from_millis(20);

/// Who asked last, and whose turn it is.
pub(crate) struct Bulk {
    beginning: Instant,
    /// Microseconds from the beginning to the begin of the last request that is no bulk work, and one more; 0 before.
    last_other: AtomicU64,
    turn: Mutex<()>,
    /// Requests that delete one object and are not answered yet.
    singles: AtomicUsize,
}

impl Bulk {
    pub(crate) fn new(beginning: Instant) -> Self {
        Self { beginning, last_other: AtomicU64::new(0), turn: Mutex::new(()), singles: AtomicUsize::new(0) }
    }

    /// A request that is no bulk work began.
    pub(crate) fn other_began(&self, at: Instant) {
        self.last_other.store(self.micros(at) + 1, Ordering::Relaxed);
    }

    fn is_wanted_by_others(&self, now: Instant) -> bool {
        match self.last_other.load(Ordering::Relaxed) {
            0 => false,
            last => Duration::from_micros((self.micros(now) + 1).saturating_sub(last)) < OTHERS_FOR,
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.beginning).as_micros()).unwrap_or(u64::MAX - 1)
    }

    /// Does the `work` of one of perhaps many requests.
    pub(crate) async fn one<T>(&self, work: impl Future<Output = T>) -> T {
        let single = Single::begin(&self.singles);
        let result = work.await;
        if !single.was_alone && self.is_wanted_by_others(Instant::now()) {
            tokio::time::sleep(REST).await;
        }
        result
    }

    /// Does `work` on all items in order, some at a time, and answers its results in that order.
    pub(crate) async fn each<I, T, F: Future<Output = T>>(&self, items: Vec<I>, work: impl Fn(I) -> F) -> Vec<T> {
        let mut results = Vec::with_capacity(items.len());
        let mut items = items.into_iter();
        let mut beside = STEP_BESIDE;
        while items.len() > 0 {
            if self.is_wanted_by_others(Instant::now()) {
                let _turn = self.turn.lock().await;
                let started = Instant::now();
                results.extend(join_all(items.by_ref().take(beside).map(&work)).await);
                beside = step_beside(started.elapsed());
                tokio::time::sleep(REST).await;
            } else {
                results.extend(join_all(items.by_ref().take(STEP_ALONE).map(&work)).await);
            }
        }
        results
    }
}

/// A request that deletes one object, until this is dropped.
struct Single<'a> {
    singles: &'a AtomicUsize,
    was_alone: bool,
}

impl<'a> Single<'a> {
    fn begin(singles: &'a AtomicUsize) -> Self {
        let was_alone = singles.fetch_add(1, Ordering::Relaxed) == 0;
        Self { singles, was_alone }
    }
}

impl Drop for Single<'_> {
    fn drop(&mut self) {
        self.singles.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The step beside others after one that took so long.
fn step_beside(took: Duration) -> usize {
    let milliseconds = usize::try_from(took.as_millis()).unwrap_or(usize::MAX);
    milliseconds.saturating_mul(PER_MILLISECOND).clamp(STEP_BESIDE, STEP_ALONE)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use futures_util::future::join_all;

    use super::{Bulk, OTHERS_FOR, PER_MILLISECOND, REST, STEP_ALONE, STEP_BESIDE, step_beside};

    #[test]
    fn the_machine_is_wanted_for_a_while_after_another_began() {
        let start = Instant::now();
        let bulk = Bulk::new(start);
        assert!(!bulk.is_wanted_by_others(start));
        bulk.other_began(start);
        assert!(bulk.is_wanted_by_others(start));
        assert!(bulk.is_wanted_by_others(start + OTHERS_FOR - Duration::from_micros(1)));
        assert!(!bulk.is_wanted_by_others(start + OTHERS_FOR));
        bulk.other_began(start + Duration::from_secs(5));
        assert!(bulk.is_wanted_by_others(start + Duration::from_secs(5)));
    }

    #[test]
    fn a_busy_machine_gets_larger_steps() {
        let steps = [0, 1, 5, 1000].map(|took| step_beside(Duration::from_millis(took)));
        assert_eq!(steps, [STEP_BESIDE, STEP_BESIDE, 5 * PER_MILLISECOND, STEP_ALONE]);
    }

    /// The most items of two bulk requests that were at work at once, where another request begins with every item.
    async fn at_once(others: bool) -> usize {
        let bulk = Bulk::new(Instant::now());
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |item: usize| {
            if others {
                bulk.other_began(Instant::now());
            }
            let (now, most) = (&now, &most);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                item
            }
        };
        if others {
            bulk.other_began(Instant::now());
        }
        let (first, second) = tokio::join!(bulk.each((0..100).collect(), work), bulk.each((0..7).collect(), work));
        assert_eq!((first, second), ((0..100).collect(), (0..7).collect()));
        most.into_inner()
    }

    /// How long so many requests that delete one object each take together, beside others or not: the median of some
    /// attempts.
    async fn singles_take(requests: usize, others: bool) -> Duration {
        let bulk = Bulk::new(Instant::now());
        let mut times = Vec::new();
        for _ in 0..21 {
            if others {
                bulk.other_began(Instant::now());
            }
            let started = Instant::now();
            join_all((0..requests).map(|_| bulk.one(tokio::task::yield_now()))).await;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        times[times.len() / 2]
    }

    #[tokio::test]
    async fn single_deletes_rest_beside_others_unless_they_come_one_by_one() {
        assert!(singles_take(2, true).await >= REST);
        assert!(singles_take(2, false).await < REST);
        assert!(singles_take(1, true).await < REST);
    }

    #[tokio::test]
    async fn steps_are_small_and_in_turn_beside_others_only() {
        // A step may take long where tests have much company, so the one after it may be larger.
        assert!((STEP_BESIDE..=STEP_ALONE).contains(&at_once(true).await));
        assert!(at_once(false).await > STEP_ALONE);
    }
}
