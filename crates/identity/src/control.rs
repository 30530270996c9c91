//! What the nouns share: the store, what is held in memory of it, and how records are read and changed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{Batch, Expect, Metadata, Space, limits};
use types::{AccessKeyId, Clock, Entropy, TenancyName, Timestamp, UserName};

use crate::IdentityError;
use crate::cache::Cache;
use crate::directory::{Directories, Directory};
use crate::events::Outbox;
use crate::key::KeyRecord;
use crate::keyspace;
use crate::last_use::LastUses;
use crate::master_key::MasterKey;
use crate::message::MessageRates;
use crate::password::Passwords;
use crate::quota::Quotas;
use crate::request::RequestTable;
use crate::session::Session;
use crate::standing::Known;
use crate::suspension::Suspension;
use crate::tenancy::TenancyTable;
use crate::write_through::WriteThrough;

/// How many keys are held decrypted: those in use at once at a large site, in some 20 MB.
const CACHED_KEYS: usize = 64 * 1024;
/// How many sessions are held opened: in up to 40 MB, where all have long policies.
const OPENED_SESSIONS: usize = 4 * 1024;
/// How many people's roles are held.
const CACHED_PEOPLE: usize = 16 * 1024;

/// Everything that operations on identities work with.
pub(crate) struct Control {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) master: MasterKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) directories: Arc<Directories>,
    /// The same as one directory.
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) write_through: WriteThrough,
    pub(crate) keys: Cache<AccessKeyId, KeyRecord>,
    pub(crate) standings: Cache<UserName, Known>,
    /// Everyone who is suspended.
    pub(crate) suspensions: RwLock<BTreeMap<UserName, Arc<Suspension>>>,
    /// Requests that wait for a decision, and how many each person made lately.
    pub(crate) requests: RwLock<RequestTable>,
    /// How often people write to members.
    pub(crate) messages: Mutex<MessageRates>,
    /// What waits to be told.
    pub(crate) outbox: Outbox,
    /// How much each tenancy, bucket and person may hold.
    pub(crate) quotas: Quotas,
    /// By the SHA-256 of their tokens. What a token says never changes.
    pub(crate) sessions: Cache<[u8; 32], Session>,
    /// Uses of keys that are not in the store yet.
    pub(crate) last_uses: LastUses,
    /// Every tenancy, replaced as a whole by each change.
    pub(crate) tenancies: RwLock<Arc<TenancyTable>>,
    /// Held by the one change at work.
    pub(crate) changes: tokio::sync::Mutex<()>,
}

/// Whether a record is what it says, or what is left of a deletion that takes several batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Life {
    #[default]
    Live,
    /// It counts as absent. The deletion is taken up again before the name is used anew.
    Deleting,
}

/// What a commit makes untrue in memory.
pub(crate) enum Stale<'a> {
    Nothing,
    Key(&'a AccessKeyId),
    User(&'a UserName),
    Everything,
}

/// A record, and its bytes for the expectation that it has not changed.
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    raw: Bytes,
}

impl<T> Stored<T> {
    /// That the record at `key` is still this one.
    pub(crate) fn unchanged(&self, key: Vec<u8>) -> Expect {
        Expect::Value(key, self.raw.clone())
    }
}

impl Control {
    pub(crate) fn new(
        metadata: Arc<dyn Metadata>,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        passwords: Arc<Passwords>,
        directories: Arc<Directories>,
    ) -> Self {
        Self {
            metadata,
            master,
            clock,
            entropy,
            passwords,
            directory: Arc::clone(&directories) as Arc<dyn Directory>,
            directories,
            write_through: WriteThrough::default(),
            keys: Cache::new(CACHED_KEYS),
            standings: Cache::new(CACHED_PEOPLE),
            suspensions: RwLock::default(),
            requests: RwLock::default(),
            messages: Mutex::default(),
            outbox: Outbox::default(),
            quotas: Quotas::default(),
            sessions: Cache::new(OPENED_SESSIONS),
            last_uses: LastUses::default(),
            tenancies: RwLock::default(),
            changes: tokio::sync::Mutex::default(),
        }
    }

    /// Every tenancy, as of now.
    pub(crate) fn table(&self) -> Arc<TenancyTable> {
        Arc::clone(&self.tenancies.read())
    }

    /// When a tenancy ends.
    pub(crate) fn tenancy_ends(&self, name: &TenancyName) -> Option<Timestamp> {
        self.tenancies.read().by_name.get(name).and_then(|tenancy| tenancy.ends)
    }

    /// The record at `key`.
    pub(crate) async fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<Stored<T>>, IdentityError> {
        read(&*self.metadata, key).await
    }

    /// Commits `batch`, then forgets what it made untrue and takes note of the events in it, whatever its outcome: it may
    /// have happened all the same.
    pub(crate) async fn commit(&self, group: &[u8], batch: Batch, stale: Stale<'_>) -> Result<(), IdentityError> {
        let events = self.outbox.note(&batch);
        let outcome = self.metadata.commit(Space::CONTROL, group, batch).await;
        match stale {
            Stale::Nothing => {}
            Stale::Key(id) => self.keys.invalidate(id),
            Stale::User(name) => {
                self.standings.invalidate(name);
                self.write_through.wake();
            }
            Stale::Everything => {
                self.keys.invalidate_all();
                self.standings.invalidate_all();
                self.write_through.wake();
            }
        }
        self.outbox.add(events);
        Ok(outcome?)
    }

    /// The records whose keys start with `prefix`, in the order of keys, and at most `limit` of them.
    pub(crate) async fn list<T: DeserializeOwned>(&self, prefix: &[u8], limit: usize) -> Result<Vec<T>, IdentityError> {
        let records = self.list_with_keys(prefix, limit).await?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    /// The same, each with its key.
    pub(crate) async fn list_with_keys<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, IdentityError> {
        let end = keyspace::after(prefix);
        let mut from = prefix.to_vec();
        let mut records = Vec::new();
        while records.len() < limit {
            let page = (limit - records.len()).min(limits::SCAN_KEYS);
            let pairs = self.metadata.scan(Space::CONTROL, &from, Some(&end), page).await?;
            for (key, value) in &pairs {
                records.push((key.to_vec(), decode(key, value)?));
            }
            match pairs.last() {
                Some((last, _)) if pairs.len() == page => from = [last.as_ref(), b"\0"].concat(),
                _ => break,
            }
        }
        Ok(records)
    }

    /// Refuses a moment that is not in the future.
    pub(crate) fn check_expiry(&self, expires: Option<Timestamp>) -> Result<(), IdentityError> {
        match expires {
            Some(expires) if expires <= self.clock.now() => {
                Err(IdentityError::Invalid { what: "expiry", rule: format!("{expires} is not in the future") })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Control")
    }
}

/// The record at `key` of the control space.
pub(crate) async fn read<T: DeserializeOwned>(
    metadata: &dyn Metadata,
    key: &[u8],
) -> Result<Option<Stored<T>>, IdentityError> {
    match metadata.get(Space::CONTROL, key).await? {
        Some(raw) => Ok(Some(Stored { value: decode(key, &raw)?, raw })),
        None => Ok(None),
    }
}

/// A put of `record` at `key`.
pub(crate) fn put(key: Vec<u8>, record: &impl Serialize) -> (Vec<u8>, Bytes) {
    let value = serde_json::to_vec(record).expect("records are structs of texts and numbers, which JSON can hold");
    (key, value.into())
}

pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, IdentityError> {
    serde_json::from_slice(value).map_err(|error| damaged(key, error.to_string()))
}

pub(crate) fn damaged(key: &[u8], reason: impl Into<String>) -> IdentityError {
    IdentityError::Damaged { key: String::from_utf8_lossy(key).into_owned(), reason: reason.into() }
}

/// Refuses a text of more than `limit` characters, or with control characters.
pub(crate) fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), IdentityError> {
    if text.contains('\n') {
        return Err(IdentityError::Invalid { what, rule: "it must be one line".to_owned() });
    }
    check_prose(what, text, limit)
}

/// Refuses a text of more than `limit` characters, or with control characters other than ends of lines.
pub(crate) fn check_prose(what: &'static str, text: &str, limit: usize) -> Result<(), IdentityError> {
    if text.chars().count() > limit {
        return Err(IdentityError::Invalid { what, rule: format!("it must have at most {limit} characters") });
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(IdentityError::Invalid { what, rule: "control characters may not stand in it".to_owned() });
    }
    Ok(())
}
