//! What S3 means: buckets, objects, versions, multipart uploads and listings, on the two storage contracts.
//!
//! Nothing here knows HTTP or XML. Every function that acts takes an [`access::Grant`] and reads bucket and key from it.
//! [`bucket`] and [`object`] hold the values; `keyspace` says where their records lie; each operation family has a file
//! of its own that implements it on [`Objects`].

pub mod bucket;
mod error;
pub mod listing;
pub mod multipart;
pub mod object;
pub mod payload;
mod store;

pub use bucket::{Bucket, NewBucket, Versioning};
pub use error::ObjectError;
pub use payload::{Claims, Payload, PayloadError};
pub use store::Objects;
