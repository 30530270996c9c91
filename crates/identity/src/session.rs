//! Sessions: temporary credentials, which act for a person with at most the person's power and end by themselves.
//!
//! The store keeps no record of a session. All that is known of one, its secret too, is sealed under the master key in
//! its *token*, which its holder sends with each request ([`Identity::open_session`]). So any number of jobs can have
//! sessions without a write, and a restart ends none. What can change is not in the token but is looked up at each request: whether the person still
//! may do anything, their role, the key that the session came from and its limits, and the moment up to which the
//! person's sessions were ended ([`Identity::end_sessions`]). `docs/rfcs/0004-sessions.md` says why it is so, and
//! `docs/format/identity.md` what is in a token.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use policy::{Policy, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::Batch;
use types::{AccessKeyId, TenancyName, Timestamp, UserName};
use zeroize::Zeroizing;

use crate::control::{Control, Stale, put};
use crate::{Identity, IdentityError, Secret, keyspace};

/// The longest token, in characters. A token travels in a header, beside which S3 allows others.
pub const MAX_TOKEN_CHARS: usize = 6 * 1024;
/// The most groups that a session brings along: as many as fit its token with a policy beside them.
pub const MAX_GROUPS: usize = 64;
/// The format of what is sealed in a token: its first byte.
const FORMAT: u8 = 1;
/// What tokens are sealed under. It is no name of a record.
const SEALED_AS: &str = "session/1";
/// How an access key of a session begins: the way AWS marks temporary ones.
const ID_PREFIX: &str = "ASIA";
/// The bytes of randomness in the id of a session. It is no secret, only unlikely to come twice.
const ID_BYTES: usize = 10;

/// What is known of a session, but for its secret.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Its access key.
    pub id: AccessKeyId,
    /// Whose it is.
    pub owner: UserName,
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// What its holder calls it: AWS's role session name.
    pub name: String,
    /// The role above which it does not reach, whatever its owner holds.
    pub role: Option<Role>,
    /// The key that it was asked for with, or that an earlier session was, whose limits bind it and whose end is its end.
    pub key: Option<AccessKeyId>,
    /// Groups that an identity provider said its owner is in.
    pub groups: Vec<String>,
    /// What it is narrowed to: each of them must allow what it does.
    pub policies: Vec<Policy>,
    /// When it was made.
    pub issued: Timestamp,
    /// From when on it does not work.
    pub expires: Timestamp,
}

/// A session with its secret.
#[derive(Clone, Debug)]
pub struct Session {
    /// All but the secret.
    pub info: SessionInfo,
    /// The secret.
    pub secret: Secret,
}

/// A session that was just made: what its holder is to be told.
#[derive(Clone, Debug)]
pub struct IssuedSession {
    /// The session.
    pub session: Arc<Session>,
    /// What goes into `x-amz-security-token`.
    pub token: Zeroizing<String>,
}

/// A session to be made. Whoever asks has checked that its owner may do something in the tenancy.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it is to be.
    pub owner: UserName,
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// What its holder calls it.
    pub name: String,
    /// The role above which it is not to reach.
    pub role: Option<Role>,
    /// The key that its power comes from.
    pub key: Option<AccessKeyId>,
    /// Groups that an identity provider said its owner is in.
    pub groups: Vec<String>,
    /// What it is to be narrowed to: policies of sessions.
    pub policies: Vec<Policy>,
    /// From when on it is not to work.
    pub expires: Timestamp,
}

/// What is sealed in a token.
#[derive(Serialize, Deserialize)]
struct Claims {
    id: AccessKeyId,
    secret: Zeroizing<String>,
    owner: UserName,
    tenancy: TenancyName,
    name: String,
    role: Option<Role>,
    key: Option<AccessKeyId>,
    groups: Vec<String>,
    /// The documents as they were given.
    policies: Vec<String>,
    issued: Timestamp,
    expires: Timestamp,
}

/// The moment up to which the sessions of a person were ended.
#[derive(Serialize, Deserialize)]
struct EndedSessions {
    until: Timestamp,
}

impl SessionInfo {
    /// Whether the session has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}

impl Identity {
    /// Makes a session with a fresh id and secret.
    ///
    /// # Errors
    /// [`IdentityError::TooMany`] for too many groups, and [`IdentityError::SessionTooLarge`] where its policies and groups do not fit
    /// into a token.
    pub fn issue_session(&self, new: NewSession) -> Result<IssuedSession, IdentityError> {
        if new.groups.len() > MAX_GROUPS {
            return Err(IdentityError::TooMany { what: "groups in a session", limit: MAX_GROUPS });
        }
        let control = &self.control;
        let secret = Secret::generate(&*control.entropy);
        let info = SessionInfo {
            id: fresh_id(control),
            owner: new.owner,
            tenancy: new.tenancy,
            name: new.name,
            role: new.role,
            key: new.key,
            groups: new.groups,
            policies: new.policies,
            issued: control.clock.now(),
            expires: new.expires,
        };
        let session = Session { info, secret };
        let token = seal(control, &session);
        if token.len() > MAX_TOKEN_CHARS {
            return Err(IdentityError::SessionTooLarge { chars: token.len(), limit: MAX_TOKEN_CHARS });
        }
        Ok(IssuedSession { session: Arc::new(session), token })
    }

    /// The session of this token, expired ones too; `None` where the token was not made by this store or was changed.
    /// From memory where it was opened before.
    pub fn open_session(&self, token: &str) -> Option<Arc<Session>> {
        if token.len() > MAX_TOKEN_CHARS {
            return None;
        }
        let name: [u8; 32] = Sha256::digest(token).into();
        let sessions = &self.control.sessions;
        if let Some(session) = sessions.get(&name) {
            return Some(session);
        }
        let session = Arc::new(open(&self.control, token)?);
        sessions.fill(sessions.ticket(), name, Arc::clone(&session));
        Some(session)
    }

    /// Ends all sessions that a person has so far, and says up to which moment. Keys go on working, and make new
    /// sessions.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchUser`] and those of the store.
    pub async fn end_sessions(&self, user: &UserName) -> Result<Timestamp, IdentityError> {
        let user = user.clone();
        self.change(move |control| async move {
            crate::user::check_exists(&control, &user).await?;
            end(&control, &user).await
        })
        .await
    }
}

/// Ends the sessions of a person, whether or not there still is such a person: one of the same name that comes later
/// must not find them alive.
pub(crate) async fn end(control: &Control, user: &UserName) -> Result<Timestamp, IdentityError> {
    let until = control.clock.now();
    let key = keyspace::ended_sessions(user);
    let batch = Batch { put: vec![put(key.clone(), &EndedSessions { until })], ..Batch::default() };
    control.commit(&key, batch, Stale::User(user)).await?;
    Ok(until)
}

/// The moment up to which the sessions of a person were ended, if ever.
pub(crate) async fn ended_until(control: &Control, user: &UserName) -> Result<Option<Timestamp>, IdentityError> {
    let ended = control.read::<EndedSessions>(&keyspace::ended_sessions(user)).await?;
    Ok(ended.map(|ended| ended.value.until))
}

fn fresh_id(control: &Control) -> AccessKeyId {
    let mut bytes = [0; ID_BYTES];
    control.entropy.fill(&mut bytes);
    let id = format!("{ID_PREFIX}{}", hex::encode_upper(bytes));
    AccessKeyId::new(&id).expect("letters and digits are an access key id")
}

/// The token: format, salt, nonce, ciphertext and tag, in base64 for URLs.
fn seal(control: &Control, session: &Session) -> Zeroizing<String> {
    let info = &session.info;
    let claims = Claims {
        id: info.id.clone(),
        secret: Zeroizing::new(session.secret.expose().to_owned()),
        owner: info.owner.clone(),
        tenancy: info.tenancy.clone(),
        name: info.name.clone(),
        role: info.role,
        key: info.key.clone(),
        groups: info.groups.clone(),
        policies: info.policies.iter().map(|policy| policy.document().to_owned()).collect(),
        issued: info.issued,
        expires: info.expires,
    };
    let claims = postcard::to_stdvec(&claims).expect("texts and numbers have a form in postcard");
    let sealed = control.master.seal_many(&*control.entropy, SEALED_AS, &Zeroizing::new(claims));
    Zeroizing::new(BASE64_URL.encode([&[FORMAT], sealed.as_slice()].concat()))
}

fn open(control: &Control, token: &str) -> Option<Session> {
    let token = BASE64_URL.decode(token).ok()?;
    let (&FORMAT, sealed) = token.split_first()? else { return None };
    let claims = control.master.open_many(SEALED_AS, sealed)?;
    let claims: Claims = postcard::from_bytes(&claims).ok()?;
    let policies = claims.policies.iter().map(|document| Policy::parse_for_session(document.as_bytes()));
    let info = SessionInfo {
        id: claims.id,
        owner: claims.owner,
        tenancy: claims.tenancy,
        name: claims.name,
        role: claims.role,
        key: claims.key,
        groups: claims.groups,
        policies: policies.collect::<Result<_, _>>().ok()?,
        issued: claims.issued,
        expires: claims.expires,
    };
    Some(Session { info, secret: Secret::decrypted(claims.secret.as_bytes())? })
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
