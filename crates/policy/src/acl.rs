//! Access control lists (user guide, "Access control list (ACL) overview").

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::UserName;

use crate::{Action, Caller, Principal};

/// To whom an ACL grants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Grantee {
    /// A person; their canonical id is their user name.
    User(UserName),
    /// `http://acs.amazonaws.com/groups/global/AllUsers`: everyone, anonymous callers too.
    AllUsers,
    /// `http://acs.amazonaws.com/groups/global/AuthenticatedUsers`: whoever signed the request.
    AuthenticatedUsers,
    /// `http://acs.amazonaws.com/groups/s3/LogDelivery`: what writes access logs. Nobody who sends requests is in it.
    LogDelivery,
}

impl Grantee {
    /// The URI of a group; `None` for a person.
    pub const fn uri(&self) -> Option<&'static str> {
        match self {
            Self::User(_) => None,
            Self::AllUsers => Some("http://acs.amazonaws.com/groups/global/AllUsers"),
            Self::AuthenticatedUsers => Some("http://acs.amazonaws.com/groups/global/AuthenticatedUsers"),
            Self::LogDelivery => Some("http://acs.amazonaws.com/groups/s3/LogDelivery"),
        }
    }

    /// The group with this URI.
    pub fn from_uri(uri: &str) -> Option<Self> {
        [Self::AllUsers, Self::AuthenticatedUsers, Self::LogDelivery].into_iter().find(|group| group.uri() == Some(uri))
    }

    /// Whether people of no tenancy are in it.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::AllUsers | Self::AuthenticatedUsers)
    }

    fn includes(&self, principal: &Principal) -> bool {
        match self {
            Self::AllUsers => true,
            Self::AuthenticatedUsers => principal.caller != Caller::Anonymous,
            Self::LogDelivery => false,
            Self::User(name) => principal.user() == Some(name),
        }
    }
}

/// What an ACL grants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Permission {
    /// All four.
    FullControl,
    /// On a bucket: list it. On an object: read it.
    Read,
    /// On a bucket: write and delete objects, in parts too. On an object: nothing.
    Write,
    /// Read the ACL.
    ReadAcp,
    /// Replace the ACL.
    WriteAcp,
}

impl Permission {
    const ALL: [Self; 5] = [Self::FullControl, Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp];

    /// The name in XML, as in `FULL_CONTROL`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullControl => "FULL_CONTROL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadAcp => "READ_ACP",
            Self::WriteAcp => "WRITE_ACP",
        }
    }

    /// Whether this permission on a bucket allows `action`.
    const fn allows_on_bucket(self, action: Action) -> bool {
        match self {
            Self::FullControl => {
                Self::Read.allows_on_bucket(action)
                    || Self::Write.allows_on_bucket(action)
                    || Self::ReadAcp.allows_on_bucket(action)
                    || Self::WriteAcp.allows_on_bucket(action)
            }
            Self::Read => {
                matches!(action, Action::ListBucket | Action::ListBucketVersions | Action::ListBucketMultipartUploads)
            }
            Self::Write => matches!(
                action,
                Action::PutObject
                    | Action::DeleteObject
                    | Action::DeleteObjectVersion
                    | Action::AbortMultipartUpload
                    | Action::ListMultipartUploadParts
            ),
            Self::ReadAcp => matches!(action, Action::GetBucketAcl),
            Self::WriteAcp => matches!(action, Action::PutBucketAcl),
        }
    }

    /// Whether this permission on an object allows `action`.
    const fn allows_on_object(self, action: Action) -> bool {
        match self {
            Self::FullControl => {
                Self::Read.allows_on_object(action)
                    || Self::ReadAcp.allows_on_object(action)
                    || Self::WriteAcp.allows_on_object(action)
            }
            Self::Read => matches!(
                action,
                Action::GetObject
                    | Action::GetObjectVersion
                    | Action::GetObjectAttributes
                    | Action::GetObjectVersionAttributes
            ),
            Self::Write => false,
            Self::ReadAcp => matches!(action, Action::GetObjectAcl | Action::GetObjectVersionAcl),
            Self::WriteAcp => matches!(action, Action::PutObjectAcl | Action::PutObjectVersionAcl),
        }
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|permission| permission.name() == text).ok_or(())
    }
}

/// One line of an ACL.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AclGrant {
    /// To whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// The ACL of a bucket or an object: at most [`Acl::MAX_GRANTS`] lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Acl {
    /// The lines, in the order given.
    pub grants: Vec<AclGrant>,
}

impl Acl {
    /// The most lines of an ACL (user guide, "Access control list (ACL) overview").
    pub const MAX_GRANTS: usize = 100;

    /// Full control for `owner` and nothing for anyone else.
    pub fn private(owner: &UserName) -> Self {
        CannedAcl::Private.expand(owner, owner)
    }

    /// Whether it grants anything to everyone, or to whoever signs (user guide, "The meaning of public").
    pub fn is_public(&self) -> bool {
        self.grants.iter().any(|line| line.grantee.is_public())
    }

    /// The lines that let `principal` do `action` to the bucket that has this ACL.
    pub fn allowing_on_bucket(&self, principal: &Principal, action: Action) -> impl Iterator<Item = &AclGrant> {
        self.allowing(principal, move |permission| permission.allows_on_bucket(action))
    }

    /// The lines that let `principal` do `action` to the object that has this ACL.
    pub fn allowing_on_object(&self, principal: &Principal, action: Action) -> impl Iterator<Item = &AclGrant> {
        self.allowing(principal, move |permission| permission.allows_on_object(action))
    }

    fn allowing(&self, principal: &Principal, allows: impl Fn(Permission) -> bool) -> impl Iterator<Item = &AclGrant> {
        self.grants.iter().filter(move |line| allows(line.permission) && line.grantee.includes(principal))
    }
}

/// The ACLs that have a name of their own (user guide, "Canned ACL").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CannedAcl {
    /// Full control for the owner.
    Private,
    /// Everyone may read, too.
    PublicRead,
    /// Everyone may read and write, too.
    PublicReadWrite,
    /// Whoever signs may read, too.
    AuthenticatedRead,
    /// On an object: the bucket's owner may read, too.
    BucketOwnerRead,
    /// On an object: the bucket's owner has full control, too.
    BucketOwnerFullControl,
    /// As private: there is no EC2 here.
    AwsExecRead,
    /// What writes access logs may write, and read the ACL, too.
    LogDeliveryWrite,
}

impl CannedAcl {
    const ALL: [Self; 8] = [
        Self::Private,
        Self::PublicRead,
        Self::PublicReadWrite,
        Self::AuthenticatedRead,
        Self::BucketOwnerRead,
        Self::BucketOwnerFullControl,
        Self::AwsExecRead,
        Self::LogDeliveryWrite,
    ];

    /// The name in `x-amz-acl`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::PublicReadWrite => "public-read-write",
            Self::AuthenticatedRead => "authenticated-read",
            Self::BucketOwnerRead => "bucket-owner-read",
            Self::BucketOwnerFullControl => "bucket-owner-full-control",
            Self::AwsExecRead => "aws-exec-read",
            Self::LogDeliveryWrite => "log-delivery-write",
        }
    }

    /// The lines that it stands for, for something of `owner` in a bucket of `bucket_owner`.
    pub fn expand(self, owner: &UserName, bucket_owner: &UserName) -> Acl {
        let mut grants = vec![AclGrant { grantee: Grantee::User(owner.clone()), permission: Permission::FullControl }];
        let mut grant = |grantee, permission| grants.push(AclGrant { grantee, permission });
        match self {
            Self::Private | Self::AwsExecRead => {}
            Self::PublicRead => grant(Grantee::AllUsers, Permission::Read),
            Self::PublicReadWrite => {
                grant(Grantee::AllUsers, Permission::Read);
                grant(Grantee::AllUsers, Permission::Write);
            }
            Self::AuthenticatedRead => grant(Grantee::AuthenticatedUsers, Permission::Read),
            Self::LogDeliveryWrite => {
                grant(Grantee::LogDelivery, Permission::Write);
                grant(Grantee::LogDelivery, Permission::ReadAcp);
            }
            Self::BucketOwnerRead if owner != bucket_owner => {
                grant(Grantee::User(bucket_owner.clone()), Permission::Read);
            }
            Self::BucketOwnerFullControl if owner != bucket_owner => {
                grant(Grantee::User(bucket_owner.clone()), Permission::FullControl);
            }
            Self::BucketOwnerRead | Self::BucketOwnerFullControl => {}
        }
        Acl { grants }
    }
}

impl FromStr for CannedAcl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|acl| acl.name() == text).ok_or(())
    }
}
