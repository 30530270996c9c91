//! Who makes a change.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::UserName;

/// Who makes a change, for the rules of [`crate::authority`] and for what is told of it. Ways in make one after they have
/// found out who it is: the local socket gives the operator, a session its person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Who runs the installation.
    Operator,
    /// A person, with what their roles allow.
    Person(UserName),
}

impl Actor {
    /// The person, if it is one.
    pub const fn person(&self) -> Option<&UserName> {
        match self {
            Self::Operator => None,
            Self::Person(name) => Some(name),
        }
    }

    /// Whether it is this person.
    pub fn is(&self, user: &UserName) -> bool {
        self.person() == Some(user)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator"),
            Self::Person(name) => name.fmt(f),
        }
    }
}
