//! Whose objects are, and what a bucket keeps from becoming public.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose the objects in a bucket are (user guide, "Controlling ownership of objects and disabling ACLs").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum ObjectOwnership {
    /// An object is its writer's, and ACLs count. What new buckets have here: clients of this store use ACLs.
    #[default]
    ObjectWriter,
    /// As [`ObjectOwnership::ObjectWriter`], but what is written with `bucket-owner-full-control` is the bucket
    /// owner's.
    BucketOwnerPreferred,
    /// All is the bucket owner's, and ACLs do not count.
    BucketOwnerEnforced,
}

impl ObjectOwnership {
    const ALL: [Self; 3] = [Self::ObjectWriter, Self::BucketOwnerPreferred, Self::BucketOwnerEnforced];

    /// The name in XML and in `x-amz-object-ownership`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ObjectWriter => "ObjectWriter",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
        }
    }

    /// Whether ACLs of the bucket and its objects count.
    pub const fn counts_acls(self) -> bool {
        !matches!(self, Self::BucketOwnerEnforced)
    }
}

impl FromStr for ObjectOwnership {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|ownership| ownership.name() == text).ok_or(())
    }
}

/// What a bucket keeps from becoming public (user guide, "Blocking public access to your Amazon S3 storage").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PublicAccessBlock {
    /// ACLs that are public may not be set: [`crate::Acl::is_public`].
    pub block_public_acls: bool,
    /// What ACLs grant to everyone does not count.
    pub ignore_public_acls: bool,
    /// Policies that are public may not be set: [`crate::document::Policy::is_public`].
    pub block_public_policy: bool,
    /// A policy that is public counts for members of the tenancy only.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Nothing is blocked.
    pub const NONE: Self = Self {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
    /// Everything is blocked.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// What either of the two blocks.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            block_public_acls: self.block_public_acls || other.block_public_acls,
            ignore_public_acls: self.ignore_public_acls || other.ignore_public_acls,
            block_public_policy: self.block_public_policy || other.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets || other.restrict_public_buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ownerships_are_read_back() {
        for ownership in ObjectOwnership::ALL {
            assert_eq!(ownership.name().parse(), Ok(ownership));
        }
        assert_eq!("bucketownerenforced".parse::<ObjectOwnership>(), Err(()));
    }

    #[test]
    fn two_blocks_together_block_what_either_does() {
        let acls = PublicAccessBlock { ignore_public_acls: true, ..PublicAccessBlock::NONE };
        let policy = PublicAccessBlock { restrict_public_buckets: true, ..PublicAccessBlock::NONE };
        let both = acls.or(policy);
        assert!(both.ignore_public_acls && both.restrict_public_buckets && !both.block_public_acls);
        assert_eq!(both.or(PublicAccessBlock::ALL), PublicAccessBlock::ALL);
    }
}
