//! Latencies in buckets of bounded relative error.

use std::time::Duration;

/// Buckets in each power of two: a relative error of at most 1/64.
const STEPS: u32 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Powers of two that are told apart: 2^40 ns are 18 minutes; longer ones count as that.
const POWERS: u32 = 40;

/// Counts durations. Merging and recording never lose one; quantiles are exact to 1/64.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
    sum_ns: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; (POWERS * STEPS) as usize], count: 0, max_ns: 0, sum_ns: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[bucket_of(ns).min(last)] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns);
    }

    /// Counts what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
    }

    /// How many were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` (0 to 1) of all do not exceed; zero where nothing was counted.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_bound(bucket).min(self.max_ns));
            }
        }
        Duration::from_nanos(self.max_ns)
    }

    /// The longest.
    pub const fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The mean; zero where nothing was counted.
    pub fn mean(&self) -> Duration {
        let mean = self.sum_ns / u128::from(self.count.max(1));
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }
}

/// Values below [`STEPS`] have a bucket each; above, the top bits choose it.
fn bucket_of(ns: u64) -> usize {
    if ns < u64::from(STEPS) {
        return ns as usize;
    }
    let shift = ns.ilog2() - STEP_BITS;
    let step = (ns >> shift) - u64::from(STEPS);
    ((shift + 1) * STEPS) as usize + step as usize
}

fn upper_bound(bucket: usize) -> u64 {
    let (power, step) = (bucket as u64 / u64::from(STEPS), bucket as u64 % u64::from(STEPS));
    match power.checked_sub(1) {
        None => step,
        Some(shift) => ((u64::from(STEPS) + step + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_a_bucket_that_is_not_much_wider() {
        for ns in (0..200).chain((8..41).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1])) {
            let upper = upper_bound(bucket_of(ns));
            assert!(upper >= ns && upper - ns <= ns / 64, "{ns} is in a bucket up to {upper}");
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let (mut first, mut second) = (Histogram::default(), Histogram::default());
        assert_eq!(first.quantile(0.5), Duration::ZERO);
        for us in 1..=1000 {
            if us % 2 == 0 { &mut first } else { &mut second }.record(Duration::from_micros(us));
        }
        first.merge(&second);
        assert_eq!(first.count(), 1000);
        assert_eq!(first.max(), Duration::from_millis(1));
        for (share, us) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = first.quantile(share).as_secs_f64() * 1e6;
            assert!(found >= us && found <= us * (1.0 + 1.0 / 64.0), "{share}: {found}");
        }
    }
}
