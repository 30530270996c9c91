//! The two storage contracts, [`Metadata`] and [`Blobs`], which every engine keeps and nothing above goes around.
//!
//! They are cut below the semantics of S3, so that one machine's log and a cluster's objects can both keep them:
//!
//! - A metadata batch is atomic, durable and linearizable inside one *group* of keys, and nowhere across.
//! - A blob is written once. It is durable before a batch may *keep* it; a blob that no batch keeps is reaped.
//! - The batch is the commit point. Blob durable, then batch committed, which keeps the new blob and retires the old
//!   one: a crash at any point leaves the old state or the new one, whole.
//!
//! What an operator asks of an engine beside them is in [`maintenance`].
//!
//! Beside the contracts stand the reference ([`memory`]), the suite that every engine passes ([`conformance`]) and a
//! wrapper that makes any engine fail on demand ([`faults`]).

mod blobs;
pub mod bounds;
pub mod conformance;
mod engine;
mod error;
pub mod faults;
pub mod maintenance;
pub mod memory;
mod metadata;
pub mod side;
mod stream;

pub use blobs::{BlobInfo, BlobWriter, Blobs, Pin};
pub use engine::Engine;
pub use error::{CommitError, StorageError};
pub use metadata::{Batch, Bounded, Expect, Metadata, Moment, NewBlob, Space, Stamp, limits};
pub use stream::ByteStream;
