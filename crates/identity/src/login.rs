//! Logins: that a person has logged in to the portal with a browser, and until when.
//!
//! A login is known by its token, a random text that only the browser holds; the store has its SHA-256. It ends by itself
//! some hours after it was last used and some days after it began, when its person logs out, when all logins of the
//! person are ended, and with a new password. It says who logged in, and in which groups an identity provider said they are;
//! what else they may do, and whether their sessions were ended meanwhile, is asked anew for each page.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::{Batch, Expect};
use types::{Timestamp, UserName};
use zeroize::Zeroizing;

use crate::control::{Control, Stale, put};
use crate::session::MAX_GROUPS;
use crate::{Identity, IdentityError, keyspace};

/// The most logins of one person; the one that ends first makes room for another.
pub const MAX_LOGINS_PER_PERSON: usize = 32;
/// Seconds after which a login ends that nobody used.
pub const IDLE_SECONDS: u64 = 12 * 3600;
/// Seconds after which a login ends, however much it is used.
pub const LIFETIME_SECONDS: u64 = 7 * 24 * 3600;
/// Seconds for which a password that was given counts as given: managing keys and permissions asks for it after that.
pub const CONFIRMED_SECONDS: u64 = 30 * 60;
/// Seconds for which a provider's word about groups is good: those of the longest session that is made from it. A login that
/// has groups from it ends then.
pub const VOUCHED_SECONDS: u64 = 12 * 3600;
/// Seconds between two notes that a login is in use, so that not every page is a commit.
const NOTE_SECONDS: u64 = 300;
/// Random bytes in a token.
const TOKEN_BYTES: usize = 32;
/// The longest address that is kept, in bytes: an IPv6 one with a port.
const MAX_SOURCE_BYTES: usize = 64;

/// What a browser proves a login with: `<person>.<64 hex digits>`. Wiped from memory when dropped, never shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginToken {
    user: UserName,
    text: Zeroizing<String>,
}

/// A login, without its token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Login {
    /// Who logged in.
    pub user: UserName,
    /// When.
    pub began: Timestamp,
    /// When it was last used, to within five minutes.
    pub used: Timestamp,
    /// When the person last gave the password.
    pub confirmed: Timestamp,
    /// From where they logged in.
    pub source: String,
    /// The groups that an identity provider said they are in, as it said it. What counts of them, `access` says.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What an identity provider says of a person who logs in by its word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Vouched {
    /// When it asked them for the password; `None` where it does not say so.
    pub confirmed: Option<Timestamp>,
    /// The groups that they are in.
    pub groups: Vec<String>,
}

impl Login {
    /// From when on it counts for nothing.
    pub fn ends(&self) -> Timestamp {
        let lifetime = if self.groups.is_empty() { LIFETIME_SECONDS } else { VOUCHED_SECONDS };
        self.used.plus_secs(IDLE_SECONDS).min(self.began.plus_secs(lifetime))
    }

    /// Whether the password was given so shortly before `now` that it need not be asked for.
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        now < self.confirmed.plus_secs(CONFIRMED_SECONDS)
    }
}

impl LoginToken {
    /// What a browser sent; `None` where it can be no token.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, secret) = text.rsplit_once('.')?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if secret.len() != 2 * TOKEN_BYTES || !secret.bytes().all(is_hex) {
            return None;
        }
        Some(Self { user: UserName::new(user).ok()?, text: Zeroizing::new(text.to_owned()) })
    }

    /// The text, for the browser.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whose it claims to be.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// What the store knows it by: who reads the store can not log in with that.
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }
}

impl std::fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginToken(…)")
    }
}

impl Identity {
    /// Begins a login of a person who has just proven who they are, from `source`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn begin_login(&self, user: &UserName, source: &str) -> Result<(LoginToken, Login), IdentityError> {
        let now = Some(self.control.clock.now());
        self.begin_vouched_login(user, source, Vouched { confirmed: now, groups: Vec::new() }).await
    }

    /// Begins a login of a person whom an identity provider vouches for.
    ///
    /// # Errors
    /// [`IdentityError::TooMany`] for more groups than a session takes, and those of the store.
    pub async fn begin_vouched_login(
        &self,
        user: &UserName,
        source: &str,
        vouched: Vouched,
    ) -> Result<(LoginToken, Login), IdentityError> {
        let Vouched { confirmed, groups } = vouched;
        if groups.len() > MAX_GROUPS {
            return Err(IdentityError::TooMany { what: "groups in a login", limit: MAX_GROUPS });
        }
        let now = self.control.clock.now();
        let login = Login {
            user: user.clone(),
            began: now,
            used: now,
            confirmed: confirmed.unwrap_or(Timestamp::from_secs(0)).min(now),
            source: source.chars().take(MAX_SOURCE_BYTES).collect(),
            groups,
        };
        self.change(move |control| async move { begin(&control, login).await }).await
    }

    /// The login of a token, if it has not ended. Notes that it is in use.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn login(&self, token: &LoginToken) -> Result<Option<Login>, IdentityError> {
        let now = self.control.clock.now();
        let Some(login) = find(&self.control, token).await?.filter(|login| now < login.ends()) else {
            return Ok(None);
        };
        if now < login.used.plus_secs(NOTE_SECONDS) {
            return Ok(Some(login));
        }
        self.edit_login(token, move |login| login.used = now).await
    }

    /// Notes that the person of a login has just given the password.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn confirm_login(&self, token: &LoginToken) -> Result<Option<Login>, IdentityError> {
        let now = self.control.clock.now();
        self.edit_login(token, move |login| login.confirmed = now).await
    }

    /// Ends a login. One that is not there has ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_login(&self, token: &LoginToken) -> Result<(), IdentityError> {
        let token = token.clone();
        self.change(move |control| async move {
            remove(&control, token.user(), vec![keyspace::login(token.user(), &token.digest())]).await
        })
        .await
    }

    /// Ends every login of a person.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_logins(&self, user: &UserName) -> Result<(), IdentityError> {
        let user = user.clone();
        self.change(move |control| async move { end_all(&control, &user).await }).await
    }

    /// The logins of a person that have not ended, the latest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logins(&self, user: &UserName) -> Result<Vec<Login>, IdentityError> {
        let now = self.control.clock.now();
        let all = stored(&self.control, user).await?.into_iter().map(|(_, login)| login);
        let mut live: Vec<_> = all.filter(|login| now < login.ends()).collect();
        live.sort_by_key(|one| std::cmp::Reverse(one.began));
        Ok(live)
    }

    async fn edit_login(
        &self,
        token: &LoginToken,
        edit: impl FnOnce(&mut Login) + Send + 'static,
    ) -> Result<Option<Login>, IdentityError> {
        let token = token.clone();
        self.change(move |control| async move { rewrite(&control, &token, edit).await }).await
    }
}

async fn begin(control: &Control, login: Login) -> Result<(LoginToken, Login), IdentityError> {
    let (user, now) = (login.user.clone(), login.began);
    let mut secret = Zeroizing::new([0; TOKEN_BYTES]);
    control.entropy.fill(secret.as_mut_slice());
    let text = Zeroizing::new(format!("{user}.{}", hex::encode(secret.as_slice())));
    let token = LoginToken { user: user.clone(), text };

    // What has ended goes, and of the rest the one that ends first where there are too many.
    let mut others = stored(control, &user).await?;
    others.sort_by_key(|(_, other)| other.ends());
    let too_many = (others.len() + 1).saturating_sub(MAX_LOGINS_PER_PERSON);
    let ended = others.iter().filter(|(_, other)| other.ends() <= now).count();
    let key = keyspace::login(&user, &token.digest());
    let batch = Batch {
        put: vec![put(key, &login)],
        delete: others.into_iter().take(too_many.max(ended)).map(|(key, _)| key).collect(),
        ..Batch::default()
    };
    control.commit(&keyspace::logins(&user), batch, Stale::Nothing).await?;
    Ok((token, login))
}

async fn find(control: &Control, token: &LoginToken) -> Result<Option<Login>, IdentityError> {
    let found = control.read::<Login>(&keyspace::login(token.user(), &token.digest())).await?;
    Ok(found.map(|found| found.value))
}

/// Changes a login that is still there.
async fn rewrite(
    control: &Control,
    token: &LoginToken,
    edit: impl FnOnce(&mut Login),
) -> Result<Option<Login>, IdentityError> {
    let key = keyspace::login(token.user(), &token.digest());
    let Some(found) = control.read::<Login>(&key).await? else { return Ok(None) };
    let mut login = found.value.clone();
    edit(&mut login);
    let batch = Batch { expect: vec![Expect::Present(key.clone())], put: vec![put(key, &login)], ..Batch::default() };
    control.commit(&keyspace::logins(token.user()), batch, Stale::Nothing).await?;
    Ok(Some(login))
}

/// The logins of a person with their keys, those that have ended too: a bounded number.
async fn stored(control: &Control, user: &UserName) -> Result<Vec<(Vec<u8>, Login)>, IdentityError> {
    control.list_with_keys(&keyspace::logins(user), MAX_LOGINS_PER_PERSON).await
}

/// As [`Identity::end_logins`].
pub(crate) async fn end_all(control: &Control, user: &UserName) -> Result<(), IdentityError> {
    let keys = stored(control, user).await?.into_iter().map(|(key, _)| key).collect();
    remove(control, user, keys).await
}

async fn remove(control: &Control, user: &UserName, keys: Vec<Vec<u8>>) -> Result<(), IdentityError> {
    if keys.is_empty() {
        return Ok(());
    }
    let batch = Batch { delete: keys, ..Batch::default() };
    control.commit(&keyspace::logins(user), batch, Stale::Nothing).await
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
