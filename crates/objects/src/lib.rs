//! What S3 means: buckets, objects, versions, multipart uploads and listings, on the two storage contracts.
//!
//! Nothing here knows HTTP or XML. Every function that acts takes an [`access::Grant`] and reads bucket and key from it.
//!
//! [`bucket`], [`object`], [`listing`] and [`multipart`] hold the values. `keyspace` says where records lie and `record`
//! what is in them, `summary` what listings show of that; `commit` is how a key gets a new version, `content` how bytes
//! come in and go out, `walk` how listings read, `usage` what is counted and [`quota`] what limits it; [`inspect`] and [`scrub`] look whether all of it is whole. Each operation
//! family has a file of its own that implements it on [`Objects`]. The layout of all that is stored is in
//! `docs/format/objects.md`.

mod acl;
mod attributes;
pub mod bucket;
mod bucket_access;
#[cfg(test)]
mod bucket_access_tests;
mod buckets;
#[cfg(test)]
mod buckets_tests;
mod commit;
mod conditions;
mod content;
mod copy;
#[cfg(test)]
mod copy_tests;
mod delete;
mod digest;
mod error;
#[cfg(test)]
mod fixture;
pub mod inspect;
mod keyspace;
mod large_bodies;
mod list_objects;
mod list_parts;
mod list_uploads;
mod list_versions;
pub mod listing;
#[cfg(test)]
mod listing_tests;
mod locks;
pub mod multipart;
#[cfg(test)]
mod multipart_tests;
pub mod object;
#[cfg(test)]
mod objects_tests;
mod part_map;
pub mod payload;
mod put;
pub mod quota;
mod read;
mod record;
mod recovery;
pub mod scrub;
mod small_bodies;
mod store;
mod summary;
mod upload_abort;
mod upload_complete;
mod upload_create;
mod upload_finish;
mod upload_part;
mod upload_part_copy;
mod uploads;
mod usage;
mod walk;

pub use bucket::{Bucket, NewBucket, Versioning};
pub use bucket_access::policy_etag;
pub use buckets::MAX_BUCKETS;
pub use error::{ObjectError, PublicBy};
pub use payload::{Claims, Payload, PayloadError};
pub use quota::{QUOTA_REFUSALS, QuotaExceeded, Review, ReviewError};
pub use read::SeenObject;
pub use recovery::Recovered;
pub use store::Objects;
pub use usage::{Measure, Usage, UsageDetail};
