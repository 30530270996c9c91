//! The additional checksums of S3 (user guide, "Checking object integrity").

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// An algorithm of `x-amz-checksum-*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME, what AWS clients send unless told otherwise.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Whether a multipart object's checksum is over its bytes or over its parts' checksums.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ChecksumType {
    /// Over the parts' checksums, `value-N`.
    Composite,
    /// Over the whole content.
    FullObject,
}

impl ChecksumAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The name in `x-amz-checksum-algorithm` and XML, as in `CRC64NVME`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries its value, as in `x-amz-checksum-crc64nvme`.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The length of its value in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The type that a multipart upload has where the client named none.
    pub const fn default_type(self) -> ChecksumType {
        match self {
            Self::Crc64Nvme => ChecksumType::FullObject,
            _ => ChecksumType::Composite,
        }
    }

    /// Whether S3 has this algorithm with this type for multipart uploads.
    pub const fn supports(self, kind: ChecksumType) -> bool {
        !matches!(
            (self, kind),
            (Self::Crc64Nvme, ChecksumType::Composite) | (Self::Sha1 | Self::Sha256, ChecksumType::FullObject)
        )
    }

    const fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

impl FromStr for ChecksumAlgorithm {
    type Err = ();

    /// Reads the name in any case.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl ChecksumType {
    /// The name in `x-amz-checksum-type` and XML.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }
}

impl FromStr for ChecksumType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Composite, Self::FullObject].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}

/// The value of a checksum.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checksum {
    /// By which algorithm.
    pub algorithm: ChecksumAlgorithm,
    bytes: [u8; 32],
}

impl Checksum {
    /// The checksum with these bytes; `None` where the length is not the algorithm's.
    pub fn new(algorithm: ChecksumAlgorithm, value: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        bytes.get_mut(..algorithm.size())?.copy_from_slice_checked(value)?;
        Some(Self { algorithm, bytes })
    }

    /// The checksum of `data`.
    pub fn of(algorithm: ChecksumAlgorithm, data: &[u8]) -> Self {
        let mut hasher = ChecksumHasher::new(algorithm);
        hasher.update(data);
        hasher.finish()
    }

    /// Its bytes, big-endian for the CRCs.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The value in base64, as headers and XML carry it.
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.bytes())
    }

    /// Reads a value in base64; `None` where it is not one of this algorithm.
    pub fn from_base64(algorithm: ChecksumAlgorithm, text: &str) -> Option<Self> {
        Self::new(algorithm, &BASE64.decode(text.trim()).ok()?)
    }

    /// The checksum of this one's content followed by `length` bytes with the checksum `next`. `None` for the SHAs,
    /// which can not be combined.
    pub fn combine(&self, next: &Self, length: u64) -> Option<Self> {
        let crc = self.algorithm.crc().filter(|_| next.algorithm == self.algorithm)?;
        let value = crc_fast::checksum_combine(crc, self.as_u64(), next.as_u64(), length);
        Some(Self::from_u64(self.algorithm, value))
    }

    /// The composite checksum of parts: the checksum of their checksums (user guide, "Composite checksums").
    pub fn composite<'a>(algorithm: ChecksumAlgorithm, parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut hasher = ChecksumHasher::new(algorithm);
        for part in parts {
            hasher.update(part.bytes());
        }
        hasher.finish()
    }

    fn as_u64(&self) -> u64 {
        self.bytes().iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn from_u64(algorithm: ChecksumAlgorithm, value: u64) -> Self {
        let mut bytes = [0; 32];
        let length = algorithm.size();
        bytes[..length].copy_from_slice(&value.to_be_bytes()[8 - length..]);
        Self { algorithm, bytes }
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.algorithm.name(), self.to_base64())
    }
}

/// Copies only between equal lengths.
trait CopyChecked {
    fn copy_from_slice_checked(&mut self, from: &[u8]) -> Option<()>;
}

impl CopyChecked for [u8] {
    fn copy_from_slice_checked(&mut self, from: &[u8]) -> Option<()> {
        (self.len() == from.len()).then(|| self.copy_from_slice(from))
    }
}

/// Computes a checksum over a stream.
#[derive(Clone, Debug)]
pub struct ChecksumHasher {
    algorithm: ChecksumAlgorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    Crc(crc_fast::Digest),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

impl ChecksumHasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let state = match (algorithm.crc(), algorithm) {
            (Some(crc), _) => State::Crc(crc_fast::Digest::new(crc)),
            (None, ChecksumAlgorithm::Sha1) => State::Sha1(sha1::Sha1::new()),
            (None, _) => State::Sha256(sha2::Sha256::new()),
        };
        Self { algorithm, state }
    }

    /// Which algorithm it computes.
    pub const fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// Takes in more content.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(data),
            State::Sha1(hasher) => hasher.update(data),
            State::Sha256(hasher) => hasher.update(data),
        }
    }

    /// The checksum of all that was taken in.
    pub fn finish(self) -> Checksum {
        let algorithm = self.algorithm;
        let mut bytes = [0; 32];
        match self.state {
            State::Crc(digest) => return Checksum::from_u64(algorithm, digest.finalize()),
            State::Sha1(hasher) => bytes[..20].copy_from_slice(&hasher.finalize()),
            State::Sha256(hasher) => bytes.copy_from_slice(&hasher.finalize()),
        }
        Checksum { algorithm, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of each algorithm for "123456789": the CRC catalogue and FIPS 180.
    #[test]
    fn check_values() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let checksum = Checksum::of(algorithm, b"123456789");
            assert_eq!(hex::encode(checksum.bytes()), expected, "{algorithm:?}");
            assert_eq!(Checksum::from_base64(algorithm, &checksum.to_base64()), Some(checksum));
            assert_eq!(algorithm.name().to_lowercase().parse(), Ok(algorithm));
        }
        assert_eq!(Checksum::from_base64(ChecksumAlgorithm::Crc32, "AAAA"), None);
    }

    #[test]
    fn crcs_of_parts_combine_to_the_whole() {
        for algorithm in [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme] {
            let (left, right) = (Checksum::of(algorithm, b"1234"), Checksum::of(algorithm, b"56789"));
            assert_eq!(left.combine(&right, 5), Some(Checksum::of(algorithm, b"123456789")));
        }
        let sha = Checksum::of(ChecksumAlgorithm::Sha1, b"1");
        assert_eq!(sha.combine(&sha, 1), None);
    }
}
