//! Effective access: who may do this, and why.
//!
//! The answer is that of [`decide`], asked once for each that it may differ for: nobody, whoever is logged in, each role,
//! each group and each person. Groups and people are those that the caller knows of and those that policy, ACLs and
//! ownership name.

use std::collections::BTreeSet;

use serde::Serialize;
use types::{TenancyName, UserName};

use crate::document::Policy;
use crate::document::principals::Who;
use crate::question::Question;
use crate::{Acl, Action, Caller, Effect, Facts, Grantee, Principal, Reason, Role, decide};

/// Whom an answer is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Subject {
    /// Whoever is not logged in: if they may, the whole world may.
    Public,
    /// Whoever is logged in, a member of the tenancy or not.
    LoggedIn,
    /// Every member with this role in the tenancy.
    Role(Role),
    /// Whoever is in this group, a member of the tenancy or not.
    Group(String),
    /// This person.
    Person(UserName),
}

/// What one subject may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EffectiveAccess {
    /// Who.
    pub subject: Subject,
    /// Whether they may, and why, for a request with the context that was asked for.
    pub reason: Reason,
    /// The statements, by their place in the document, that would speak if their conditions held: those that might allow
    /// what is not allowed, or deny what is.
    pub conditional: Vec<usize>,
}

/// Whom to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// The tenancy of the bucket.
    pub tenancy: &'a TenancyName,
    /// People, with the roles and groups that they have. Those of other tenancies too, where they are to be seen.
    pub people: &'a [Principal],
    /// Groups of the directory. Those that the policy names are asked about anyway.
    pub groups: &'a [String],
}

/// Who may do `action` under these facts: for each subject an answer, the widest first.
pub fn who_can(action: Action, facts: Facts<'_>, candidates: Candidates<'_>) -> Vec<EffectiveAccess> {
    let policy = facts.bucket.and_then(|bucket| bucket.policy);
    let nobody = nobody_named(facts, candidates);
    let stranger = Principal {
        caller: Caller::Person { name: nobody, key: None },
        ..Principal::anonymous(candidates.tenancy.clone())
    };
    let mut subjects = vec![
        (Subject::Public, Principal::anonymous(candidates.tenancy.clone())),
        (Subject::LoggedIn, stranger.clone()),
    ];
    let members = [candidates.tenancy.as_str(), "-members"].concat();
    for role in [Role::User, Role::Deputy, Role::Manager] {
        let principal = Principal { role: Some(role), groups: vec![members.clone()], ..stranger.clone() };
        subjects.push((Subject::Role(role), principal));
    }
    for group in groups(policy, candidates) {
        let role = (group == members).then_some(Role::User);
        let principal = Principal { role, groups: vec![group.clone()], ..stranger.clone() };
        subjects.push((Subject::Group(group), principal));
    }
    let known: BTreeSet<_> = candidates.people.iter().filter_map(Principal::user).collect();
    for name in people(policy, facts).into_iter().filter(|name| !known.contains(name)) {
        let principal = Principal { caller: Caller::Person { name: name.clone(), key: None }, ..stranger.clone() };
        subjects.push((Subject::Person(name), principal));
    }
    for principal in candidates.people {
        subjects.extend(principal.user().map(|name| (Subject::Person(name.clone()), principal.clone())));
    }
    let answer = |(subject, principal): (Subject, Principal)| {
        let reason = decide(&principal, action, facts).reason;
        let question = Question::new(&principal, action, facts);
        let conditional = policy.map_or_else(Vec::new, |policy| under_conditions(policy, &question, &reason));
        EffectiveAccess { subject, reason, conditional }
    };
    let mut answers: Vec<_> = subjects.into_iter().map(answer).collect();
    answers.sort_by(|one, other| one.subject.cmp(&other.subject));
    answers
}

/// The statements that apply but for a condition, and would then change the outcome.
fn under_conditions(policy: &Policy, question: &Question<'_>, reason: &Reason) -> Vec<usize> {
    let wanted = if reason.allows() { Effect::Deny } else { Effect::Allow };
    let decided_before = matches!(reason, Reason::Operator | Reason::PolicyDenies(_));
    let statements = policy.statements().iter().enumerate();
    let conditional = statements.filter(|(_, statement)| {
        statement.effect == wanted && !decided_before && statement.applies_but_for_conditions(question)
    });
    conditional.map(|(index, _)| index).collect()
}

/// A name that neither the policy nor an ACL nor a candidate has: what its bearer may, everyone may.
fn nobody_named(facts: Facts<'_>, candidates: Candidates<'_>) -> UserName {
    let policy = facts.bucket.and_then(|bucket| bucket.policy);
    let taken = people(policy, facts);
    let is_free = |name: &UserName| {
        !taken.contains(name)
            && !candidates.people.iter().any(|person| person.user() == Some(name))
            && !policy.is_some_and(|policy| policy.document().contains(name.as_str()))
    };
    let names = (0..).map(|number: u64| UserName::new(&format!("somebody{number}")).expect("letters and digits"));
    names.into_iter().find(is_free).expect("a document of bounded length does not name all numbers")
}

fn groups(policy: Option<&Policy>, candidates: Candidates<'_>) -> BTreeSet<String> {
    let named = policy.into_iter().flat_map(Policy::who).filter_map(|who| match who {
        Who::Group(name, _) => Some(name.clone()),
        _ => None,
    });
    named.chain(candidates.groups.iter().cloned()).collect()
}

/// The people whom policy, ACLs and ownership name.
fn people(policy: Option<&Policy>, facts: Facts<'_>) -> BTreeSet<UserName> {
    let in_policy = policy.into_iter().flat_map(Policy::who).filter_map(|who| match who {
        Who::Person(name, _) => Some(name.clone()),
        _ => None,
    });
    let in_acl = |acl: &Acl| {
        let people = acl.grants.iter().filter_map(|line| match &line.grantee {
            Grantee::User(name) => Some(name.clone()),
            Grantee::AllUsers | Grantee::AuthenticatedUsers | Grantee::LogDelivery => None,
        });
        people.collect::<Vec<_>>()
    };
    let acls = facts.bucket.map(|bucket| bucket.acl).into_iter().chain(facts.object.map(|object| object.acl));
    let owners =
        facts.bucket.map(|bucket| bucket.owner).into_iter().chain(facts.object.and_then(|object| object.owner));
    in_policy.chain(acls.flat_map(in_acl)).chain(owners.cloned()).collect()
}

#[cfg(test)]
#[path = "who_can_tests.rs"]
mod tests;
