//! What people are told of: events, and the outbox in which they wait to be told.
//!
//! An event is a record in the group of what it is about, written in the batch of the change that it tells of: either both
//! are there after a crash or neither. So none is lost, and none tells of what did not happen. Whoever tells of events
//! takes them with [`Identity::pending_events`], and [`Identity::acknowledge_event`] when what it makes of one is
//! durable; an event that comes again after a crash in between has the same [`EventId`].
//!
//! In memory there are only the places of the records ([`Outbox`]); they are found again at the start.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use parking_lot::Mutex;
use policy::{QuotaState, Role};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use storage::{Batch, Space, limits};
use tokio::sync::Notify;
use types::{Entropy, TenancyName, Timestamp, UserName};

use crate::control::{Control, Stale, decode, put};
use crate::quota::{Held, Limits, QuotaLimit, QuotaScope};
use crate::request::RequestSummary;
use crate::{Actor, Identity, IdentityError, keyspace, tenancy};

/// The most events that wait: some weeks of a large site with nobody to tell of them. One more is left out, which is
/// logged; the change that it is about is made all the same.
pub const MAX_PENDING_EVENTS: usize = 100_000;

/// The name of one event, which stays the same however often it is taken. Later events sort later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// An id for an event at `moment`.
    fn at(moment: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes[8..]);
        bytes[..8].copy_from_slice(&moment.0.to_be_bytes());
        Self(bytes)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What happened, with what a reader needs to know of it. Who is told is said with each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request was received. To who asked.
    RequestConfirm {
        /// What is asked for.
        request: RequestSummary,
    },
    /// A request for a role waits for a decision; or any request still does. To those who may decide on it.
    RequestPending {
        /// What is asked for.
        request: RequestSummary,
        /// Whether this is the weekly reminder of one that was told of before.
        reminder: bool,
    },
    /// A new tenancy is asked for. To the operators.
    TenancyRequested {
        /// What is asked for.
        request: RequestSummary,
    },
    /// More quota is asked for. To the operators.
    QuotaRequested {
        /// What is asked for.
        request: RequestSummary,
    },
    /// A request for a tenancy or for quota was granted; of a role that was, [`Event::GrantCreated`] tells. To who asked.
    RequestApproved {
        /// What was asked for.
        request: RequestSummary,
        /// Who decided.
        by: Actor,
        /// A word to who asked; may be empty.
        comment: String,
    },
    /// A request was refused. To who asked.
    RequestRejected {
        /// What was asked for.
        request: RequestSummary,
        /// Who decided.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// More has to be known before a request is decided on. To who asked.
    RequestIncomplete {
        /// What is asked for.
        request: RequestSummary,
        /// Who asks.
        by: Actor,
        /// What has to be known.
        question: String,
    },
    /// Who asked took the request back. To those who would have decided.
    RequestWithdrawn {
        /// What was asked for.
        request: RequestSummary,
    },
    /// A person holds a role from now on, or for longer. To the person.
    GrantCreated {
        /// Where.
        tenancy: TenancyName,
        /// Who.
        user: UserName,
        /// As what.
        role: Role,
        /// Until when; for good where absent.
        expires: Option<Timestamp>,
        /// Whether the person held the role before.
        renewed: bool,
        /// Who granted it; the tenancy's own setting where absent.
        by: Option<Actor>,
    },
    /// A role ends soon. To the person.
    GrantExpiring {
        /// Where.
        tenancy: TenancyName,
        /// Who.
        user: UserName,
        /// As what.
        role: Role,
        /// When it ends.
        expires: Timestamp,
        /// Whether no further warning comes.
        is_final: bool,
    },
    /// A role has ended. To the person.
    GrantExpired {
        /// Where.
        tenancy: TenancyName,
        /// Who.
        user: UserName,
        /// As what.
        role: Role,
        /// When it ended.
        expires: Timestamp,
    },
    /// A role was taken away. To the person.
    GrantRevoked {
        /// Where.
        tenancy: TenancyName,
        /// Who.
        user: UserName,
        /// As what.
        role: Role,
        /// Who took it.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person was suspended: nothing of theirs works. To the person and the operators.
    Suspended {
        /// Who.
        user: UserName,
        /// Why.
        reason: String,
    },
    /// A suspension was lifted. To the person and the operators.
    Reactivated {
        /// Who.
        user: UserName,
    },
    /// A tenancy ends soon: from then on only its managers reach it. To its managers and deputies.
    TenancyEnding {
        /// Which.
        tenancy: TenancyName,
        /// When.
        ends: Timestamp,
        /// Whether no further warning comes.
        is_final: bool,
    },
    /// A tenancy has ended. To all who hold a role in it.
    TenancyEnded {
        /// Which.
        tenancy: TenancyName,
        /// When.
        ends: Timestamp,
    },
    /// A limit of a quota is reached. To the tenancy's managers and deputies, and to the person where it is theirs alone.
    QuotaReached {
        /// Where.
        tenancy: TenancyName,
        /// What it is on.
        scope: QuotaScope,
        /// Which of its limits.
        limit: QuotaLimit,
        /// How much that limit allows.
        allowed: Limits,
        /// How much is held.
        held: Held,
        /// What follows: nothing but this message where absent.
        action: Option<QuotaState>,
    },
    /// A limit of a quota was reached and is no longer. To whom [`Event::QuotaReached`] goes.
    QuotaEnded {
        /// Where.
        tenancy: TenancyName,
        /// What it is on.
        scope: QuotaScope,
        /// Which of its limits.
        limit: QuotaLimit,
        /// How much that limit allows now.
        allowed: Limits,
        /// How much is held.
        held: Held,
    },
    /// Someone writes to members. To those named.
    Message {
        /// Of which tenancy.
        tenancy: TenancyName,
        /// Who writes.
        from: Actor,
        /// To whom.
        to: Recipients,
        /// One line.
        subject: String,
        /// The text, of several lines.
        body: String,
        /// Whether answers go to the person who writes, rather than nowhere.
        reply_to_sender: bool,
    },
}

/// Members of a tenancy to whom a message goes: those who hold a role when it is delivered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// Everyone who holds a role.
    Everyone,
    /// Everyone who holds this role.
    Role(Role),
    /// These people.
    People(Vec<UserName>),
}

/// An event that waits to be told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingEvent {
    /// Its name.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Where the records of events that wait are.
#[derive(Default)]
pub(crate) struct Outbox {
    places: Mutex<BTreeMap<EventId, Vec<u8>>>,
    arrived: Notify,
}

impl Outbox {
    /// Takes note of the events that `batch` puts.
    pub(crate) fn note(&self, batch: &Batch) -> Vec<(EventId, Vec<u8>)> {
        batch.put.iter().filter_map(|(key, _)| Some((keyspace::parse_event(key)?, key.clone()))).collect()
    }

    /// Those may be there now.
    pub(crate) fn add(&self, events: Vec<(EventId, Vec<u8>)>) {
        if !events.is_empty() {
            self.places.lock().extend(events);
            self.arrived.notify_waiters();
        }
    }
}

impl Control {
    /// The put of a record of `event` in `group`, that of the tenancy or person whom it is about, for the batch of the change
    /// that it tells of; none where too many wait.
    pub(crate) fn event(&self, group: &[u8], event: Event) -> Option<(Vec<u8>, Bytes)> {
        if self.outbox.places.lock().len() >= MAX_PENDING_EVENTS {
            tracing::error!(limit = MAX_PENDING_EVENTS, "an event is told to nobody: too many wait");
            return None;
        }
        let at = self.clock.now();
        let id = EventId::at(at, &*self.entropy);
        Some(put(keyspace::event(group, id), &PendingEvent { id, at, event }))
    }
}

impl Identity {
    /// The oldest events that wait, at most `limit`, oldest first. They come again until they are acknowledged.
    ///
    /// # Errors
    /// Those of the store. A record that does not parse is logged and left out.
    pub async fn pending_events(&self, limit: usize) -> Result<Vec<PendingEvent>, IdentityError> {
        let outbox = &self.control.outbox;
        let places: Vec<_> = outbox.places.lock().iter().take(limit).map(|(id, key)| (*id, key.clone())).collect();
        let mut events = Vec::with_capacity(places.len());
        for (id, key) in places {
            match self.control.metadata.get(Space::CONTROL, &key).await? {
                Some(raw) => match decode::<PendingEvent>(&key, &raw) {
                    Ok(event) => events.push(event),
                    Err(error) => {
                        tracing::error!(%error, "an event can not be told");
                        outbox.places.lock().remove(&id);
                    }
                },
                // The commit that was to put it failed.
                None => {
                    outbox.places.lock().remove(&id);
                }
            }
        }
        Ok(events)
    }

    /// How many events wait.
    pub fn pending_event_count(&self) -> usize {
        self.control.outbox.places.lock().len()
    }

    /// Ends the wait of an event: what follows from it is durable. One that does not wait is no error.
    ///
    /// # Errors
    /// Those of the store; the event comes again.
    pub async fn acknowledge_event(&self, id: &EventId) -> Result<(), IdentityError> {
        let place = self.control.outbox.places.lock().get(id).cloned();
        let Some(key) = place else { return Ok(()) };
        let group = keyspace::group_of(&key).to_vec();
        let batch = Batch { delete: vec![key], ..Batch::default() };
        self.control.commit(&group, batch, Stale::Nothing).await?;
        self.control.outbox.places.lock().remove(id);
        Ok(())
    }

    /// Waits until an event waits. Answers at once where one does.
    pub async fn event_arrived(&self) {
        let outbox = &self.control.outbox;
        loop {
            let arrived = outbox.arrived.notified();
            if !outbox.places.lock().is_empty() {
                return;
            }
            arrived.await;
        }
    }

    /// Records an event about a tenancy that comes from no change of this crate.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn record_event(&self, tenancy: &TenancyName, event: Event) -> Result<(), IdentityError> {
        let name = tenancy.clone();
        self.change(move |control| async move {
            let tenancy = tenancy::live(&control, &name).await?;
            let group = keyspace::tenancy(&name);
            let put = control.event(&group, event).into_iter().collect();
            let batch = Batch { expect: vec![tenancy.unchanged(group.clone())], put, ..Batch::default() };
            control.commit(&group, batch, Stale::Nothing).await
        })
        .await
    }
}

/// Finds the events that wait under `prefix`.
pub(crate) async fn load(control: &Control, prefix: &[u8]) -> Result<(), IdentityError> {
    let end = keyspace::after(prefix);
    let mut from = prefix.to_vec();
    loop {
        let page = control.metadata.scan(Space::CONTROL, &from, Some(&end), limits::SCAN_KEYS).await?;
        let found = page.iter().filter_map(|(key, _)| Some((keyspace::parse_event(key)?, key.to_vec())));
        control.outbox.add(found.collect());
        match page.last() {
            Some((last, _)) if page.len() == limits::SCAN_KEYS => from = [last.as_ref(), b"\0"].concat(),
            _ => return Ok(()),
        }
    }
}
