//! Whom a statement is about: `Principal` and `NotPrincipal`, in AWS's forms and in Swarm's.

use std::fmt;

use types::{TenancyName, UserName};

use super::json::Json;
use super::{Effect, Refusal};
use crate::{Caller, Principal, Role};

/// The most bytes of a group's name.
const MAX_GROUP_NAME_BYTES: usize = 256;

/// Where somebody must be a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Nowhere: to be in the directory is enough.
    Directory,
    /// In the tenancy that the request is for.
    Here,
    /// In this tenancy.
    Tenancy {
        /// Its name.
        name: TenancyName,
        /// The name of the group of its members.
        members: String,
    },
}

impl Place {
    fn tenancy(name: &str) -> Result<Self, Refusal> {
        let name = TenancyName::new(name).map_err(|error| Refusal::here(error.to_string()))?;
        Ok(Self::Tenancy { members: format!("{name}-members"), name })
    }

    fn has(&self, principal: &Principal) -> bool {
        match self {
            Self::Directory => true,
            Self::Here => principal.role.is_some(),
            Self::Tenancy { name, members } => {
                (principal.role.is_some() && principal.tenancy == *name) || principal.groups.contains(members)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("the directory"),
            Self::Here => f.write_str("this tenancy"),
            Self::Tenancy { name, .. } => write!(f, "tenancy {name}"),
        }
    }
}

/// Somebody, as a policy names them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// Everyone, whether logged in or not.
    Everyone,
    /// Whoever is not logged in.
    Anonymous,
    /// Whoever is logged in and a member there.
    LoggedIn(Place),
    /// The person of this name, where a member there.
    Person(UserName, Place),
    /// Those in the group of this name, where members there.
    Group(String, Place),
    /// Those with this role in the tenancy.
    Role(Role, Place),
}

impl Who {
    pub(crate) fn includes(&self, principal: &Principal) -> bool {
        let person = matches!(principal.caller, Caller::Person { .. });
        match self {
            Self::Everyone => true,
            Self::Anonymous => principal.caller == Caller::Anonymous,
            Self::LoggedIn(place) => person && place.has(principal),
            Self::Person(name, place) => principal.user() == Some(name) && place.has(principal),
            Self::Group(name, place) => person && principal.groups.contains(name) && place.has(principal),
            Self::Role(role, place) => {
                let here = match place {
                    Place::Tenancy { name, .. } => principal.tenancy == *name,
                    Place::Directory | Place::Here => true,
                };
                person && here && principal.role == Some(*role)
            }
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |f: &mut fmt::Formatter<'_>, place: &Place| match place {
            Place::Directory => Ok(()),
            place => write!(f, " of {place}"),
        };
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Anonymous => f.write_str("whoever is not logged in"),
            Self::LoggedIn(Place::Directory) => f.write_str("whoever is logged in"),
            Self::LoggedIn(place) => write!(f, "every member of {place}"),
            Self::Person(name, place) => {
                write!(f, "{name}")?;
                within(f, place)
            }
            Self::Group(name, place) => {
                write!(f, "group {name}")?;
                within(f, place)
            }
            Self::Role(role, place) => {
                write!(f, "{role}")?;
                within(f, place)
            }
        }
    }
}

/// The element `Principal` or `NotPrincipal`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Principals {
    pub(crate) who: Vec<Who>,
    /// `NotPrincipal`, which only a Deny may have: all but these.
    pub(crate) inverted: bool,
}

impl Principals {
    pub(super) fn parse(element: &Json, effect: Effect, inverted: bool) -> Result<Self, Refusal> {
        if inverted && effect == Effect::Allow {
            let problem = "it may not stand with Allow, which would let in everyone but those named, without logging in \
                           too: write a Deny, or name those who may";
            return Err(Refusal::here(problem));
        }
        let who = match element {
            Json::Text(text) if text == "*" => vec![Who::Everyone],
            Json::Object(kinds) => {
                let parsed = kinds.iter().map(|(kind, names)| {
                    let who = parse_kind(kind, names, effect);
                    who.map_err(|refusal| refusal.within(kind.as_str()))
                });
                parsed.collect::<Result<Vec<_>, _>>()?.concat()
            }
            _ => return Err(Refusal::here("it must be \"*\" or an object like {\"AWS\": [...]}")),
        };
        Ok(Self { who, inverted })
    }

    pub(crate) fn include(&self, principal: &Principal) -> bool {
        self.who.iter().any(|who| who.includes(principal)) != self.inverted
    }
}

fn parse_kind(kind: &str, names: &Json, effect: Effect) -> Result<Vec<Who>, Refusal> {
    let parse: &dyn Fn(&str) -> Result<Vec<Who>, Refusal> = match kind {
        "AWS" => &|name| aws(name).map(|who| vec![who]),
        "CanonicalUser" => &|name| Ok(vec![Who::Person(person(name)?, Place::Directory)]),
        "user" => &swarm_user,
        "group" => &swarm_group,
        "anonymous" => &|name| swarm_anonymous(name, effect),
        _ => {
            return Err(Refusal::here(
                "there is no such kind of principal: it is AWS, CanonicalUser, user, group or anonymous",
            ));
        }
    };
    let parsed = names.texts()?.into_iter().map(parse);
    Ok(parsed.collect::<Result<Vec<_>, _>>()?.concat())
}

fn person(name: &str) -> Result<UserName, Refusal> {
    UserName::new(name).map_err(|error| Refusal::here(error.to_string()))
}

fn group(name: &str) -> Result<String, Refusal> {
    let acceptable = (1..=MAX_GROUP_NAME_BYTES).contains(&name.len()) && !name.contains(['*', '?']);
    if !acceptable || name.chars().any(char::is_control) {
        return Err(Refusal::here(format!("{name:?} is no name of a group")));
    }
    Ok(name.to_owned())
}

/// `arn:aws:iam::<tenancy, or nothing, or 12 digits>:user/NAME`, `…:group/NAME`, `…:role/ROLE`, `…:root`.
fn aws(text: &str) -> Result<Who, Refusal> {
    let wrong = || {
        Refusal::here(format!(
            "{text:?} names nobody: write \"*\" or arn:aws:iam::TENANCY:user/NAME, :group/NAME, :role/MANAGER or :root"
        ))
    };
    if text == "*" {
        return Ok(Who::Everyone);
    }
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return Err(wrong()) };
    if !partition.starts_with("aws") {
        return Err(wrong());
    }
    let is_number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let place =
        |otherwise: Place| if account.is_empty() || is_number { Ok(otherwise) } else { Place::tenancy(account) };
    match resource.split_once('/') {
        None if *resource == "root" && is_number => {
            Err(Refusal::here(format!("no tenancy has the number {account}: write its name in place of the number")))
        }
        None if *resource == "root" => Ok(Who::LoggedIn(place(Place::Here)?)),
        Some(("user", name)) => Ok(Who::Person(person(name)?, place(Place::Directory)?)),
        Some(("group", name)) => Ok(Who::Group(group(name)?, place(Place::Directory)?)),
        Some(("role", role)) => {
            Ok(Who::Role(role.parse().map_err(|error: String| Refusal::here(error))?, place(Place::Here)?))
        }
        _ => Err(wrong()),
    }
}

/// A name and its scope: `name@domain`, `name+tenant`, `name@` (the directory of the installation) or none. A domain is
/// that of the tenancy which its first label names.
fn scope(text: &str) -> Result<Option<(&str, Place)>, Refusal> {
    let Some(at) = text.rfind(['@', '+']) else { return Ok(None) };
    let (name, scope) = (&text[..at], &text[at + 1..]);
    if name.is_empty() {
        return Err(Refusal::here(format!("{text:?} has no name before its scope")));
    }
    if scope.is_empty() && text.as_bytes()[at] == b'@' {
        return Ok(Some((name, Place::Directory)));
    }
    let label = scope.split('.').next().unwrap_or_default().to_ascii_lowercase();
    Ok(Some((name, Place::tenancy(&label)?)))
}

/// A name with a scope may also be one whole name, since names may have `@` and `+` in them: it is read both ways. Spaces
/// around it are those that people type after a comma, where a program cuts what they typed.
fn swarm_user(text: &str) -> Result<Vec<Who>, Refusal> {
    let text = text.trim_matches(' ');
    match text {
        "" => return Ok(Vec::new()),
        "*" => return Ok(vec![Who::LoggedIn(Place::Directory)]),
        _ => {}
    }
    Ok(match scope(text)? {
        None => vec![Who::Person(person(text)?, Place::Directory)],
        Some(("*", place)) => vec![Who::LoggedIn(place)],
        Some((name, place)) => {
            let whole = UserName::new(text).ok().map(|name| Who::Person(name, Place::Directory));
            std::iter::once(Who::Person(person(name)?, place)).chain(whole).collect()
        }
    })
}

fn swarm_group(text: &str) -> Result<Vec<Who>, Refusal> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let whole = Who::Group(group(text)?, Place::Directory);
    Ok(match scope(text)? {
        None => vec![whole],
        Some((name, place)) => vec![Who::Group(group(name)?, place), whole],
    })
}

/// What is allowed to who is not logged in is allowed to everyone; what is denied to them is denied to nobody else.
fn swarm_anonymous(text: &str, effect: Effect) -> Result<Vec<Who>, Refusal> {
    match text {
        "" => Ok(Vec::new()),
        "*" if effect == Effect::Allow => Ok(vec![Who::Everyone]),
        "*" => Ok(vec![Who::Anonymous]),
        _ => Err(Refusal::here(format!("{text:?} is no form of it: who is not logged in has no name, write \"*\""))),
    }
}

#[cfg(test)]
#[path = "principals_tests.rs"]
mod tests;
