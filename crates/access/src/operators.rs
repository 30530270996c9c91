//! Who runs the installation with a browser: the people and groups that the configuration names.
//!
//! Whoever holds the administration socket is the operator too; that is decided by the file system and not here.

use std::collections::BTreeSet;

use identity::{Standing, TenancyGroup, UserStatus};
use types::UserName;

/// The most people, and the most groups, that the configuration may name: each request looks through them.
const MAX_NAMES: usize = 1000;
/// The longest name of a group, in bytes: far above what directories hold.
const MAX_GROUP_BYTES: usize = 256;

/// The operators, checked. By default there are none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Operators {
    people: BTreeSet<UserName>,
    groups: BTreeSet<String>,
}

/// A name can not be an operator's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OperatorsError {
    /// One of the people.
    #[error("{0:?} is no user name: write the name that the person logs in with")]
    Person(String),
    /// One of the groups.
    #[error("{0:?} is no group that can be used here: {1}")]
    Group(String, String),
    /// There are too many.
    #[error("there may be at most {MAX_NAMES} names: use a group of the directory")]
    TooMany,
}

impl Operators {
    /// These people, and everyone whom the directory puts into one of these groups. Groups that follow from roles in
    /// tenancies are refused: managers could make operators of whom they like.
    ///
    /// # Errors
    /// [`OperatorsError`] names what can not be used.
    pub fn new<'a>(
        people: impl IntoIterator<Item = &'a String>,
        groups: impl IntoIterator<Item = &'a String>,
    ) -> Result<Self, OperatorsError> {
        let person = |name: &String| UserName::new(name).map_err(|_| OperatorsError::Person(name.clone()));
        let people: BTreeSet<_> = people.into_iter().map(person).collect::<Result<_, _>>()?;
        let groups: BTreeSet<_> = groups.into_iter().map(checked_group).collect::<Result<_, _>>()?;
        if people.len().max(groups.len()) > MAX_NAMES {
            return Err(OperatorsError::TooMany);
        }
        Ok(Self { people, groups })
    }

    /// Whether the person is an operator, as far as the directory says now. Whoever is disabled or suspended is none.
    pub fn includes(&self, standing: &Standing) -> bool {
        let may_log_in = standing.user.status == UserStatus::Active && standing.suspension.is_none();
        let is_named = self.people.contains(&standing.user.name)
            || standing.directory_groups.iter().any(|group| self.groups.contains(group));
        may_log_in && is_named
    }
}

fn checked_group(name: &String) -> Result<String, OperatorsError> {
    let wrong = |rule: &str| OperatorsError::Group(name.clone(), rule.to_owned());
    if name.is_empty() || name.trim() != name || name.len() > MAX_GROUP_BYTES || name.chars().any(char::is_control) {
        return Err(wrong("write the group's name as the directory has it"));
    }
    if TenancyGroup::ALL.iter().any(|kind| name.ends_with(kind.suffix())) {
        return Err(wrong("names with this end follow from roles in tenancies, and managers grant those"));
    }
    Ok(name.clone())
}

#[cfg(test)]
#[path = "operators_tests.rs"]
mod tests;
