//! Bodies that can be made again from a few numbers, so that every byte that is read can be compared.

use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;
use objects::{Claims, Payload, PayloadError};
use types::{ChecksumAlgorithm, Entropy, Md5, SeededEntropy};

/// The unit in which bodies differ from each other, in bytes.
const BLOCK_BYTES: usize = 4096;
/// The noise that bodies are cut from, in bytes.
const NOISE_BYTES: usize = 64 << 10;
/// The pieces in which bodies arrive, in bytes.
const PIECE_BYTES: usize = 300_000;

/// What an object consists of: pieces of bodies, each by its seed and length in bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Recipe(pub(crate) Vec<(u64, usize)>);

impl Recipe {
    /// The body of one write.
    pub(crate) fn one(seed: u64, length: usize) -> Self {
        Self(vec![(seed, length)])
    }

    /// The length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.0.iter().map(|(_, length)| *length as u64).sum()
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        for (seed, length) in &self.0 {
            fill(&mut whole, *seed, *length);
        }
        whole
    }
}

fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut noise = vec![0; NOISE_BYTES];
        SeededEntropy::new(0).fill(&mut noise);
        noise
    })
}

/// Each block is noise from somewhere, and says whose it is and where it belongs.
fn fill(whole: &mut Vec<u8>, seed: u64, length: usize) {
    let noise = noise();
    let end = whole.len() + length;
    let mut number = 0_usize;
    while whole.len() < end {
        let count = BLOCK_BYTES.min(end - whole.len());
        let stamp = (seed | (number as u64) << 48).to_le_bytes();
        let from = (seed as usize).wrapping_mul(7919).wrapping_add(number * 131) % (NOISE_BYTES - BLOCK_BYTES);
        let stamped = count.min(stamp.len());
        whole.extend_from_slice(&stamp[..stamped]);
        whole.extend_from_slice(&noise[from..from + count - stamped]);
        number += 1;
    }
}

/// The MD5 of a body.
pub(crate) fn md5(body: &[u8]) -> [u8; 16] {
    Md5::of(body)
}

/// A body on its way in.
pub(crate) struct Body {
    rest: Bytes,
    length: u64,
}

impl Body {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, rest: bytes }
    }
}

#[async_trait]
impl Payload for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        let count = self.rest.len().min(PIECE_BYTES);
        Ok(Some(self.rest.split_to(count)).filter(|piece| !piece.is_empty()))
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn claims(&self) -> Claims {
        Claims::default()
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Recipe;

    #[test]
    fn bodies_are_as_long_as_said_and_differ_from_their_first_byte_on() {
        for length in [1, 7, 8, 9, 4096, 4097, 100_000] {
            let [left, right] = [1, 2].map(|seed| Recipe::one(seed, length).bytes());
            assert_eq!((left.len(), right.len()), (length, length));
            assert_ne!(left[0], right[0]);
        }
    }
}
