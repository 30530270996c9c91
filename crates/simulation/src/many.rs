//! Many seeds, side by side. Each run is as it would be alone: runs share nothing.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;

use crate::run::{Violation, run};

/// Violations after which no more seeds are run: they are likely to be the same one.
const VIOLATIONS: usize = 10;

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Total {
    /// Runs that went well.
    pub runs: u64,
    /// Requests that were answered in them.
    pub answers: u64,
    /// What went wrong, by seed.
    pub violations: Vec<Violation>,
}

/// Runs `seeds` on `threads` threads, from the first on, until they are done, or `end` has come, or ten of them have
/// found a violation. `told` is told of each violation at once.
pub fn run_many(seeds: Range<u64>, threads: usize, end: Option<Instant>, told: &(dyn Fn(&Violation) + Sync)) -> Total {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Total::default());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while end.is_none_or(|end| Instant::now() < end) && total.lock().violations.len() < VIOLATIONS {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let outcome = catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|_| Err(panicked(seed)));
                    let mut total = total.lock();
                    match outcome {
                        Ok(report) => {
                            total.runs += 1;
                            total.answers += report.answers;
                        }
                        Err(violation) => {
                            told(&violation);
                            total.violations.push(violation);
                        }
                    }
                }
            });
        }
    });
    let mut total = total.into_inner();
    total.violations.sort_by_key(|violation| violation.seed);
    total
}

/// The message of the panic was printed where it happened.
fn panicked(seed: u64) -> Violation {
    Violation { seed, what: "something panicked".to_owned(), events: Vec::new() }
}
