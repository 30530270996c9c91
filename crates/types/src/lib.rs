//! The vocabulary of Commonhold: values that every other crate speaks, and nothing that does I/O.
//!
//! A value that exists is valid: names are checked where they are made, so no later layer checks
//! them again. [`Clock`] and [`Entropy`] are the only ways to the time and to randomness, so that a
//! simulation can replay a run from its seed.

mod checksum;
mod clock;
mod conditions;
mod entropy;
mod etag;
mod hex_text;
mod ids;
mod md5;
mod names;
mod presign;
mod range;
pub mod size;

pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumHasher, ChecksumType};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use conditions::{Conditions, EtagMatch};
pub use entropy::{Entropy, OsEntropy, PooledEntropy, SeededEntropy};
pub use etag::ETag;
pub use hex_text::HexText;
pub use ids::{BlobId, UploadId, VersionId, WriteId};
pub use md5::Md5;
pub use names::{AccessKeyId, BucketName, NameError, ObjectKey, TenancyName, UserName};
pub use presign::Presign;
pub use range::{ByteRange, RangeError};
