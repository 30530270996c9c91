//! [`LdapDirectory`]: the contract of a directory, kept by questions to LDAP.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use identity::directory::{CheckStep, Directory, MAX_FOUND};
use identity::{IdentityError, User, UserStatus};
use types::{Clock, Timestamp, UserName};

use crate::failure::Failure;
use crate::people::{self, Found};
use crate::pool::Pool;
use crate::search::Wanted;
use crate::settings::{LdapSettings, SettingsError};
use crate::{check, filter, groups};

/// People and groups on LDAP.
#[derive(Clone)]
pub struct LdapDirectory {
    pub(crate) pool: Pool,
    clock: Arc<dyn Clock>,
}

impl LdapDirectory {
    /// A directory as `settings` say. Nothing is connected yet: servers may be away.
    ///
    /// # Errors
    /// [`SettingsError`] names the setting that can not work.
    pub fn new(settings: LdapSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self { pool: Pool::new(settings)?, clock })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn found(&self, name: &UserName) -> Result<Option<Found>, IdentityError> {
        people::find(&self.pool, name, self.now()).await.map_err(Failure::of_question)
    }

    /// The people that `condition` matches, in the order of names.
    async fn matching(
        &self,
        operation: &'static str,
        condition: String,
        wanted: Wanted,
    ) -> Result<Vec<User>, IdentityError> {
        let found = people::matching(&self.pool, operation, condition, wanted, self.now()).await;
        let mut users: Vec<User> = found.map_err(Failure::of_question)?.into_iter().map(|found| found.user).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(users)
    }
}

#[async_trait]
impl Directory for LdapDirectory {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        Ok(self.found(name).await?.map(|found| found.user))
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        if email.is_empty() || !is_text(email) {
            return Ok(Vec::new());
        }
        let condition = filter::equals(&self.pool.settings().people.email_attribute, email);
        self.matching("find_by_email", condition, Wanted::Some(MAX_FOUND)).await
    }

    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError> {
        let found = self.found(name).await?.filter(|found| found.user.status == UserStatus::Active);
        let is_right = people::password_is_right(&self.pool, found.as_ref(), password).await;
        let is_right = is_right.map_err(Failure::of_question)?;
        Ok(found.filter(|_| is_right).map(|found| found.user))
    }

    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError> {
        match self.found(name).await? {
            Some(person) => groups::of_person(&self.pool, person).await.map_err(Failure::of_question),
            None => Ok(Vec::new()),
        }
    }

    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError> {
        if !is_text(prefix) {
            return Ok(Vec::new());
        }
        let people = &self.pool.settings().people;
        let attributes = [&people.name_attribute, &people.full_name_attribute, &people.email_attribute];
        let condition = if prefix.is_empty() {
            format!("({}=*)", people.name_attribute)
        } else {
            filter::any(&attributes.map(|attribute| filter::begins(attribute, prefix)))
        };
        // The server answers in an order of its own.
        let mut users = self.matching("search_people", condition, Wanted::Some(MAX_FOUND)).await?;
        users.truncate(limit);
        Ok(users)
    }

    async fn search_groups(&self, prefix: &str, limit: usize) -> Result<Vec<String>, IdentityError> {
        if !is_text(prefix) {
            return Ok(Vec::new());
        }
        let attribute = &self.pool.settings().groups.name_attribute;
        let condition = if prefix.is_empty() { format!("({attribute}=*)") } else { filter::begins(attribute, prefix) };
        let attributes = vec![attribute.clone()];
        let found =
            groups::matching(&self.pool, "search_groups", &condition, attributes, Wanted::Some(MAX_FOUND)).await;
        let found = found.map_err(Failure::of_question)?;
        let mut names: Vec<String> =
            found.iter().filter_map(|entry| entry.first(attribute)).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names.truncate(limit);
        Ok(names)
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        let condition = format!("({}=*)", self.pool.settings().people.name_attribute);
        self.matching("list", condition, Wanted::Given(limit)).await
    }

    async fn check(&self, user: Option<&UserName>) -> Vec<CheckStep> {
        check::run(self, user).await
    }
}

/// Whether `text` may be looked for. With control characters it is nobody's name, but OpenLDAP takes one up to a NUL for
/// the whole.
fn is_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

impl fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectory").field("servers", &self.pool.settings().servers).finish_non_exhaustive()
    }
}
