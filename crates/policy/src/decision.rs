//! The one order in which rules are weighed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::{BucketName, UserName};

use crate::{Acl, AclGrant, Action, Caller, Principal, Role, Scope};

/// What a tenancy allows its members where nothing else decides.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultPolicy {
    /// A USER reaches only buckets that it owns.
    #[default]
    Owner,
    /// Every member reaches every bucket.
    Members,
}

impl DefaultPolicy {
    /// `owner` or `members`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Members => "members",
        }
    }
}

impl FromStr for DefaultPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "owner" => Ok(Self::Owner),
            "members" => Ok(Self::Members),
            _ => Err(format!("{text:?} is no default policy: it is owner or members")),
        }
    }
}

/// What is to be known of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BucketFacts<'a> {
    /// Its name.
    pub name: &'a BucketName,
    /// The person whose bucket it is.
    pub owner: &'a UserName,
    /// Its ACL.
    pub acl: &'a Acl,
}

/// What is to be known of an object (or a version of one).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectFacts<'a> {
    /// The person who wrote it; `None` for anonymous uploads.
    pub owner: Option<&'a UserName>,
    /// Its ACL.
    pub acl: &'a Acl,
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The tenancy's default policy.
    pub default_policy: DefaultPolicy,
    /// The bucket, for actions on one or on its objects.
    pub bucket: Option<BucketFacts<'a>>,
    /// The object, where it exists and was looked up.
    pub object: Option<ObjectFacts<'a>>,
}

/// The rule that decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The operator, or the store itself.
    Operator,
    /// The caller is MANAGER or DEPUTY of the tenancy.
    Role(Role),
    /// The caller owns the bucket.
    BucketOwner,
    /// Every member may list their buckets and make new ones.
    Member,
    /// A line of the bucket's ACL.
    BucketAcl(AclGrant),
    /// A line of the object's ACL.
    ObjectAcl(AclGrant),
    /// The tenancy's default policy is `members`.
    DefaultPolicyMembers,
    /// Nothing allows it.
    NothingAllows,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator may"),
            Self::Role(role) => write!(f, "the caller is {role} of the tenancy"),
            Self::BucketOwner => f.write_str("the caller owns the bucket"),
            Self::Member => f.write_str("every member of the tenancy may"),
            Self::BucketAcl(line) => write!(f, "the bucket's ACL grants {}", line.permission.name()),
            Self::ObjectAcl(line) => write!(f, "the object's ACL grants {}", line.permission.name()),
            Self::DefaultPolicyMembers => f.write_str("the tenancy lets every member reach every bucket"),
            Self::NothingAllows => f.write_str("no rule allows it"),
        }
    }
}

/// Whether an action is allowed, and by which rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The rule that decided.
    pub reason: Reason,
}

impl Decision {
    /// Whether the action may go on.
    pub fn is_allowed(&self) -> bool {
        self.reason != Reason::NothingAllows
    }
}

/// Decides whether `principal` may do `action`. Total and pure; the first rule that speaks decides:
/// role in the tenancy, ownership of the bucket, ACLs, the tenancy's default policy, and otherwise no.
pub fn decide(principal: &Principal, action: Action, facts: Facts<'_>) -> Decision {
    let reason = by_role(principal)
        .or_else(|| by_membership(principal, action))
        .or_else(|| by_ownership(principal, facts))
        .or_else(|| by_acl(principal, action, facts))
        .or_else(|| by_default_policy(principal, facts))
        .unwrap_or(Reason::NothingAllows);
    Decision { reason }
}

fn by_role(principal: &Principal) -> Option<Reason> {
    match (&principal.caller, principal.role) {
        (Caller::Operator, _) => Some(Reason::Operator),
        (Caller::Person { .. }, Some(role @ (Role::Manager | Role::Deputy))) => Some(Reason::Role(role)),
        _ => None,
    }
}

fn by_membership(principal: &Principal, action: Action) -> Option<Reason> {
    let of_tenancy = matches!(action.scope(), Scope::Tenancy | Scope::NewBucket);
    (of_tenancy && principal.role.is_some()).then_some(Reason::Member)
}

/// Who left the tenancy owns no power there, whatever buckets still carry the name.
fn by_ownership(principal: &Principal, facts: Facts<'_>) -> Option<Reason> {
    let owner = facts.bucket?.owner;
    (principal.role.is_some() && principal.user() == Some(owner)).then_some(Reason::BucketOwner)
}

fn by_acl(principal: &Principal, action: Action, facts: Facts<'_>) -> Option<Reason> {
    let bucket = facts.bucket.and_then(|bucket| bucket.acl.allows_on_bucket(principal, action));
    let object = || facts.object.and_then(|object| object.acl.allows_on_object(principal, action));
    match bucket {
        Some(line) => Some(Reason::BucketAcl(line.clone())),
        None => object().map(|line| Reason::ObjectAcl(line.clone())),
    }
}

fn by_default_policy(principal: &Principal, facts: Facts<'_>) -> Option<Reason> {
    let member = principal.role.is_some() && facts.bucket.is_some();
    (member && facts.default_policy == DefaultPolicy::Members).then_some(Reason::DefaultPolicyMembers)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
