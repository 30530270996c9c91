//! Randomness as an argument.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// The only way to randomness.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `buffer` with random bytes, fit for secrets when the source is the operating system.
    fn fill(&self, buffer: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// Where the operating system has no randomness to give: nothing safe can be done without it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }
}

/// The operating system's generator, asked for many bytes at a time: for the ids that every request draws, each of which
/// would be a system call.
///
/// What it holds for later could be read out of the process, or be handed out twice by two copies of a virtual machine.
/// So it is for ids, which are no secrets; those are drawn from [`OsEntropy`].
pub struct PooledEntropy(Mutex<Pool>);

struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

/// Drawn from the operating system at a time: the ids of some tens of requests.
const POOL_BYTES: usize = 4096;

impl PooledEntropy {
    /// A pool with nothing in it yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }))
    }
}

impl Default for PooledEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for PooledEntropy {
    /// # Panics
    /// As [`OsEntropy`].
    fn fill(&self, buffer: &mut [u8]) {
        let length = buffer.len();
        if length > POOL_BYTES {
            return OsEntropy.fill(buffer);
        }
        let mut pool = self.0.lock();
        if pool.used + length > POOL_BYTES {
            OsEntropy.fill(&mut pool.bytes);
            pool.used = 0;
        }
        let range = pool.used..pool.used + length;
        pool.used = range.end;
        buffer.copy_from_slice(&pool.bytes[range]);
    }
}

impl fmt::Debug for PooledEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PooledEntropy")
    }
}

/// A reproducible sequence for tests and simulation (SplitMix64). Never for secrets.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        for piece in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            piece.copy_from_slice(&z.to_le_bytes()[..piece.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_drawn_twice_from_a_pool() {
        let pool = PooledEntropy::new();
        let mut seen = HashSet::new();
        for round in 0..3 * POOL_BYTES / 16 {
            let mut id = [0; 16];
            pool.fill(&mut id);
            assert!(seen.insert(id), "{round}");
            pool.fill(&mut vec![0; round % 40]);
        }
        let mut long = vec![0; 2 * POOL_BYTES + 1];
        pool.fill(&mut long);
        assert!(long.chunks_exact(16).all(|id| seen.insert(id.try_into().expect("16 bytes"))));
    }

    #[test]
    fn a_seed_replays() {
        let (a, b) = (SeededEntropy::new(7), SeededEntropy::new(7));
        let draw = |e: &SeededEntropy| (0..100).map(|_| e.next_u64()).collect::<Vec<_>>();
        let first = draw(&a);
        assert_eq!(first, draw(&b));
        assert_ne!(first, draw(&a));
    }
}
