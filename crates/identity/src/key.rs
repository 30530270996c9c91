//! Access keys: what signs requests in the name of a person, in one tenancy.

use std::sync::Arc;

use policy::KeyScope;
use serde::{Deserialize, Serialize};
use storage::{Batch, Expect};
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

use crate::control::{Control, Stale, check_text, damaged, put};
use crate::last_use::Noted;
use crate::{Identity, IdentityError, Secret, keyspace, standing, tenancy, user};

/// The longest description of a key, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 256;
/// The most keys of one person in one tenancy.
pub const MAX_KEYS_PER_OWNER: usize = 500;

/// What is known of a key, but for its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Its public half.
    pub id: AccessKeyId,
    /// Whose it is.
    pub owner: UserName,
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// What its owner calls it.
    #[serde(default)]
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it does not work; never where absent.
    pub expires: Option<Timestamp>,
    /// What it is narrowed to, beyond what its owner may. The default bounds nothing.
    #[serde(default, skip_serializing_if = "KeyScope::is_unbounded")]
    pub scope: KeyScope,
}

impl KeyInfo {
    /// Whether the key has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A key with its secret.
#[derive(Debug)]
pub struct KeyRecord {
    /// All but the secret.
    pub info: KeyInfo,
    /// The secret.
    pub secret: Secret,
    /// What it is narrowed to, if at all, as principals hold it.
    pub scope: Option<Arc<KeyScope>>,
    pub(crate) noted: Noted,
}

impl KeyRecord {
    fn new(info: KeyInfo, secret: Secret) -> Self {
        let scope = Some(&info.scope).filter(|scope| !scope.is_unbounded()).cloned().map(Arc::new);
        Self { info, secret, scope, noted: Noted::default() }
    }
}

/// Keys are the same whenever they were used.
impl PartialEq for KeyRecord {
    fn eq(&self, other: &Self) -> bool {
        (&self.info, &self.secret) == (&other.info, &other.secret)
    }
}

impl Eq for KeyRecord {}

/// A key to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// Whose it is to be: someone who holds a role there.
    pub owner: UserName,
    /// What its owner calls it.
    pub description: String,
    /// Until when it works; for good where absent.
    pub expires: Option<Timestamp>,
    /// What it is to be narrowed to. The default bounds nothing.
    pub scope: KeyScope,
}

/// The secret, and where the key's [`KeyInfo`] lies. It is of no effect where there is no such info.
#[derive(Serialize, Deserialize)]
struct SecretRecord {
    tenancy: TenancyName,
    owner: UserName,
    sealed: String,
}

impl Identity {
    /// Makes a key with a fresh id and secret. This is the one time that the secret is to be shown.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`], [`IdentityError::NoSuchUser`], [`IdentityError::NoRole`] where the owner holds
    /// no role in the tenancy, [`IdentityError::Invalid`], [`IdentityError::TooMany`], and those of the store.
    pub async fn create_key(&self, new: NewKey) -> Result<Arc<KeyRecord>, IdentityError> {
        self.change(move |control| async move {
            let mut id = [0; 16];
            control.entropy.fill(&mut id);
            let id = AccessKeyId::new(&hex::encode(id)).expect("32 hex digits are an access key id");
            let secret = Secret::generate(&*control.entropy);
            create(&control, new, id, secret).await
        })
        .await
    }

    /// Takes over a key that exists elsewhere, under its id and secret.
    ///
    /// # Errors
    /// [`IdentityError::KeyExists`], and as for [`Self::create_key`].
    pub async fn import_key(
        &self,
        new: NewKey,
        id: AccessKeyId,
        secret: Secret,
    ) -> Result<Arc<KeyRecord>, IdentityError> {
        self.change(move |control| async move { create(&control, new, id, secret).await }).await
    }

    /// The keys in a tenancy, or those of one person there; those that have expired too, at most `limit`.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn keys(
        &self,
        tenancy: &TenancyName,
        owner: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<KeyInfo>, IdentityError> {
        if self.tenancy(tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(tenancy.clone()));
        }
        self.control.list(&keyspace::key_infos(tenancy, owner), limit).await
    }

    /// The keys of a person in all tenancies, in the order of tenancies; those that have expired too, at most `limit`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn keys_of(&self, owner: &UserName, limit: usize) -> Result<Vec<KeyInfo>, IdentityError> {
        let mut keys = Vec::new();
        for tenancy in self.tenancies() {
            let room = limit.saturating_sub(keys.len());
            keys.extend(self.control.list(&keyspace::key_infos(&tenancy.name, Some(owner)), room).await?);
        }
        Ok(keys)
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchKey`] and those of the store.
    pub async fn delete_key(&self, id: &AccessKeyId) -> Result<(), IdentityError> {
        let id = id.clone();
        self.change(move |control| async move { delete(&control, &id).await }).await
    }

    /// The key of this id with its secret, from memory where it was asked for before; expired ones too.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn key(&self, id: &AccessKeyId) -> Result<Option<Arc<KeyRecord>>, IdentityError> {
        if let Some(key) = self.control.keys.get(id) {
            return Ok(Some(key));
        }
        let ticket = self.control.keys.ticket();
        let key = load(&self.control, id).await?.map(Arc::new);
        if let Some(key) = &key {
            self.control.keys.fill(ticket, id.clone(), Arc::clone(key));
        }
        Ok(key)
    }
}

/// Makes a key: first the secret, which has no effect yet, then its info, which is the commit point.
async fn create(
    control: &Control,
    new: NewKey,
    id: AccessKeyId,
    secret: Secret,
) -> Result<Arc<KeyRecord>, IdentityError> {
    let tenancy = tenancy::live(control, &new.tenancy).await?;
    check(control, &new).await?;
    let NewKey { tenancy: name, owner, description, expires, scope } = new;
    let info = KeyInfo { id, owner, tenancy: name, description, created: control.clock.now(), expires, scope };
    write_secret(control, &info, &secret).await?;

    let (group, key) = (keyspace::tenancy(&info.tenancy), keyspace::key_info(&info.tenancy, &info.owner, &info.id));
    let batch = Batch {
        expect: vec![tenancy.unchanged(group.clone()), Expect::Absent(key.clone())],
        put: vec![put(key, &info)],
        ..Batch::default()
    };
    control.commit(&group, batch, Stale::Key(&info.id)).await?;
    Ok(Arc::new(KeyRecord::new(info, secret)))
}

async fn check(control: &Control, new: &NewKey) -> Result<(), IdentityError> {
    check_text("description", &new.description, MAX_DESCRIPTION_CHARS)?;
    control.check_expiry(new.expires)?;
    new.scope.check().map_err(|rule| IdentityError::Invalid { what: "scope of the key", rule })?;
    user::check_exists(control, &new.owner).await?;
    let standing = standing::standing(control, &new.owner).await?;
    if standing.and_then(|standing| standing.role_in(&new.tenancy, control.clock.now())).is_none() {
        return Err(IdentityError::NoRole { user: new.owner.clone(), tenancy: new.tenancy.clone() });
    }
    let owned = keyspace::key_infos(&new.tenancy, Some(&new.owner));
    if control.list::<KeyInfo>(&owned, MAX_KEYS_PER_OWNER).await?.len() >= MAX_KEYS_PER_OWNER {
        return Err(IdentityError::TooMany { what: "keys of one person in a tenancy", limit: MAX_KEYS_PER_OWNER });
    }
    Ok(())
}

/// Writes the secret of a key, over one that no info makes effective.
async fn write_secret(control: &Control, info: &KeyInfo, secret: &Secret) -> Result<(), IdentityError> {
    let key = keyspace::key_secret(&info.id);
    let expect = match control.read::<SecretRecord>(&key).await? {
        None => Expect::Absent(key.clone()),
        Some(found) => match read_info(control, &info.id, &found.value).await? {
            Some(_) => return Err(IdentityError::KeyExists(info.id.clone())),
            None => found.unchanged(key.clone()),
        },
    };
    let sealed = control.master.seal(&*control.entropy, info.id.as_str(), secret.expose().as_bytes());
    let record = SecretRecord { tenancy: info.tenancy.clone(), owner: info.owner.clone(), sealed };
    let batch = Batch { expect: vec![expect], put: vec![put(key.clone(), &record)], ..Batch::default() };
    control.commit(&key, batch, Stale::Key(&info.id)).await
}

/// Deletes a key: first its info, which ends its effect, then the secret.
async fn delete(control: &Control, id: &AccessKeyId) -> Result<(), IdentityError> {
    let secret = keyspace::key_secret(id);
    let found = control.read::<SecretRecord>(&secret).await?;
    let found = found.ok_or_else(|| IdentityError::NoSuchKey(id.clone()))?.value;
    let info = read_info(control, id, &found).await?;

    let key = keyspace::key_info(&found.tenancy, &found.owner, id);
    let used = keyspace::last_use(&found.tenancy, &found.owner, id);
    let batch = Batch { delete: vec![key, used], ..Batch::default() };
    control.commit(&keyspace::tenancy(&found.tenancy), batch, Stale::Key(id)).await?;
    let batch = Batch { delete: vec![secret.clone()], ..Batch::default() };
    control.commit(&secret, batch, Stale::Key(id)).await?;
    info.map(|_| ()).ok_or_else(|| IdentityError::NoSuchKey(id.clone()))
}

async fn load(control: &Control, id: &AccessKeyId) -> Result<Option<KeyRecord>, IdentityError> {
    let key = keyspace::key_secret(id);
    let Some(found) = control.read::<SecretRecord>(&key).await? else { return Ok(None) };
    let Some(info) = read_info(control, id, &found.value).await? else { return Ok(None) };
    let opened = control.master.open(id.as_str(), &found.value.sealed);
    let secret = opened.and_then(|secret| Secret::decrypted(&secret));
    let secret = secret.ok_or_else(|| damaged(&key, "its secret does not decrypt"))?;
    Ok(Some(KeyRecord::new(info, secret)))
}

/// The info that makes a secret effective.
async fn read_info(
    control: &Control,
    id: &AccessKeyId,
    secret: &SecretRecord,
) -> Result<Option<KeyInfo>, IdentityError> {
    let key = keyspace::key_info(&secret.tenancy, &secret.owner, id);
    Ok(control.read::<KeyInfo>(&key).await?.map(|info| info.value))
}
