//! CRC-64/NVME, the checksum of everything this engine writes.

use crc_fast::{CrcAlgorithm, Digest};

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// The CRC-64/NVME of `data`.
pub(crate) fn crc64(data: &[u8]) -> u64 {
    crc_fast::checksum(ALGORITHM, data)
}

/// A CRC-64/NVME of data that comes in pieces.
pub(crate) fn digest() -> Digest {
    Digest::new(ALGORITHM)
}

/// What combines the checksum of some content with that of the block after it, for blocks of one length. A checksum is
/// linear in the bits of the one before, so what each bit becomes is computed once; after that a block costs some dozen
/// instructions instead of a second pass over its bytes.
pub(crate) struct Combine {
    bits: [u64; 64],
}

impl Combine {
    /// For blocks of `length` bytes.
    pub(crate) fn new(length: u64) -> Self {
        Self { bits: std::array::from_fn(|bit| crc_fast::checksum_combine(ALGORITHM, 1 << bit, 0, length)) }
    }

    /// The checksum of content with the checksum `before`, and of a block with the checksum `block` behind it.
    pub(crate) fn with(&self, before: u64, block: u64) -> u64 {
        let set = self.bits.iter().enumerate().filter(|(bit, _)| before >> bit & 1 == 1);
        set.fold(block, |sum, (_, becomes)| sum ^ becomes)
    }
}

/// The checksum of content with the checksum `before`, and of `length` bytes with the checksum `end` behind it.
pub(crate) fn combine(before: u64, end: u64, length: u64) -> u64 {
    crc_fast::checksum_combine(ALGORITHM, before, end, length)
}

#[cfg(test)]
mod tests {
    use types::{Entropy as _, SeededEntropy};

    use super::{Combine, combine, crc64};

    #[test]
    fn checksums_combine_to_that_of_the_whole() {
        for length in [1, 7, 4096, 65_536] {
            let combined = Combine::new(length as u64);
            let (mut content, mut sum) = (Vec::new(), crc64(b""));
            for number in 0..5 {
                let mut block = vec![0; length];
                SeededEntropy::new(number).fill(&mut block);
                content.extend_from_slice(&block);
                let whole = crc64(&content);
                assert_eq!(combine(sum, crc64(&block), length as u64), whole);
                sum = combined.with(sum, crc64(&block));
                assert_eq!(sum, whole, "{length} {number}");
            }
        }
    }
}
