//! Where people come from: the contract that every directory keeps, and what stands on both sides of it.
//!
//! [`Directory`] asks about people and groups, [`GroupWriter`] changes groups. [`BuiltInDirectory`] keeps people as
//! records of the store; a service like LDAP keeps the same contract in a crate of its own, and is plugged in as an
//! [`ExternalDirectory`]. `directories` puts both together, `people` remembers what the external one said. Beside the
//! contract stand the reference ([`memory`]), the suite that every directory passes ([`conformance`]), and a wrapper
//! that goes away on demand ([`faults`]).

mod built_in;
pub mod conformance;
mod directories;
pub mod faults;
pub mod memory;
pub(crate) mod people;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::UserName;

pub use built_in::BuiltInDirectory;
pub(crate) use directories::Directories;

use crate::IdentityError;
use crate::group::GroupName;
use crate::user::User;

/// The most people or groups that a search answers with.
pub const MAX_FOUND: usize = 100;
/// The most groups of one person; further ones are left out, and the directory's log says so.
pub const MAX_GROUPS: usize = 1000;

/// Where people, their passwords and their groups live: built in, or a service like LDAP.
///
/// The groups of tenancies follow from roles and are added by [`crate::Standing::groups`]; a directory tells only of
/// groups of its own. Names are compared as they are written: a directory that would find `Ann` as `ann` answers that
/// there is no `Ann`.
///
/// Every call may end with [`IdentityError::DirectoryAway`], which says that nothing is known: a caller must not take
/// it for "no such person".
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The person of this name, disabled ones too.
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError>;

    /// The people with this e-mail address, whatever the case of its letters, at most [`MAX_FOUND`].
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError>;

    /// The person, where this is their password and they are not disabled. An empty password is nobody's. The time
    /// taken does not tell whether there is such a person, as far as the service behind it hides that.
    ///
    /// # Errors
    /// Those of the store or service behind it. A wrong password is no error.
    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError>;

    /// The directory's own groups that the person is in, directly or through other groups, sorted, at most
    /// [`MAX_GROUPS`].
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError>;

    /// People whose login name, full name or e-mail address begins with `prefix`, whatever the case of its letters,
    /// in the order of names, at most `limit` and [`MAX_FOUND`]. With an empty prefix: any.
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError>;

    /// Groups whose name begins with `prefix`, whatever the case of its letters, sorted, at most `limit` and
    /// [`MAX_FOUND`].
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn search_groups(&self, prefix: &str, limit: usize) -> Result<Vec<String>, IdentityError>;

    /// Everyone, in the order of names, at most `limit`. A service may have a smaller limit of its own.
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError>;

    /// Tries step by step what the directory is needed for, the look-up of `user` at last where one is named. A step
    /// that needs one which failed is left out.
    async fn check(&self, user: Option<&UserName>) -> Vec<CheckStep>;
}

/// One step of [`Directory::check`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckStep {
    /// What was tried.
    pub step: String,
    /// Whether it worked.
    pub works: bool,
    /// What was seen, or why it failed and what to do.
    pub detail: String,
}

impl CheckStep {
    /// A step that worked.
    pub fn works(step: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { step: step.into(), works: true, detail: detail.into() }
    }

    /// A step that failed.
    pub fn fails(step: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { step: step.into(), works: false, detail: detail.into() }
    }
}

/// What the groups of tenancies have to do with the groups of the same names in an external directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TenancyGroups {
    /// Nothing: who is in them follows from roles alone, and what the directory says of these names does not count.
    #[default]
    Ours,
    /// Whom the directory puts into them is in them too, beside those who hold roles. That gives them no role.
    Read,
    /// As [`Self::Ours`], and the directory's groups are made to say the same.
    Write,
}

/// A directory beside the built-in one, and how it is used.
#[derive(Clone)]
pub struct ExternalDirectory {
    /// The directory.
    pub directory: Arc<dyn Directory>,
    /// What changes its groups; needed for [`TenancyGroups::Write`] alone.
    pub writer: Option<Arc<dyn GroupWriter>>,
    /// Whose word the groups of tenancies are.
    pub tenancy_groups: TenancyGroups,
    /// How long at most what it said of a person is used without asking again, in seconds.
    pub cache_seconds: u64,
    /// How long after that what it said last is used while it is away, in seconds.
    pub grace_seconds: u64,
}

impl std::fmt::Debug for ExternalDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalDirectory")
            .field("tenancy_groups", &self.tenancy_groups)
            .field("cache_seconds", &self.cache_seconds)
            .field("grace_seconds", &self.grace_seconds)
            .finish_non_exhaustive()
    }
}

/// How a group of the directory differs from what it should be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupDifference {
    /// How many members it has.
    pub members: usize,
    /// Who should be in it and is not.
    pub missing: BTreeSet<UserName>,
    /// Who is in it and should not be, as the directory writes a member.
    pub extra: BTreeSet<String>,
    /// Who should be in it and is not known to the directory.
    pub unknown: BTreeSet<UserName>,
}

/// Changes the groups of a directory. Every call may be repeated: what is done already is no error.
#[async_trait]
pub trait GroupWriter: Send + Sync + 'static {
    /// How the group differs from one with exactly the members `desired`; `None` where there is no such group.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`].
    async fn compare(
        &self,
        group: &GroupName,
        desired: &BTreeSet<UserName>,
    ) -> Result<Option<GroupDifference>, IdentityError>;

    /// Makes the group, without members.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`], and [`IdentityError::DirectoryRefused`] where the directory does not let it.
    async fn create(&self, group: &GroupName) -> Result<(), IdentityError>;

    /// Puts the person into the group.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`], and as for [`Self::create`].
    async fn add(&self, group: &GroupName, user: &UserName) -> Result<(), IdentityError>;

    /// Takes a member out of the group. `member` is one of [`GroupDifference::extra`].
    ///
    /// # Errors
    /// As for [`Self::create`].
    async fn remove(&self, group: &GroupName, member: &str) -> Result<(), IdentityError>;
}

/// Whether `text` begins with `prefix`, whatever the case of the letters.
pub(crate) fn begins_with(text: &str, prefix: &str) -> bool {
    text.to_lowercase().starts_with(&prefix.to_lowercase())
}

/// Whether a search for `prefix` finds the person.
pub(crate) fn matches(user: &User, prefix: &str) -> bool {
    let others = [user.full_name.as_deref(), user.email.as_deref()];
    begins_with(user.name.as_str(), prefix) || others.into_iter().flatten().any(|text| begins_with(text, prefix))
}

/// Whether the person's e-mail address is this one, whatever the case of the letters.
pub(crate) fn has_email(user: &User, email: &str) -> bool {
    user.email.as_deref().is_some_and(|own| own.to_lowercase() == email.to_lowercase())
}
