//! Management tokens: what a program shows in the place of a person's password, in one tenancy.
//!
//! A token is 32 hex digits. It signs nothing: S3 takes access keys ([`crate::key`]), and what manages keys and the tenancy
//! takes tokens. It stops by itself at its expiry, while its person holds no role in the tenancy, when all sessions of the
//! person are ended, and with a new password.
//!
//! The store knows a token by its SHA-256. Clients that lost a token ask which ones there are and go on with what they are
//! told, so the token itself is kept too, sealed.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::{Batch, Expect, limits};
use types::{TenancyName, Timestamp, UserName};
use zeroize::Zeroizing;

use crate::control::{Control, Stale, check_text, damaged, put};
use crate::key::MAX_DESCRIPTION_CHARS;
use crate::{Identity, IdentityError, keyspace, standing, tenancy, user};

/// The most tokens of one person in one tenancy. Those that have expired make room for others.
pub const MAX_TOKENS_PER_OWNER: usize = 100;
/// Random bytes in a token.
const TOKEN_BYTES: usize = 16;
/// How many tokens one batch of a deletion removes.
const SWEEP_TOKENS: usize = limits::BATCH_KEYS / 3;

/// The text of a token: 32 lower-case hex digits. Wiped from memory when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    /// What a client sent; `None` where it can be no token.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let is_token = text.len() == 2 * TOKEN_BYTES && text.bytes().all(is_hex);
        is_token.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store knows it by.
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

impl std::fmt::Debug for TokenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// What is known of a token, but for its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Whose it is.
    pub owner: UserName,
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// What its owner calls it.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it does not work.
    pub expires: Timestamp,
}

/// A token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// The token itself.
    pub text: TokenText,
    /// The rest.
    pub info: TokenInfo,
}

/// A token to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewToken {
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// Whose it is to be: someone who holds a role there.
    pub owner: UserName,
    /// What its owner calls it.
    pub description: String,
    /// Until when it works.
    pub expires: Timestamp,
}

/// Where the info of a token lies. It is of no effect where there is none.
#[derive(Serialize, Deserialize)]
struct Place {
    tenancy: TenancyName,
    owner: UserName,
}

#[derive(Clone, Serialize, Deserialize)]
struct TokenRecord {
    #[serde(flatten)]
    info: TokenInfo,
    /// The text, sealed under the token's digest as name.
    sealed: String,
}

impl Identity {
    /// Makes a token.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`], [`IdentityError::NoSuchUser`], [`IdentityError::NoRole`] where the owner holds
    /// no role in the tenancy, [`IdentityError::Invalid`], [`IdentityError::TooMany`], and those of the store.
    pub async fn create_token(&self, new: NewToken) -> Result<Token, IdentityError> {
        self.change(move |control| async move { create(&control, new).await }).await
    }

    /// The tokens of a person in a tenancy, the oldest first; those that do not work any more too.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn tokens(&self, tenancy: &TenancyName, owner: &UserName) -> Result<Vec<Token>, IdentityError> {
        if self.tenancy(tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(tenancy.clone()));
        }
        let records = stored(&self.control, tenancy, owner).await?;
        let opened = records.into_iter().map(|(key, record)| open(&self.control, &key, record));
        let mut tokens = opened.collect::<Result<Vec<_>, _>>()?;
        tokens.sort_by_key(|token| token.info.created);
        Ok(tokens)
    }

    /// What is known of a token that works now: `None` where there is none, or it does not work any more.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn token(&self, token: &TokenText) -> Result<Option<TokenInfo>, IdentityError> {
        let Some((_, record)) = find(&self.control, token).await? else { return Ok(None) };
        let (info, now) = (record.info, self.control.clock.now());
        let Some(standing) = self.standing(&info.owner).await? else { return Ok(None) };
        let is_active = standing.user.status == user::UserStatus::Active;
        let was_ended = standing.sessions_ended.is_some_and(|until| info.created <= until);
        let works = is_active && !was_ended && now < info.expires && standing.role_in(&info.tenancy, now).is_some();
        Ok(works.then_some(info))
    }

    /// Deletes a token of a person in a tenancy, and says whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_token(
        &self,
        tenancy: &TenancyName,
        owner: &UserName,
        token: &TokenText,
    ) -> Result<bool, IdentityError> {
        let (tenancy, owner, token) = (tenancy.clone(), owner.clone(), token.clone());
        self.change(move |control| async move {
            match find(&control, &token).await? {
                Some((key, record)) if record.info.tenancy == tenancy && record.info.owner == owner => {
                    remove(&control, &tenancy, &[(key, record)]).await?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
        .await
    }
}

/// Makes a token: first where its info lies, which has no effect yet, then the info, which is the commit point.
async fn create(control: &Control, new: NewToken) -> Result<Token, IdentityError> {
    let of_tenancy = tenancy::live(control, &new.tenancy).await?;
    check_text("description", &new.description, MAX_DESCRIPTION_CHARS)?;
    control.check_expiry(Some(new.expires))?;
    user::check_exists(control, &new.owner).await?;
    let now = control.clock.now();
    let standing = standing::standing(control, &new.owner).await?;
    if standing.and_then(|standing| standing.role_in(&new.tenancy, now)).is_none() {
        return Err(IdentityError::NoRole { user: new.owner, tenancy: new.tenancy });
    }
    make_room(control, &new).await?;

    let NewToken { tenancy, owner, description, expires } = new;
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    control.entropy.fill(bytes.as_mut_slice());
    let text = TokenText(Zeroizing::new(hex::encode(bytes.as_slice())));
    let digest = text.digest();
    let place = keyspace::token_place(&digest);
    let of_place = Place { tenancy: tenancy.clone(), owner: owner.clone() };
    let batch = Batch {
        expect: vec![Expect::Absent(place.clone())],
        put: vec![put(place.clone(), &of_place)],
        ..Batch::default()
    };
    control.commit(&place, batch, Stale::Nothing).await?;

    let sealed = control.master.seal(&*control.entropy, &digest, text.expose().as_bytes());
    let info = TokenInfo { owner, tenancy, description, created: now, expires };
    let (group, key) = (keyspace::tenancy(&info.tenancy), keyspace::token(&info.tenancy, &info.owner, &digest));
    let record = TokenRecord { info, sealed };
    let batch =
        Batch { expect: vec![of_tenancy.unchanged(group.clone())], put: vec![put(key, &record)], ..Batch::default() };
    control.commit(&group, batch, Stale::Nothing).await?;
    Ok(Token { text, info: record.info })
}

/// Removes the tokens of the person that have expired.
async fn make_room(control: &Control, new: &NewToken) -> Result<(), IdentityError> {
    let (now, all) = (control.clock.now(), stored(control, &new.tenancy, &new.owner).await?);
    let (expired, live): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, record)| record.info.expires <= now);
    if live.len() >= MAX_TOKENS_PER_OWNER {
        return Err(IdentityError::TooMany { what: "tokens of one person in a tenancy", limit: MAX_TOKENS_PER_OWNER });
    }
    // Not before they are in the way: a client may want to show what a token was.
    if live.len() + expired.len() < MAX_TOKENS_PER_OWNER {
        return Ok(());
    }
    remove(control, &new.tenancy, &expired).await
}

async fn find(control: &Control, token: &TokenText) -> Result<Option<(Vec<u8>, TokenRecord)>, IdentityError> {
    let digest = token.digest();
    let Some(place) = control.read::<Place>(&keyspace::token_place(&digest)).await? else { return Ok(None) };
    let Place { tenancy, owner } = place.value;
    let key = keyspace::token(&tenancy, &owner, &digest);
    Ok(control.read::<TokenRecord>(&key).await?.map(|record| (key, record.value)))
}

/// The tokens of a person in a tenancy with their keys: a bounded number.
async fn stored(
    control: &Control,
    tenancy: &TenancyName,
    owner: &UserName,
) -> Result<Vec<(Vec<u8>, TokenRecord)>, IdentityError> {
    control.list_with_keys(&keyspace::tokens(tenancy, Some(owner)), MAX_TOKENS_PER_OWNER).await
}

fn open(control: &Control, key: &[u8], record: TokenRecord) -> Result<Token, IdentityError> {
    let opened = control.master.open(&digest_of(key), &record.sealed);
    let text = opened.and_then(|text| TokenText::parse(std::str::from_utf8(&text).ok()?));
    let text = text.ok_or_else(|| damaged(key, "its token does not decrypt"))?;
    Ok(Token { text, info: record.info })
}

/// The digest that the key of an info ends with.
fn digest_of(key: &[u8]) -> String {
    let start = key.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    String::from_utf8_lossy(&key[start..]).into_owned()
}

/// Removes the tokens of a person in every tenancy.
pub(crate) async fn end_all(control: &Control, owner: &UserName) -> Result<(), IdentityError> {
    for tenancy in control.table().by_name.keys() {
        remove_all(control, tenancy, Some(owner)).await?;
    }
    Ok(())
}

/// Removes the tokens in a tenancy, or those of one person there.
pub(crate) async fn remove_all(
    control: &Control,
    tenancy: &TenancyName,
    owner: Option<&UserName>,
) -> Result<(), IdentityError> {
    loop {
        let found = control.list_with_keys(&keyspace::tokens(tenancy, owner), SWEEP_TOKENS).await?;
        if found.is_empty() {
            return Ok(());
        }
        remove(control, tenancy, &found).await?;
    }
}

/// Removes tokens: first the info, which ends their effect, then where it was.
async fn remove(
    control: &Control,
    tenancy: &TenancyName,
    tokens: &[(Vec<u8>, TokenRecord)],
) -> Result<(), IdentityError> {
    if tokens.is_empty() {
        return Ok(());
    }
    let batch = Batch { delete: tokens.iter().map(|(key, _)| key.clone()).collect(), ..Batch::default() };
    control.commit(&keyspace::tenancy(tenancy), batch, Stale::Nothing).await?;
    for (key, _) in tokens {
        let place = keyspace::token_place(&digest_of(key));
        let batch = Batch { delete: vec![place.clone()], ..Batch::default() };
        control.commit(&place, batch, Stale::Nothing).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
