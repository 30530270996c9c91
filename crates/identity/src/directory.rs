//! Where people, passwords and groups come from.

use std::sync::Arc;

use async_trait::async_trait;
use storage::Metadata;
use types::UserName;

use crate::control::{Life, read};
use crate::password::Passwords;
use crate::user::{User, UserRecord, UserStatus};
use crate::{IdentityError, keyspace};

/// Where people, their passwords and their groups live: built in, or a service like LDAP.
///
/// The group `<tenancy>-members` of each tenancy follows from roles and is added by [`crate::Standing::groups`]; a
/// directory tells only of groups of its own.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The person of this name, disabled ones too.
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError>;

    /// The person, where this is their password and they are not disabled. The time taken does not tell whether there
    /// is such a person.
    ///
    /// # Errors
    /// Those of the store or service behind it. A wrong password is no error.
    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError>;

    /// The directory's own groups that the person is in, sorted.
    ///
    /// # Errors
    /// Those of the store or service behind it.
    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError>;
}

/// People as records in the store itself. It has no groups of its own.
pub struct BuiltInDirectory {
    metadata: Arc<dyn Metadata>,
    passwords: Arc<Passwords>,
}

impl BuiltInDirectory {
    pub(crate) fn new(metadata: Arc<dyn Metadata>, passwords: Arc<Passwords>) -> Self {
        Self { metadata, passwords }
    }

    async fn record(&self, name: &UserName) -> Result<Option<UserRecord>, IdentityError> {
        let record = read::<UserRecord>(&*self.metadata, &keyspace::user(name)).await?;
        Ok(record.map(|record| record.value).filter(|record| record.life == Life::Live))
    }
}

#[async_trait]
impl Directory for BuiltInDirectory {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        Ok(self.record(name).await?.map(|record| record.user))
    }

    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError> {
        let record = self.record(name).await?;
        let hash = record.as_ref().and_then(|record| record.password_hash.clone());
        let is_right = self.passwords.verify(hash, password).await?;
        Ok(record.map(|record| record.user).filter(|user| is_right && user.status == UserStatus::Active))
    }

    async fn groups(&self, _name: &UserName) -> Result<Vec<String>, IdentityError> {
        Ok(Vec::new())
    }
}

impl std::fmt::Debug for BuiltInDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BuiltInDirectory")
    }
}
