//! The inbox of a recipient: what was told, newest first, read or not.

use std::str::FromStr;

use identity::EventId;
use serde::{Deserialize, Serialize};
use storage::{Batch, Expect, Space};
use types::Timestamp;

use crate::store::{decode, put, read, scan};
use crate::{Notify, NotifyError, Recipient, keyspace};

/// The most entries of an inbox; of more, the oldest go.
pub const MAX_ENTRIES: usize = 500;
/// How long an entry is kept.
pub const KEPT_SECONDS: u64 = 400 * 24 * 3600;

/// One thing that was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboxEntry {
    /// That of the event.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What kind of event it is, as in `grant_expiring`.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// When it was marked as read.
    #[serde(default)]
    pub read: Option<Timestamp>,
}

impl InboxEntry {
    fn is_expired(&self, now: Timestamp) -> bool {
        self.at.plus_secs(KEPT_SECONDS) <= now
    }
}

/// Whether and when mail comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailPreference {
    /// As things happen.
    #[default]
    Immediate,
    /// Once a day, all together.
    Daily,
    /// Never: the inbox only.
    Off,
}

impl FromStr for MailPreference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "immediate" => Ok(Self::Immediate),
            "daily" => Ok(Self::Daily),
            "off" => Ok(Self::Off),
            _ => Err(format!("{text:?} is no way to have mail: it is immediate, daily or off")),
        }
    }
}

/// What a recipient wants.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Preferences {
    /// Whether and when mail comes.
    #[serde(default)]
    pub mail: MailPreference,
}

impl Notify {
    /// The entries of an inbox, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn inbox(&self, recipient: &Recipient) -> Result<Vec<InboxEntry>, NotifyError> {
        let now = self.clock.now();
        let mut entries = self.all_entries(recipient).await?;
        entries.retain(|entry| !entry.is_expired(now));
        entries.reverse();
        Ok(entries)
    }

    /// How many entries were not read yet.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn unread(&self, recipient: &Recipient) -> Result<usize, NotifyError> {
        Ok(self.inbox(recipient).await?.iter().filter(|entry| entry.read.is_none()).count())
    }

    /// Marks an entry as read, and answers with it.
    ///
    /// # Errors
    /// [`NotifyError::NoSuchEntry`] and those of the store.
    pub async fn mark_read(&self, recipient: &Recipient, id: &EventId) -> Result<InboxEntry, NotifyError> {
        let key = keyspace::entry(recipient, id);
        let raw = self.metadata.get(Space::CONTROL, &key).await?;
        let raw = raw.ok_or_else(|| NotifyError::NoSuchEntry(id.to_string()))?;
        let mut entry: InboxEntry = decode(&key, &raw)?;
        if entry.read.is_none() {
            entry.read = Some(self.clock.now());
            let expect = vec![Expect::Value(key.clone(), raw)];
            let batch = Batch { expect, put: vec![put(key, &entry)], ..Batch::default() };
            self.metadata.commit(Space::CONTROL, &keyspace::group(recipient), batch).await?;
        }
        Ok(entry)
    }

    /// Deletes an entry. One that is gone is no error.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_entry(&self, recipient: &Recipient, id: &EventId) -> Result<(), NotifyError> {
        let batch = Batch { delete: vec![keyspace::entry(recipient, id)], ..Batch::default() };
        Ok(self.metadata.commit(Space::CONTROL, &keyspace::group(recipient), batch).await?)
    }

    /// What a recipient wants.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn preferences(&self, recipient: &Recipient) -> Result<Preferences, NotifyError> {
        Ok(read(&*self.metadata, &keyspace::preferences(recipient)).await?.unwrap_or_default())
    }

    /// Sets what a recipient wants, for what comes from now on.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn set_preferences(&self, recipient: &Recipient, preferences: &Preferences) -> Result<(), NotifyError> {
        let batch = Batch { put: vec![put(keyspace::preferences(recipient), preferences)], ..Batch::default() };
        Ok(self.metadata.commit(Space::CONTROL, &keyspace::group(recipient), batch).await?)
    }

    /// The keys of the entries that have to go before one more comes: those that are expired, and the oldest ones beyond the
    /// bound.
    pub(crate) async fn entries_to_go(&self, recipient: &Recipient) -> Result<Vec<Vec<u8>>, NotifyError> {
        let now = self.clock.now();
        let entries = self.all_entries(recipient).await?;
        let beyond = (entries.len() + 1).saturating_sub(MAX_ENTRIES);
        let gone = entries.iter().enumerate().filter(|(at, entry)| *at < beyond || entry.is_expired(now));
        Ok(gone.map(|(_, entry)| keyspace::entry(recipient, &entry.id)).collect())
    }

    /// Every entry, the oldest first.
    async fn all_entries(&self, recipient: &Recipient) -> Result<Vec<InboxEntry>, NotifyError> {
        let prefix = keyspace::entries(recipient);
        let pairs = scan(&*self.metadata, &prefix, &keyspace::after(&prefix)).await?;
        pairs.iter().map(|(key, raw)| decode(key, raw)).collect()
    }
}
