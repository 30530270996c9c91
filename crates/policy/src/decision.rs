//! The one order in which rules are weighed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::{Effect, Policy, StatementName};
use crate::question::Question;
use crate::{AclGrant, Action, Caller, Facts, KeyBound, Principal, QuotaState, Role, Scope};

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

/// The rule that decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The operator, or the store itself.
    Operator,
    /// A statement of the bucket's policy denies it.
    PolicyDenies(StatementName),
    /// The caller is MANAGER or DEPUTY of the tenancy.
    Role(Role),
    /// The caller owns the bucket.
    BucketOwner,
    /// Every member may list their buckets and make new ones.
    Member,
    /// A statement of the bucket's policy allows it.
    PolicyAllows(StatementName),
    /// A line of the bucket's ACL.
    BucketAcl(AclGrant),
    /// A line of the object's ACL.
    ObjectAcl(AclGrant),
    /// The tenancy's default policy is `members`.
    DefaultPolicyMembers,
    /// Nothing allows it.
    NothingAllows,
    /// It would be allowed, but the key that signed the request may less.
    KeyScope(KeyBound),
    /// It would be allowed, but a policy of the session does not allow it.
    SessionPolicy,
    /// It would be allowed, but a quota is reached.
    Quota(QuotaState),
}

impl Reason {
    /// Whether the action may go on.
    pub const fn allows(&self) -> bool {
        match self {
            Self::Operator
            | Self::Role(_)
            | Self::BucketOwner
            | Self::Member
            | Self::PolicyAllows(_)
            | Self::BucketAcl(_)
            | Self::ObjectAcl(_)
            | Self::DefaultPolicyMembers => true,
            Self::PolicyDenies(_) | Self::NothingAllows | Self::KeyScope(_) | Self::SessionPolicy | Self::Quota(_) => {
                false
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator may"),
            Self::PolicyDenies(statement) => write!(f, "{statement} of the bucket's policy denies it"),
            Self::Role(role) => write!(f, "the caller is {role} of the tenancy"),
            Self::BucketOwner => f.write_str("the caller owns the bucket"),
            Self::Member => f.write_str("every member of the tenancy may"),
            Self::PolicyAllows(statement) => write!(f, "{statement} of the bucket's policy allows it"),
            Self::BucketAcl(line) => write!(f, "the bucket's ACL grants {}", line.permission.name()),
            Self::ObjectAcl(line) => write!(f, "the object's ACL grants {}", line.permission.name()),
            Self::DefaultPolicyMembers => f.write_str("the tenancy lets every member reach every bucket"),
            Self::NothingAllows => f.write_str("no rule allows it"),
            Self::KeyScope(KeyBound::ReadOnly) => f.write_str("the key may only read"),
            Self::KeyScope(KeyBound::Targets) => f.write_str("the key is for other buckets or prefixes"),
            Self::KeyScope(KeyBound::Sources) => f.write_str("the key may not be used from this address"),
            Self::SessionPolicy => f.write_str("the session's policy does not allow it"),
            Self::Quota(state) => write!(f, "a quota is reached, and its state is {state}"),
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
    pub const fn is_allowed(&self) -> bool {
        self.reason.allows()
    }
}

/// A rule: it speaks, or leaves the question to the next.
pub(crate) type Rule = fn(&Question<'_>) -> Option<Reason>;

/// The rules in their order; the first that speaks decides. A Deny binds managers and owners, so that what a policy
/// forbids is forbidden; the policy itself they can always read and replace.
pub(crate) const RULES: [(&str, Rule); 8] = [
    ("operator", by_operator),
    ("policy denies", by_policy_denying),
    ("role", by_role),
    ("membership", by_membership),
    ("bucket owner", by_ownership),
    ("policy allows", by_policy_allowing),
    ("ACL", by_acl),
    ("default policy", by_default_policy),
];

/// What narrows the outcome of the rules, for everyone but the operator: each may refuse what was allowed, none allows.
/// That a quota is reached is told only to those who may otherwise.
pub(crate) const NARROWINGS: [(&str, Rule); 3] =
    [("key", narrowed_by_key), ("session", narrowed_by_session), ("quota", narrowed_by_quota)];

/// Decides whether `principal` may do `action`. Total and pure. Without a policy it allocates nothing.
///
/// The first rule that speaks decides: the operator, a Deny of the bucket's policy, role in the tenancy, membership,
/// ownership of the bucket, an Allow of the bucket's policy, ACLs, the tenancy's default policy, and otherwise no. What is
/// then allowed, the key's bounds, the session's policies and quotas may still refuse.
pub fn decide(principal: &Principal, action: Action, facts: Facts<'_>) -> Decision {
    let question = Question::new(principal, action, facts);
    let by_rules = RULES.iter().find_map(|(_, rule)| rule(&question)).unwrap_or(Reason::NothingAllows);
    let narrowed = || NARROWINGS.iter().find_map(|(_, narrowing)| narrowing(&question));
    let reason = match by_rules {
        Reason::Operator => Reason::Operator,
        reason if reason.allows() => narrowed().unwrap_or(reason),
        reason => reason,
    };
    Decision { reason }
}

fn by_operator(question: &Question<'_>) -> Option<Reason> {
    (question.principal.caller == Caller::Operator).then_some(Reason::Operator)
}

fn by_policy_denying(question: &Question<'_>) -> Option<Reason> {
    let policy = policy(question)?;
    let keeps_policy =
        question.action.is_on_bucket_policy() && (by_role(question).is_some() || by_ownership(question).is_some());
    if keeps_policy {
        return None;
    }
    policy.find(Effect::Deny, question).map(Reason::PolicyDenies)
}

fn by_role(question: &Question<'_>) -> Option<Reason> {
    match (&question.principal.caller, question.principal.role) {
        (Caller::Person { .. }, Some(role @ (Role::Manager | Role::Deputy))) => Some(Reason::Role(role)),
        _ => None,
    }
}

fn by_membership(question: &Question<'_>) -> Option<Reason> {
    let of_tenancy = matches!(question.action.scope(), Scope::Tenancy | Scope::NewBucket);
    (of_tenancy && question.principal.role.is_some()).then_some(Reason::Member)
}

/// Who left the tenancy owns no power there, whatever buckets still carry the name.
fn by_ownership(question: &Question<'_>) -> Option<Reason> {
    let owner = question.facts.bucket?.owner;
    let principal = question.principal;
    (principal.role.is_some() && principal.user() == Some(owner)).then_some(Reason::BucketOwner)
}

/// Where the bucket restricts public access, a policy that is public counts for members only.
fn by_policy_allowing(question: &Question<'_>) -> Option<Reason> {
    let policy = policy(question)?;
    let restricts = question.facts.bucket.is_some_and(|bucket| bucket.public_access.restrict_public_buckets);
    if restricts && question.principal.role.is_none() && policy.is_public() {
        return None;
    }
    policy.find(Effect::Allow, question).map(Reason::PolicyAllows)
}

fn by_acl(question: &Question<'_>) -> Option<Reason> {
    let (principal, action, facts) = (question.principal, question.action, &question.facts);
    let bucket = facts.bucket;
    if bucket.is_some_and(|bucket| !bucket.ownership.counts_acls()) {
        return None;
    }
    let ignores_public = bucket.is_some_and(|bucket| bucket.public_access.ignore_public_acls);
    let counts = |line: &&AclGrant| !(ignores_public && line.grantee.is_public());
    let on_bucket = bucket.and_then(|bucket| bucket.acl.allowing_on_bucket(principal, action).find(counts));
    let on_object = || facts.object.and_then(|object| object.acl.allowing_on_object(principal, action).find(counts));
    match on_bucket {
        Some(line) => Some(Reason::BucketAcl(line.clone())),
        None => on_object().map(|line| Reason::ObjectAcl(line.clone())),
    }
}

fn by_default_policy(question: &Question<'_>) -> Option<Reason> {
    let member = question.principal.role.is_some() && question.facts.bucket.is_some();
    (member && question.facts.default_policy == DefaultPolicy::Members).then_some(Reason::DefaultPolicyMembers)
}

fn narrowed_by_key(question: &Question<'_>) -> Option<Reason> {
    let scope = question.principal.key_scope.as_ref()?;
    scope.refusal(question.action, &question.facts).map(Reason::KeyScope)
}

fn narrowed_by_session(question: &Question<'_>) -> Option<Reason> {
    let allows = |policy: &Policy| {
        policy.find(Effect::Deny, question).is_none() && policy.find(Effect::Allow, question).is_some()
    };
    (!question.principal.session_policies.iter().all(allows)).then_some(Reason::SessionPolicy)
}

fn narrowed_by_quota(question: &Question<'_>) -> Option<Reason> {
    let state = question.facts.quota;
    state.blocks(question.action, question.principal.role).then_some(Reason::Quota(state))
}

fn policy<'a>(question: &Question<'a>) -> Option<&'a Policy> {
    question.facts.bucket.and_then(|bucket| bucket.policy)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
