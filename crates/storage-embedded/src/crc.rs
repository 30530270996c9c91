//! CRC-64/NVME, the checksum of everything this engine writes.

use crc_fast::{CrcAlgorithm, Digest};

/// The CRC-64/NVME of `data`.
pub(crate) fn crc64(data: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, data)
}

/// A CRC-64/NVME of data that comes in pieces.
pub(crate) fn digest() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}
