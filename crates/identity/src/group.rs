//! Groups: their names, and those that each tenancy has.

use std::fmt;
use std::str::FromStr;

use policy::Role;
use types::TenancyName;

use crate::IdentityError;

/// The longest name of a group that is written to a directory, in characters: what JASMIN's directory takes.
const MAX_GROUP_CHARS: usize = 50;

/// The name of a group that may be written to a directory: 2 to 50 of `A-Za-z0-9_-`, starting with a letter and ending
/// with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupName(String);

impl GroupName {
    /// Checks `text` and makes the name.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] names the rule.
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let bytes = text.as_bytes();
        let is_good = (2..=MAX_GROUP_CHARS).contains(&bytes.len())
            && bytes.iter().copied().all(inner)
            && bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric);
        if is_good {
            return Ok(Self(text.to_owned()));
        }
        let rule = format!(
            "{text:?} must have 2 to {MAX_GROUP_CHARS} of A-Z, a-z, 0-9, '_' and '-', start with a letter and end \
             with a letter or digit"
        );
        Err(IdentityError::Invalid { what: "name of a group", rule })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GroupName {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        Self::new(text)
    }
}

/// A group that every tenancy has, and that follows from the roles in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TenancyGroup {
    /// Whoever holds a role.
    Members,
    /// Whoever is DEPUTY.
    Deputies,
    /// Whoever is MANAGER.
    Managers,
}

impl TenancyGroup {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Members, Self::Deputies, Self::Managers];

    /// What its name ends with.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Members => "-members",
            Self::Deputies => "-deputies",
            Self::Managers => "-managers",
        }
    }

    /// Its name in `tenancy`, such as `cedadev-o-members`.
    pub fn name_in(self, tenancy: &TenancyName) -> String {
        [tenancy.as_str(), self.suffix()].concat()
    }

    /// Whether someone with this role is in it.
    pub const fn includes(self, role: Role) -> bool {
        match self {
            Self::Members => true,
            Self::Deputies => matches!(role, Role::Deputy),
            Self::Managers => matches!(role, Role::Manager),
        }
    }

    /// The name of the tenancy that a group of this name would belong to, if there is such a tenancy.
    pub(crate) fn tenancy_of(group: &str) -> Option<&str> {
        Self::ALL.iter().find_map(|kind| group.strip_suffix(kind.suffix()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        let long = format!("{}-members", "a".repeat(43));
        for (name, is_good) in [
            ("cedadev-o-members", true),
            ("a1", true),
            ("A_b", true),
            ("a", false),
            ("", false),
            ("9-members", false),
            ("a-", false),
            ("a b", false),
            ("a*b", false),
            ("é-members", false),
            (&long[1..], true),
            (&long, false),
        ] {
            assert_eq!(GroupName::new(name).is_ok(), is_good, "{name:?}");
        }
    }
}
