//! One core's hashes, by the libraries that the store uses.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crc_fast::CrcAlgorithm;
use sha2::{Digest as _, Sha256};
use types::Md5;

/// Hashed again and again: more than the caches hold of a core, as bodies are.
const BUFFER_BYTES: usize = 8 << 20;

/// Bytes a second of MD5, SHA-256 and CRC-64/NVME, each measured for about a third of `duration`.
pub fn measure(duration: Duration) -> [(&'static str, f64); 3] {
    let each = duration / 3;
    let crc64 = |buffer: &[u8]| crc_fast::checksum(CrcAlgorithm::Crc64Nvme, buffer);
    [("MD5", md5(each)), ("SHA-256", rate(each, |buffer| Sha256::digest(buffer))), ("CRC-64/NVME", rate(each, crc64))]
}

/// Bytes a second of MD5 on one core.
pub fn md5(duration: Duration) -> f64 {
    rate(duration, Md5::of)
}

fn rate<H>(duration: Duration, hash: impl Fn(&[u8]) -> H) -> f64 {
    let buffer = vec![0x5a; BUFFER_BYTES];
    let start = Instant::now();
    let mut bytes = 0;
    while start.elapsed() < duration {
        black_box(hash(black_box(&buffer)));
        bytes += BUFFER_BYTES;
    }
    bytes as f64 / start.elapsed().as_secs_f64()
}
