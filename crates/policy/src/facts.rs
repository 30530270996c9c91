//! What a decision rests on, beside who asks and for what.

use serde::{Deserialize, Serialize};
use types::{BucketName, ObjectKey, UserName, VersionId};

use crate::context::NOTHING_KNOWN;
use crate::document::Policy;
use crate::{Acl, Context, DefaultPolicy, ObjectOwnership, PublicAccessBlock, QuotaState};

/// What is to be known of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BucketFacts<'a> {
    /// Its name.
    pub name: &'a BucketName,
    /// The person whose bucket it is.
    pub owner: &'a UserName,
    /// Its ACL.
    pub acl: &'a Acl,
    /// Its policy, where it has one.
    pub policy: Option<&'a Policy>,
    /// Whose the objects in it are, and whether ACLs count.
    pub ownership: ObjectOwnership,
    /// What it keeps from becoming public.
    pub public_access: PublicAccessBlock,
}

impl<'a> BucketFacts<'a> {
    /// A bucket with nothing but an owner and an ACL.
    pub const fn new(name: &'a BucketName, owner: &'a UserName, acl: &'a Acl) -> Self {
        Self {
            name,
            owner,
            acl,
            policy: None,
            ownership: ObjectOwnership::ObjectWriter,
            public_access: PublicAccessBlock::NONE,
        }
    }
}

/// What is to be known of an object (or a version of one).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectFacts<'a> {
    /// The person who wrote it; `None` for anonymous uploads.
    pub owner: Option<&'a UserName>,
    /// Its ACL.
    pub acl: &'a Acl,
}

/// What an action is done to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource<'a> {
    /// The tenancy as a whole.
    Tenancy,
    /// A bucket, or the name of one that is to be made.
    Bucket(&'a BucketName),
    /// An object, or the place of one.
    Object {
        /// In which bucket.
        bucket: &'a BucketName,
        /// Under which key.
        key: &'a ObjectKey,
        /// The version that the request names, if any.
        version: Option<VersionId>,
    },
}

impl<'a> Resource<'a> {
    /// The bucket that it is or lies in.
    pub const fn bucket(self) -> Option<&'a BucketName> {
        match self {
            Self::Tenancy => None,
            Self::Bucket(bucket) | Self::Object { bucket, .. } => Some(bucket),
        }
    }

    /// The object's key.
    pub const fn key(self) -> Option<&'a ObjectKey> {
        match self {
            Self::Object { key, .. } => Some(key),
            Self::Tenancy | Self::Bucket(_) => None,
        }
    }
}

/// Whether there is an object under the key. Swarm's CreateObject allows new keys only; where it is not known whether a
/// key is new, such an Allow does not count and such a Deny does. [`Policy::asks_for_existence`] says whether it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Existence {
    /// Nobody looked.
    #[default]
    Unknown,
    /// There is none: the key is new.
    Absent,
    /// There is one.
    Present,
}

impl Existence {
    /// What was found where one looked.
    pub const fn of(is_there: bool) -> Self {
        if is_there { Self::Present } else { Self::Absent }
    }

    /// What would have been found instead.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Absent => Self::Present,
            Self::Present => Self::Absent,
        }
    }

    /// Whether this can be said where an object is there, or is not.
    pub const fn agrees_with(self, is_there: bool) -> bool {
        match self {
            Self::Unknown => true,
            Self::Absent => !is_there,
            Self::Present => is_there,
        }
    }
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the action is done to.
    pub resource: Resource<'a>,
    /// The tenancy's default policy.
    pub default_policy: DefaultPolicy,
    /// The bucket, for actions on one or on its objects.
    pub bucket: Option<BucketFacts<'a>>,
    /// The object, where it exists and was looked up.
    pub object: Option<ObjectFacts<'a>>,
    /// Whether there is an object under the key. An `object` says so already.
    pub existence: Existence,
    /// The strictest state among the quotas of tenancy, bucket and owner.
    pub quota: QuotaState,
    /// The request, for conditions.
    pub context: &'a Context<'a>,
}

impl<'a> Facts<'a> {
    /// Nothing is known but what the action is done to.
    pub const fn about(resource: Resource<'a>) -> Self {
        Self {
            resource,
            default_policy: DefaultPolicy::Owner,
            bucket: None,
            object: None,
            existence: Existence::Unknown,
            quota: QuotaState::Open,
            context: &NOTHING_KNOWN,
        }
    }

    pub(crate) const fn existence(&self) -> Existence {
        if self.object.is_some() { Existence::Present } else { self.existence }
    }
}
