//! The built-in directory: people as records of the store. It needs nothing else.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use storage::{Metadata, Space, limits};
use types::UserName;

use super::{CheckStep, Directory, MAX_FOUND, has_email, matches};
use crate::control::{Life, decode, read};
use crate::password::Passwords;
use crate::user::{User, UserRecord, UserStatus};
use crate::{IdentityError, keyspace};

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

    /// The first `limit` people that are `wanted`, page by page.
    async fn filtered(&self, limit: usize, wanted: impl Fn(&User) -> bool + Send) -> Result<Vec<User>, IdentityError> {
        let end = keyspace::after(keyspace::USERS);
        let mut from = keyspace::USERS.to_vec();
        let mut found = Vec::new();
        while found.len() < limit {
            let pairs = self.metadata.scan(Space::CONTROL, &from, Some(&end), limits::SCAN_KEYS).await?;
            for (key, value) in &pairs {
                let record: UserRecord = decode(key, value)?;
                if record.life == Life::Live && wanted(&record.user) && found.len() < limit {
                    found.push(record.user);
                }
            }
            match pairs.last() {
                Some((last, _)) if pairs.len() == limits::SCAN_KEYS => from = [last.as_ref(), b"\0"].concat(),
                _ => break,
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Directory for BuiltInDirectory {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        Ok(self.record(name).await?.map(|record| record.user))
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        self.filtered(MAX_FOUND, |user| has_email(user, email)).await
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

    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError> {
        self.filtered(limit.min(MAX_FOUND), |user| matches(user, prefix)).await
    }

    async fn search_groups(&self, _prefix: &str, _limit: usize) -> Result<Vec<String>, IdentityError> {
        Ok(Vec::new())
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        self.filtered(limit, |_| true).await
    }

    async fn check(&self, user: Option<&UserName>) -> Vec<CheckStep> {
        let step = "the built-in directory";
        let Some(name) = user else { return vec![CheckStep::works(step, "people are records of this store")] };
        vec![match self.find(name).await {
            Ok(Some(user)) if user.status == UserStatus::Active => CheckStep::works(step, format!("{name} is in it")),
            Ok(Some(_)) => CheckStep::works(step, format!("{name} is in it, disabled")),
            Ok(None) => CheckStep::works(step, format!("{name} is not in it")),
            Err(error) => CheckStep::fails(step, error.to_string()),
        }]
    }
}

impl fmt::Debug for BuiltInDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BuiltInDirectory")
    }
}
