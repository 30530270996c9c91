//! People.

use serde::{Deserialize, Serialize};
use storage::{Batch, Expect};
use types::{Timestamp, UserName};
use zeroize::Zeroizing;

use crate::control::{Control, Life, Stale, Stored, check_text, put};
use crate::{Identity, IdentityError, keyspace, login, session, suspension, tenancy, token};

/// The longest e-mail address, in characters (RFC 5321 section 4.5.3.1.3).
const MAX_EMAIL_CHARS: usize = 254;

/// A person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Their login name.
    pub name: UserName,
    /// Their name in full, where the directory tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// Whether they may do anything.
    pub status: UserStatus,
    /// When they were made known.
    pub created: Timestamp,
}

/// Whether a person may do anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// They may do what their roles allow.
    Active,
    /// Neither passwords nor keys of theirs work. Roles, keys and buckets stay.
    Disabled,
}

/// Who a new person is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewUser {
    /// Their login name.
    pub name: UserName,
    /// Where mail reaches them.
    pub email: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    #[serde(flatten)]
    pub(crate) user: User,
    /// A PHC string; nobody logs in with a password where absent.
    pub(crate) password_hash: Option<String>,
    #[serde(default)]
    pub(crate) life: Life,
}

impl Identity {
    /// Makes a person known, in the built-in directory. Without a password, they can have keys but not log in.
    ///
    /// # Errors
    /// [`IdentityError::UserExists`], [`IdentityError::Invalid`], and those of the store.
    pub async fn create_user(&self, new: NewUser, password: Option<&str>) -> Result<User, IdentityError> {
        let password = password.map(|password| Zeroizing::new(password.to_owned()));
        self.change(move |control| async move { create(&control, new, password).await }).await
    }

    /// The person of this name.
    ///
    /// # Errors
    /// Those of the directory.
    pub async fn user(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        self.control.directory.find(name).await
    }

    /// The people whom mail to this address reaches, whatever the case of its letters: more than one where they share it.
    ///
    /// # Errors
    /// Those of the directory.
    pub async fn people_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        self.control.directory.find_by_email(email).await
    }

    /// The people of the built-in directory in the order of names, at most `limit`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn users(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        let records = self.control.list::<UserRecord>(keyspace::USERS, limit).await?;
        let live = records.into_iter().filter(|record| record.life == Life::Live);
        Ok(live.map(|record| record.user).collect())
    }

    /// Disables a person or enables them again.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`] and those of the store.
    pub async fn set_user_status(&self, name: &UserName, status: UserStatus) -> Result<User, IdentityError> {
        let name = name.clone();
        self.change(move |control| async move { rewrite(&control, &name, |record| record.user.status = status).await })
            .await
    }

    /// Sets where mail reaches a person; nowhere where `email` is `None`.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`], [`IdentityError::Invalid`], and those of the store.
    pub async fn set_email(&self, name: &UserName, email: Option<String>) -> Result<User, IdentityError> {
        let name = name.clone();
        self.change(move |control| async move {
            email.as_deref().map(check_email).transpose()?;
            rewrite(&control, &name, |record| record.user.email = email).await
        })
        .await
    }

    /// Sets a person's password, and ends their logins and management tokens: whoever knew the old one is out.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`], [`IdentityError::Invalid`], and those of the store.
    pub async fn set_password(&self, name: &UserName, password: &str) -> Result<User, IdentityError> {
        let (name, password) = (name.clone(), Zeroizing::new(password.to_owned()));
        self.change(move |control| async move {
            let hash = control.passwords.hash(&*control.entropy, &password).await?;
            let user = rewrite(&control, &name, |record| record.password_hash = Some(hash)).await?;
            login::end_all(&control, &name).await?;
            token::end_all(&control, &name).await?;
            Ok(user)
        })
        .await
    }

    /// Deletes a person with all roles, keys and sessions. Buckets keep the name of their owner.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`] and those of the store. Where the store fails on the way, the person is gone for
    /// every request, and what is left goes when they are deleted or made known again.
    pub async fn delete_user(&self, name: &UserName) -> Result<(), IdentityError> {
        let name = name.clone();
        self.change(move |control| async move { delete(&control, &name).await }).await
    }
}

/// Refuses a person that the directory does not know.
pub(crate) async fn check_exists(control: &Control, name: &UserName) -> Result<(), IdentityError> {
    match control.directory.find(name).await? {
        Some(_) => Ok(()),
        None => Err(IdentityError::NoSuchUser(name.clone())),
    }
}

async fn create(control: &Control, new: NewUser, password: Option<Zeroizing<String>>) -> Result<User, IdentityError> {
    if let Some(email) = &new.email {
        check_email(email)?;
    }
    let key = keyspace::user(&new.name);
    match control.read::<UserRecord>(&key).await? {
        Some(found) if found.value.life == Life::Live => return Err(IdentityError::UserExists(new.name)),
        Some(_) => sweep(control, &new.name).await?,
        // The name would become another person's.
        None if control.directory.find(&new.name).await?.is_some() => return Err(IdentityError::UserExists(new.name)),
        None => {}
    }
    let password_hash = match password {
        Some(password) => Some(control.passwords.hash(&*control.entropy, &password).await?),
        None => None,
    };
    let created = control.clock.now();
    let user = User { name: new.name, full_name: None, email: new.email, status: UserStatus::Active, created };
    let record = UserRecord { user, password_hash, life: Life::Live };
    let batch =
        Batch { expect: vec![Expect::Absent(key.clone())], put: vec![put(key.clone(), &record)], ..Batch::default() };
    control.commit(&key, batch, Stale::User(&record.user.name)).await?;
    Ok(record.user)
}

async fn rewrite(
    control: &Control,
    name: &UserName,
    edit: impl FnOnce(&mut UserRecord),
) -> Result<User, IdentityError> {
    let found = control.read::<UserRecord>(&keyspace::user(name)).await?;
    let found = found.filter(|found| found.value.life == Life::Live);
    let found = found.ok_or_else(|| IdentityError::NoSuchUser(name.clone()))?;
    write(control, name, found, edit).await
}

async fn write(
    control: &Control,
    name: &UserName,
    found: Stored<UserRecord>,
    edit: impl FnOnce(&mut UserRecord),
) -> Result<User, IdentityError> {
    let key = keyspace::user(name);
    let mut record = found.value.clone();
    edit(&mut record);
    let batch =
        Batch { expect: vec![found.unchanged(key.clone())], put: vec![put(key.clone(), &record)], ..Batch::default() };
    control.commit(&key, batch, Stale::User(name)).await?;
    Ok(record.user)
}

async fn delete(control: &Control, name: &UserName) -> Result<(), IdentityError> {
    let found = control.read::<UserRecord>(&keyspace::user(name)).await?;
    let found = found.ok_or_else(|| IdentityError::NoSuchUser(name.clone()))?;
    write(control, name, found, |record| record.life = Life::Deleting).await?;
    sweep(control, name).await
}

/// Ends what a person has, and removes their record last, so that the deletion can be taken up again.
async fn sweep(control: &Control, name: &UserName) -> Result<(), IdentityError> {
    session::end(control, name).await?;
    for tenancy in control.table().by_name.keys() {
        tenancy::remove_member(control, tenancy, name).await?;
    }
    suspension::forget(control, name).await?;
    let key = keyspace::user(name);
    let batch = Batch { delete: vec![key.clone()], ..Batch::default() };
    control.commit(&key, batch, Stale::User(name)).await
}

fn check_email(email: &str) -> Result<(), IdentityError> {
    check_text("e-mail address", email, MAX_EMAIL_CHARS)?;
    let parts = email.split_once('@');
    if parts.is_none_or(|(local, host)| local.is_empty() || host.is_empty()) || email.contains(char::is_whitespace) {
        let rule = format!("{email:?} is not of the form name@host");
        return Err(IdentityError::Invalid { what: "e-mail address", rule });
    }
    Ok(())
}
