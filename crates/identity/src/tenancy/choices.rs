//! What a tenancy's managers choose: who finds it, and how people come in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether people who hold no role in a tenancy find it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// It is among those that everybody is shown.
    #[default]
    Listed,
    /// It is not. Who knows its name can ask for a role all the same.
    Hidden,
}

/// What becomes of a request for a role.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joining {
    /// It waits until someone decides.
    #[default]
    Decided,
    /// USER is granted at once, for a year; the other roles are decided on.
    Automatic,
    /// It is refused.
    Closed,
}

macro_rules! choice {
    ($type:ident, $($name:literal $variant:ident),*) => {
        impl $type {
            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(format!("{text:?} is not valid: it is {}", [$($name),*].join(" or "))),
                }
            }
        }
    };
}

choice!(Visibility, "listed" Listed, "hidden" Hidden);
choice!(Joining, "decided" Decided, "automatic" Automatic, "closed" Closed);
