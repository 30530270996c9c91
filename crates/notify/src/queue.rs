//! The mails that wait to be sent, or could not be.
//!
//! A mail is a record in its recipient's group, put together with the entry of the inbox that it tells of. In memory there is
//! only when each is due ([`Queue`]); that is found again at the start.

use std::collections::BTreeMap;

use identity::EventId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use storage::{Metadata, Space};
use types::Timestamp;

use crate::store::{decode, scan};
use crate::{NotifyError, keyspace};

/// The most mails that wait, dead ones too. Of more, only the inbox tells.
pub const MAX_QUEUED: usize = 100_000;
/// How long a mail is tried: as long as mail servers do (RFC 5321 section 4.5.4.1: 4 to 5 days).
pub const TRIED_SECONDS: u64 = 5 * 24 * 3600;
/// How long a mail that could not be sent is kept to be looked at.
pub const DEAD_SECONDS: u64 = 30 * 24 * 3600;
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE_SECONDS: u64 = 60;
/// The longest pause.
const LONGEST_PAUSE_SECONDS: u64 = 4 * 3600;

/// What is to become of a mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// It is sent when it is due.
    Queued,
    /// The server refused it for good, or it was tried for too long. It is kept to be looked at, or tried again.
    Dead,
}

/// A mail that was not sent yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// The event that it tells of.
    pub event: EventId,
    /// The address.
    pub to: String,
    /// Where answers go, where not to the installation's own address.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Since when it waits.
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// Whether it goes in one mail with others of its day.
    pub digest: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// What the server said last; empty where it was not tried yet.
    pub last_error: String,
    /// What is to become of it.
    pub state: MailState,
}

impl Mail {
    /// It failed at `now`, and may be tried again.
    pub(crate) fn failed(&mut self, now: Timestamp, error: &str) {
        let pause = FIRST_PAUSE_SECONDS.saturating_mul(1 << self.attempts.min(16));
        self.attempts = self.attempts.saturating_add(1);
        self.due = now.plus_secs(pause.min(LONGEST_PAUSE_SECONDS));
        self.last_error = error.chars().take(500).collect();
        if self.created.plus_secs(TRIED_SECONDS) <= now {
            self.died(now);
        }
    }

    /// It failed for good; `due` says until when it is kept.
    pub(crate) fn died(&mut self, now: Timestamp) {
        self.state = MailState::Dead;
        self.due = now.plus_secs(DEAD_SECONDS);
    }
}

/// When each mail is due, by its key.
#[derive(Default, Debug)]
pub(crate) struct Queue(Mutex<BTreeMap<Vec<u8>, (Timestamp, MailState)>>);

impl Queue {
    /// What waits in `metadata`. The cost is that of the number of recipients, whatever is in their inboxes.
    pub(crate) async fn load(metadata: &dyn Metadata) -> Result<Self, NotifyError> {
        let queue = Self::default();
        let mut from = keyspace::ALL.to_vec();
        while let Some((key, _)) = metadata.scan(Space::CONTROL, &from, Some(keyspace::ALL_END), 1).await?.first() {
            let group = group_of(key);
            let mails = [group, b"mail/"].concat();
            for (key, raw) in scan(metadata, &mails, &keyspace::after(&mails)).await? {
                match decode::<Mail>(&key, &raw) {
                    Ok(mail) => queue.note(key.to_vec(), &mail),
                    Err(error) => tracing::error!(%error, "a mail can not be sent"),
                }
            }
            from = keyspace::after(group);
        }
        Ok(queue)
    }

    /// Whether one more may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.0.lock().len() < MAX_QUEUED
    }

    pub(crate) fn note(&self, key: Vec<u8>, mail: &Mail) {
        self.0.lock().insert(key, (mail.due, mail.state));
    }

    pub(crate) fn forget(&self, key: &[u8]) {
        self.0.lock().remove(key);
    }

    /// The keys of what is due at `now`: to be sent, or where dead to be removed.
    pub(crate) fn due(&self, now: Timestamp, state: MailState) -> Vec<Vec<u8>> {
        let queue = self.0.lock();
        queue.iter().filter(|(_, (due, of))| *due <= now && *of == state).map(|(key, _)| key.clone()).collect()
    }

    /// At most `limit` keys.
    pub(crate) fn keys(&self, limit: usize) -> Vec<Vec<u8>> {
        self.0.lock().keys().take(limit).cloned().collect()
    }

    /// How many are in each state.
    pub(crate) fn count(&self, state: MailState) -> usize {
        self.0.lock().values().filter(|(_, of)| *of == state).count()
    }
}

/// The group that `key` is in: up to the second slash for the operators, to the third for a person.
pub(crate) fn group_of(key: &[u8]) -> &[u8] {
    let slashes = if key.starts_with(b"n/person/") { 2 } else { 1 };
    let at = key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).nth(slashes);
    at.map_or(key, |at| &key[..=at])
}
