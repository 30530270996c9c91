//! Who acted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::UserName;

/// Who acted. Written `operator`, `anonymous`, `user:ann` and `job:expire_grants`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Actor {
    /// Whoever holds the administration socket.
    Operator,
    /// A person.
    Person(UserName),
    /// A job of the server, by its name.
    Job(String),
    /// Nobody who said a name.
    Anonymous,
}

/// A text names no actor.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no actor: write operator, anonymous, job:NAME, or a person's name")]
pub struct ActorError(String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Person(name) => write!(f, "user:{name}"),
            Self::Job(name) => write!(f, "job:{name}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl FromStr for Actor {
    type Err = ActorError;

    /// Reads what is written, and a person's name without `user:` too, where it is no other actor's.
    fn from_str(text: &str) -> Result<Self, ActorError> {
        match (text, text.split_once(':')) {
            ("operator", _) => Ok(Self::Operator),
            ("anonymous", _) => Ok(Self::Anonymous),
            (_, Some(("job", name))) if is_job(name) => Ok(Self::Job(name.to_owned())),
            (_, Some(("user", name))) => person(name, text),
            (name, _) => person(name, text),
        }
    }
}

fn person(name: &str, text: &str) -> Result<Actor, ActorError> {
    UserName::new(name).map(Actor::Person).map_err(|_| ActorError(text.to_owned()))
}

/// Names of jobs stand in keys, and are words of the source: lower-case letters and `_`.
fn is_job(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_read_as_they_are_written() {
        let ann = UserName::new("ann").expect("a name");
        let operator = UserName::new("operator").expect("a name");
        for (text, actor, written) in [
            ("operator", Actor::Operator, "operator"),
            ("anonymous", Actor::Anonymous, "anonymous"),
            ("ann", Actor::Person(ann.clone()), "user:ann"),
            ("user:ann", Actor::Person(ann), "user:ann"),
            ("user:operator", Actor::Person(operator), "user:operator"),
            ("job:expire_grants", Actor::Job("expire_grants".to_owned()), "job:expire_grants"),
        ] {
            assert_eq!(text.parse(), Ok(actor.clone()), "{text}");
            assert_eq!(actor.to_string(), written);
            assert_eq!(written.parse(), Ok(actor));
        }
        for bad in ["", "user:", "job:", "job:a/b", "job:A", "user:a b", "a/b", ":"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }
}
