//! What a Swarm site has beside objects: domains, their policies, tokens and who owns which bucket.
//!
//! [`inventory`] is what there is, read from a file or from a live site; [`apply`] makes it so here, through the administration
//! API, and says what could not be carried. It can be run again: what is there already is left as it is. Objects are copied by
//! [`crate::s3`], before the owners of buckets can be set.

pub mod apply;
pub mod inventory;

use serde::Serialize;
use types::{AccessKeyId, BucketName, TenancyName, UserName};

/// What was done, or would be in a dry run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A tenancy was made.
    Tenancy(TenancyName),
    /// A tenancy got a further host name.
    Endpoint(TenancyName, String),
    /// Members of a tenancy reach all its buckets.
    MembersReachAll(TenancyName),
    /// A person became USER.
    Role(TenancyName, UserName),
    /// A token with its secret became an access key.
    Key(AccessKeyId, UserName),
    /// A bucket was given to its owner.
    Owner(TenancyName, BucketName, UserName),
}

/// Something that has no place here, or not yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Left {
    /// Of which domain.
    pub domain: String,
    /// What.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

/// What became of an inventory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct SwarmReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// What was done.
    pub done: Vec<Step>,
    /// How much was there already.
    pub present: u64,
    /// What was left.
    pub left: Vec<Left>,
}

/// A Swarm site could not be read, or this store not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The inventory is none.
    #[error("the inventory can not be read: {0}")]
    Inventory(String),
    /// The site does not answer as one.
    #[error(transparent)]
    Site(#[from] s3_client::ClientError),
    /// The server does not do it.
    #[error(transparent)]
    Server(#[from] admin::ClientError),
}
