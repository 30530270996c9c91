//! What is odd about a policy, though it is one.

use std::fmt;

use serde::Serialize;
use types::{BucketName, TenancyName, UserName};

use crate::action_set::ActionSet;
use crate::document::principals::{Place, Principals, Who};
use crate::document::statement::Statement;
use crate::document::{Effect, Policy};
use crate::{Action, Caller, Principal, Role, Scope};

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It may be meant; look at it once.
    Note,
    /// It probably is not what was meant, or opens much.
    Warning,
    /// It opens the bucket for changes by anyone, or shuts out those who need it.
    Danger,
}

/// What is odd.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Oddity {
    /// Everyone may read.
    Public,
    /// Everyone may change something.
    PublicWrite,
    /// Whoever is in the directory may, and not members alone.
    WholeDirectory,
    /// The bucket's owner may nothing but edit the policy.
    LocksOutOwner,
    /// Managers may nothing but edit the policy.
    LocksOutManagers,
    /// Nobody may anything but edit the policy.
    LocksOutEveryone,
    /// There is no such person.
    UnknownPerson,
    /// There is no such group.
    UnknownGroup,
    /// There is no such tenancy.
    UnknownTenancy,
    /// The statement can never apply.
    NeverApplies,
    /// A Deny takes away all that the statement allows.
    Shadowed,
    /// `${…}` stands in a policy of an older version, where it is plain text.
    LiteralVariable,
    /// `ForAllValues:` holds where the request has no such value.
    HoldsForAbsent,
    /// A key of listings is asked for, and no listing is among the actions.
    KeyOfListings,
    /// An action that nothing here does.
    IdleAction,
}

impl Oddity {
    const fn severity(self) -> Severity {
        match self {
            Self::PublicWrite | Self::LocksOutOwner | Self::LocksOutManagers | Self::LocksOutEveryone => {
                Severity::Danger
            }
            Self::Public
            | Self::WholeDirectory
            | Self::UnknownPerson
            | Self::UnknownGroup
            | Self::UnknownTenancy
            | Self::NeverApplies
            | Self::Shadowed
            | Self::LiteralVariable
            | Self::HoldsForAbsent => Severity::Warning,
            Self::KeyOfListings | Self::IdleAction => Severity::Note,
        }
    }
}

/// Something odd about a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is.
    pub oddity: Oddity,
    /// Where, as in `Statement[2].Principal`; empty for the policy as a whole.
    pub element: String,
    /// What it means, in words.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Danger => "danger",
        };
        match self.element.as_str() {
            "" => write!(f, "{severity}: {}", self.message),
            element => write!(f, "{severity}: {element}: {}", self.message),
        }
    }
}

/// What is known of the bucket and of those whom the policy names ([`Policy::names`]).
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The bucket that the policy is for; `None` where that is not known.
    pub bucket: Option<&'a BucketName>,
    /// Its tenancy and its owner, where they are known.
    pub owner: Option<(&'a TenancyName, &'a UserName)>,
    /// The names that nobody has.
    pub missing: Option<&'a Names>,
}

/// Names in a policy.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Names {
    /// Of people.
    pub people: Vec<UserName>,
    /// Of groups.
    pub groups: Vec<String>,
    /// Of tenancies.
    pub tenancies: Vec<TenancyName>,
}

impl Policy {
    /// The people, groups and tenancies that it names, each once: for looking up which there are, and then [`lint`].
    pub fn names(&self) -> Names {
        let mut names = Names::default();
        for who in self.who() {
            let place = match who {
                Who::Person(name, place) => {
                    names.people.push(name.clone());
                    place
                }
                Who::Group(name, place) => {
                    names.groups.push(name.clone());
                    place
                }
                Who::LoggedIn(place) | Who::Role(_, place) => place,
                Who::Everyone | Who::Anonymous => continue,
            };
            if let Place::Tenancy { name, .. } = place {
                names.tenancies.push(name.clone());
            }
        }
        names.people.sort();
        names.people.dedup();
        names.groups.sort();
        names.groups.dedup();
        names.tenancies.sort();
        names.tenancies.dedup();
        names
    }
}

/// What is odd about `policy`, the gravest first.
pub fn lint(policy: &Policy, known: Known<'_>) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    for (index, statement) in policy.statements().iter().enumerate() {
        let place = At { index, statement };
        lint_width(place, &mut findings);
        lint_names(place, known, &mut findings);
        lint_reach(place, policy, known, &mut findings);
        lint_conditions(place, policy, &mut findings);
        for name in &statement.idle_actions {
            let message = format!("{name}: no operation of this store asks for it");
            findings.add(Oddity::IdleAction, place.element("Action"), message);
        }
    }
    lint_lock_out(policy, known, &mut findings);
    findings.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, oddity: Oddity, element: String, message: impl Into<String>) {
        self.0.push(Finding { severity: oddity.severity(), oddity, element, message: message.into() });
    }
}

#[derive(Clone, Copy)]
struct At<'a> {
    index: usize,
    statement: &'a Statement,
}

impl At<'_> {
    fn element(self, name: &str) -> String {
        match name {
            "" => format!("Statement[{}]", self.index),
            name => format!("Statement[{}].{name}", self.index),
        }
    }
}

/// How many a statement lets in.
fn lint_width(at: At<'_>, findings: &mut Findings) {
    let Some(principals) = at.statement.principals.as_ref().filter(|_| at.statement.effect == Effect::Allow) else {
        return;
    };
    let is_bounded = at.statement.conditions.iter().any(|condition| condition.bounds_who());
    let everyone = principals.who.contains(&Who::Everyone);
    let changes = at.statement.actions.iter().find(|action| !action.is_read());
    match changes {
        _ if is_bounded => {}
        Some(action) if everyone => {
            let message = format!("everyone, without logging in too, may do {action}");
            findings.add(Oddity::PublicWrite, at.element(""), message);
        }
        None if everyone && !at.statement.actions.is_empty() => {
            findings.add(Oddity::Public, at.element(""), "everyone, without logging in too, may read");
        }
        _ => {}
    }
    if !is_bounded && principals.who.contains(&Who::LoggedIn(Place::Directory)) {
        let message = "it lets in everyone who is in the directory, of other tenancies too: for members of the tenancy \
                       alone, name the group <tenancy>-members";
        findings.add(Oddity::WholeDirectory, at.element("Principal"), message);
    }
}

/// Names that nobody has.
fn lint_names(at: At<'_>, known: Known<'_>, findings: &mut Findings) {
    let (Some(missing), Some(principals)) = (known.missing, &at.statement.principals) else { return };
    let element = || at.element(if principals.inverted { "NotPrincipal" } else { "Principal" });
    for who in &principals.who {
        // A name with a scope is also read as a whole name: it is enough that one reading names somebody, and the scoped
        // one is told of.
        let other = principals.who.iter().find(|other| are_two_readings(who, other) || are_two_readings(other, who));
        let told = other.is_none_or(|other| is_scoped(who) && is_missing(other, missing));
        if told && is_missing(who, missing) {
            let (oddity, message) = match who {
                Who::Group(name, _) => (Oddity::UnknownGroup, format!("there is no group {name}")),
                who => (Oddity::UnknownPerson, format!("there is no person {who}")),
            };
            findings.add(oddity, element(), message);
        }
        if let Who::LoggedIn(place) | Who::Role(_, place) | Who::Person(_, place) | Who::Group(_, place) = who
            && let Place::Tenancy { name, .. } = place
            && missing.tenancies.contains(name)
        {
            findings.add(Oddity::UnknownTenancy, element(), format!("there is no tenancy {name}"));
        }
    }
}

fn is_missing(who: &Who, missing: &Names) -> bool {
    match who {
        Who::Person(name, _) => missing.people.contains(name),
        Who::Group(name, _) => missing.groups.contains(name),
        Who::Everyone | Who::Anonymous | Who::LoggedIn(_) | Who::Role(..) => false,
    }
}

const fn is_scoped(who: &Who) -> bool {
    matches!(who, Who::Person(_, Place::Tenancy { .. }) | Who::Group(_, Place::Tenancy { .. }))
}

/// Whether `whole` is the name that `scoped` is written with, scope and all.
fn are_two_readings(scoped: &Who, whole: &Who) -> bool {
    let (name, text) = match (scoped, whole) {
        (Who::Person(name, Place::Tenancy { .. }), Who::Person(text, Place::Directory)) => {
            (name.as_str(), text.as_str())
        }
        (Who::Group(name, Place::Tenancy { .. }), Who::Group(text, Place::Directory)) => (name.as_str(), text.as_str()),
        _ => return false,
    };
    text.rfind(['@', '+']).is_some_and(|at| text[..at] == *name)
}

/// Statements that say nothing.
fn lint_reach(at: At<'_>, policy: &Policy, known: Known<'_>, findings: &mut Findings) {
    let statement = at.statement;
    if statement.principals.as_ref().is_some_and(|principals| principals.who.is_empty() && !principals.inverted) {
        findings.add(Oddity::NeverApplies, at.element("Principal"), "it names nobody, so the statement never applies");
    }
    if statement.actions.is_empty() && statement.idle_actions.is_empty() {
        findings.add(Oddity::NeverApplies, at.element("Action"), "it names no action, so the statement never applies");
    }
    let reach = statement.resources.reach(known.bucket);
    if reach.is_nothing() {
        let message = "it names no bucket or object that the policy could be about, so the statement never applies";
        findings.add(Oddity::NeverApplies, at.element("Resource"), message);
    } else {
        let unreached = statement.actions.iter().filter(|action| !reach.has(action.scope()));
        let unreached: Vec<_> = unreached.collect();
        // Where all actions are meant, some of them are always about the other kind of resource.
        let every_action = unreached.len() == statement.actions.iter().count();
        if let Some(action) = unreached.first().filter(|_| every_action) {
            let message = match action.scope() {
                Scope::Object => format!("{action} is about objects: write the resource with /* behind the bucket"),
                _ => format!("{action} is about the bucket: write the resource without /* behind it"),
            };
            findings.add(Oddity::NeverApplies, at.element("Resource"), message);
        }
    }
    let shadows = |other: &&Statement| other.effect == Effect::Deny && shadows(other, statement);
    if statement.effect == Effect::Allow
        && let Some(index) = policy.statements().iter().position(|other| shadows(&other))
    {
        let message = format!("Statement[{index}] denies all that it allows");
        findings.add(Oddity::Shadowed, at.element(""), message);
    }
}

/// Whether `deny` surely applies wherever `allow` does.
fn shadows(deny: &Statement, allow: &Statement) -> bool {
    let everyone = |principals: &Principals| !principals.inverted && principals.who.contains(&Who::Everyone);
    let covers_principals = match (&deny.principals, &allow.principals) {
        (Some(deny), _) if everyone(deny) => true,
        (deny, allow) => deny == allow,
    };
    let covers_resources = deny.resources.are_everything() || deny.resources == allow.resources;
    covers_principals
        && covers_resources
        && deny.conditions.is_empty()
        && deny.actions.contains(allow.actions)
        && !allow.actions.is_empty()
}

/// Conditions that do something else than they seem to.
fn lint_conditions(at: At<'_>, policy: &Policy, findings: &mut Findings) {
    let listings = Action::ALL.iter().filter(|action| action.is_listing());
    let listings = listings.fold(ActionSet::NONE, |set, action| set.or(ActionSet::of(*action)));
    for condition in &at.statement.conditions {
        if condition.holds_for_absent() && at.statement.effect == Effect::Allow {
            let message = "ForAllValues: holds where the request has no such value at all: add a Null condition";
            findings.add(Oddity::HoldsForAbsent, at.element(&condition.to_string()), message);
        }
        if condition.key.is_of_listings() && at.statement.actions.and(listings).is_empty() {
            let message = "only listings have it, and none is among the actions";
            findings.add(Oddity::KeyOfListings, at.element(&condition.to_string()), message);
        }
    }
    if at.index == 0 && !policy.has_variables() && policy.document().contains("${") {
        let message = "${...} has a meaning in policies of Version 2012-10-17 alone; here it is plain text";
        findings.add(Oddity::LiteralVariable, String::new(), message);
    }
}

/// Those who are kept from everything, whatever the request is.
fn lint_lock_out(policy: &Policy, known: Known<'_>, findings: &mut Findings) {
    let (Some((tenancy, owner)), Some(bucket)) = (known.owner, known.bucket) else { return };
    let person = |name: &UserName, role| Principal {
        caller: Caller::Person { name: name.clone(), key: None },
        role: Some(role),
        groups: vec![format!("{tenancy}-members")],
        ..Principal::anonymous(tenancy.clone())
    };
    let shut_out = |principal: &Principal| {
        let denied = policy.statements().iter().filter(|statement| {
            let principals = statement.principals.as_ref();
            statement.effect == Effect::Deny
                && statement.conditions.is_empty()
                && statement.resources.cover_all_objects(bucket)
                && principals.is_some_and(|principals| principals.include(principal))
        });
        let actions = denied.fold(ActionSet::NONE, |set, statement| set.or(statement.actions));
        actions.contains(ActionSet::from_slice(&[Action::GetObject, Action::PutObject, Action::DeleteObject]))
    };
    let nobody = UserName::new("somebody").expect("letters");
    let owner_out = shut_out(&person(owner, Role::User));
    let managers_out = shut_out(&person(&nobody, Role::Manager));
    let may_still = "they can still read and replace the policy";
    match (owner_out, managers_out) {
        (true, true) => {
            let message =
                format!("it keeps everyone from the objects, the bucket's owner and managers too; {may_still}");
            findings.add(Oddity::LocksOutEveryone, String::new(), message);
        }
        (true, false) => {
            let message = format!("it keeps the bucket's owner, {owner}, from the objects; {may_still}");
            findings.add(Oddity::LocksOutOwner, String::new(), message);
        }
        (false, true) => {
            let message = format!("it keeps managers from the objects; {may_still}");
            findings.add(Oddity::LocksOutManagers, String::new(), message);
        }
        (false, false) => {}
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
