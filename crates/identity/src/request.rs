//! Requests: what people ask for.

use std::fmt;
use std::str::FromStr;

use policy::Role;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::{TenancyName, Timestamp, UserName};

/// The name of a request: the tenancy that it is about, and its number there, as in `cedadev-o/17`. A number is given
/// once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId {
    /// The tenancy; of a request for a new one, the one that is to be made.
    pub tenancy: TenancyName,
    /// Its number there, from 1.
    pub number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenancy, self.number)
    }
}

impl FromStr for RequestId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(tenancy, number)| {
            Some(Self { tenancy: TenancyName::new(tenancy).ok()?, number: number.parse().ok()? })
        });
        parts.ok_or_else(|| format!("{text:?} is no request: write tenancy and number, as in cedadev-o/17"))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum RequestKind {
    /// A role in a tenancy.
    Join {
        /// Which.
        role: Role,
    },
    /// A new tenancy, of which who asks becomes MANAGER.
    Tenancy {
        /// What it is for.
        description: String,
        /// The project that pays for it; may be empty.
        project: String,
        /// How many bytes it is to hold; without limit where absent.
        quota_bytes: Option<u64>,
        /// When it is to end; never where absent.
        ends: Option<Timestamp>,
    },
    /// Another quota for a tenancy.
    Quota {
        /// How many bytes it is to hold.
        quota_bytes: u64,
    },
}

/// A request in short, as those see it who decide on it, and who asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestSummary {
    /// Its name, which has the tenancy.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// What for.
    #[serde(flatten)]
    pub kind: RequestKind,
    /// Why.
    pub reason: String,
}
