//! Bringing other stores here.
//!
//! [`s3`] copies buckets with their objects from any S3 endpoint to any other: in practice from a store that is given up to
//! this one. It talks S3 at both ends, so that what arrives went the way of every other write: signed, authorized, counted
//! and durable. Nothing is noted anywhere: a run that was broken off is run again, and looks what is there already.
//!
//! [`swarm`] brings what a Swarm site has beside objects: domains, policies, tokens, owners.
//!
//! What can not be carried over is found beforehand by a dry run, and named in the [`Report`] in any case.

mod problem;
mod report;
pub mod s3;
pub mod swarm;
mod tally;

pub use problem::{NotCarried, Problem};
pub use report::{BucketReport, Report};
pub use tally::{Counts, Tally};

/// The import came to no end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// An endpoint can not be asked what it has.
    #[error(transparent)]
    Client(#[from] s3_client::ClientError),
    /// A task ended that was not to end.
    #[error("a copying task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}
