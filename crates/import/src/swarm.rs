//! What a Swarm site has: domains, their policies, tokens, who owns which bucket, and the objects.
//!
//! [`inventory`] is what there is, read from a file or from a live site; [`apply`] makes it so here, through the administration
//! API, and says what could not be carried. It can be run again: what is there already is left as it is. [`objects`] copies the
//! objects of a domain by [`crate::s3`], where it is asked to: a bucket must be there before it gets its owner.

pub mod apply;
pub mod inventory;
pub mod objects;

use serde::Serialize;
use types::{AccessKeyId, BucketName, TenancyName, UserName};

use crate::ImportError;
use objects::DomainObjects;

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
    /// The person who imports became MANAGER.
    Importer(TenancyName, UserName),
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
    /// What became of objects, domain by domain.
    pub objects: Vec<DomainObjects>,
}

impl SwarmReport {
    /// Whether all objects that there are to copy are there, and the same.
    pub fn is_whole(&self) -> bool {
        self.objects.iter().all(|of_domain| of_domain.report.is_whole())
            && !self.left.iter().any(|left| left.what == objects::WHAT)
    }
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
    /// The objects could not be copied.
    #[error(transparent)]
    Objects(#[from] ImportError),
}
