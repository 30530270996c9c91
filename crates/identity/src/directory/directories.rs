//! The built-in directory and the external one as a single one.
//!
//! A name is looked up in the built-in directory first, so that accounts of services and of operators work whatever the
//! other does. Who is in it is that person everywhere: the external directory is not asked about their groups.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use types::{Timestamp, UserName};

use super::people::{Known, People, Person};
use super::{BuiltInDirectory, CheckStep, Directory, ExternalDirectory, MAX_FOUND};
use crate::IdentityError;
use crate::user::User;

/// Both directories.
pub(crate) struct Directories {
    built_in: BuiltInDirectory,
    external: Option<(ExternalDirectory, People)>,
}

impl Directories {
    pub(crate) fn new(built_in: BuiltInDirectory, external: Option<(ExternalDirectory, People)>) -> Self {
        Self { built_in, external }
    }

    /// The directory beside the built-in one.
    pub(crate) fn external(&self) -> Option<&ExternalDirectory> {
        self.external.as_ref().map(|(external, _)| external)
    }

    /// Whether the person is in the built-in directory.
    pub(crate) async fn is_built_in(&self, name: &UserName) -> Result<bool, IdentityError> {
        Ok(self.built_in.find(name).await?.is_some())
    }

    /// What is known of a person, from memory where that is fresh enough.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`] where the directory is away and was for longer than the grace, or never said
    /// anything of them.
    pub(crate) async fn known(&self, name: &UserName) -> Result<Known, IdentityError> {
        if let Some(user) = self.built_in.find(name).await? {
            let person = Person { user, groups: Vec::new() };
            return Ok(Known { person: Some(Arc::new(person)), until: Timestamp(u64::MAX) });
        }
        match &self.external {
            Some((_, people)) => people.known(name).await,
            None => Ok(Known { person: None, until: Timestamp(u64::MAX) }),
        }
    }

    fn other(&self) -> Option<&dyn Directory> {
        self.external.as_ref().map(|(external, _)| &*external.directory)
    }
}

#[async_trait]
impl Directory for Directories {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        match (self.built_in.find(name).await?, self.other()) {
            (None, Some(other)) => other.find(name).await,
            (found, _) => Ok(found),
        }
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        let found = self.built_in.find_by_email(email).await?;
        match self.other() {
            Some(other) => Ok(merged(found, other.find_by_email(email).await?, MAX_FOUND)),
            None => Ok(found),
        }
    }

    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError> {
        match self.other() {
            Some(other) if self.built_in.find(name).await?.is_none() => other.verify_password(name, password).await,
            _ => self.built_in.verify_password(name, password).await,
        }
    }

    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError> {
        match self.other() {
            Some(other) if self.built_in.find(name).await?.is_none() => other.groups(name).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError> {
        let found = self.built_in.search_people(prefix, limit).await?;
        match self.other() {
            Some(other) => Ok(merged(found, other.search_people(prefix, limit).await?, limit.min(MAX_FOUND))),
            None => Ok(found),
        }
    }

    async fn search_groups(&self, prefix: &str, limit: usize) -> Result<Vec<String>, IdentityError> {
        match self.other() {
            Some(other) => other.search_groups(prefix, limit).await,
            None => Ok(Vec::new()),
        }
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        let found = self.built_in.list(limit).await?;
        match self.other() {
            Some(other) => Ok(merged(found, other.list(limit).await?, limit)),
            None => Ok(found),
        }
    }

    async fn check(&self, user: Option<&UserName>) -> Vec<CheckStep> {
        let mut steps = self.built_in.check(user).await;
        if let Some(other) = self.other() {
            steps.extend(other.check(user).await);
        }
        steps
    }
}

/// Both lists in the order of names, one person a name: that of the first list.
fn merged(first: Vec<User>, second: Vec<User>, limit: usize) -> Vec<User> {
    let mut all = first;
    all.extend(second);
    // Stable, so that of two with one name the first list's comes first.
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.dedup_by(|later, earlier| later.name == earlier.name);
    all.truncate(limit);
    all
}

impl fmt::Debug for Directories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directories").field("external", &self.external()).finish_non_exhaustive()
    }
}
