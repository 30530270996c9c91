//! The meaning of public (user guide, "Blocking public access to your Amazon S3 storage", "The meaning of \"public\"").

use super::Policy;
use super::principals::{Place, Who};
use super::statement::{Effect, Statement};
use crate::conditions::Condition;

impl Policy {
    /// Whether it allows anything to everyone or to whoever is logged in, unless a condition bounds them to fixed people
    /// or addresses.
    pub fn is_public(&self) -> bool {
        self.0.is_public
    }
}

/// Whether one of these statements is public. A Deny elsewhere makes nothing less so.
pub(super) fn any_is_public(statements: &[Statement]) -> bool {
    statements.iter().any(is_public)
}

fn is_public(statement: &Statement) -> bool {
    let many = |who: &Who| matches!(who, Who::Everyone | Who::Anonymous | Who::LoggedIn(Place::Directory));
    let principals = statement.principals.as_ref();
    statement.effect == Effect::Allow
        && principals.is_some_and(|principals| principals.who.iter().any(many))
        && !statement.conditions.iter().any(Condition::bounds_who)
}

#[cfg(test)]
#[path = "public_tests.rs"]
mod tests;
