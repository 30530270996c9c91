//! Who asks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{AccessKeyId, TenancyName, UserName};

use crate::KeyScope;
use crate::document::Policy;

/// What a person is in a tenancy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Makes buckets, and reaches those it owns or that are shared with it.
    User,
    /// Reaches every bucket and decides on requests.
    Deputy,
    /// As a deputy, and names deputies.
    Manager,
}

impl Role {
    /// `USER`, `DEPUTY` or `MANAGER`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Deputy => "DEPUTY",
            Self::Manager => "MANAGER",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::User, Self::Deputy, Self::Manager]
            .into_iter()
            .find(|role| role.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("{text:?} is no role: it is USER, DEPUTY or MANAGER"))
    }
}

/// Who a request is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// Nobody: the request carries no credentials.
    Anonymous,
    /// A person, known by an access key or a session.
    Person {
        /// Their login name.
        name: UserName,
        /// The key that signed the request, where one did.
        key: Option<AccessKeyId>,
    },
    /// An operator of the installation, through the local socket, or a job of the store itself.
    Operator,
}

/// Who a request is, in the tenancy that it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// Who asks.
    pub caller: Caller,
    /// The tenancy that the request is for.
    pub tenancy: TenancyName,
    /// The role that the person holds there now, if any.
    pub role: Option<Role>,
    /// The groups of the directory that the person is in.
    pub groups: Vec<String>,
    /// The bounds of the key that signed the request, where it has any. They only narrow.
    pub key_scope: Option<Arc<KeyScope>>,
    /// The policies of the session, where it is one that was narrowed: what any of them does not allow is not allowed.
    /// A session made from a session carries those of both. They are read by [`Policy::parse_for_session`].
    pub session_policies: Vec<Policy>,
}

impl Principal {
    /// Nobody, in `tenancy`.
    pub const fn anonymous(tenancy: TenancyName) -> Self {
        Self {
            caller: Caller::Anonymous,
            tenancy,
            role: None,
            groups: Vec::new(),
            key_scope: None,
            session_policies: Vec::new(),
        }
    }

    /// The person, where it is one.
    pub const fn user(&self) -> Option<&UserName> {
        match &self.caller {
            Caller::Person { name, .. } => Some(name),
            Caller::Anonymous | Caller::Operator => None,
        }
    }

    /// The person's name among all tenancies, as conditions and policies know them:
    /// `arn:aws:iam::<tenancy>:user/<name>`, without the
    /// tenancy for those who are no member of it. `None` for those who are no person.
    pub fn arn(&self) -> Option<String> {
        let tenancy = self.role.map_or("", |_| self.tenancy.as_str());
        self.user().map(|name| format!("arn:aws:iam::{tenancy}:user/{name}"))
    }
}
