//! The whole: events in, entries and mails out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use identity::{Event, Identity, PendingEvent};
use parking_lot::Mutex;
use storage::{Batch, CommitError, Expect, Metadata, Space};
use types::{Clock, Timestamp};

use crate::inbox::{InboxEntry, MailPreference};
use crate::mail::{Letter, Mailer, SendError};
use crate::queue::{Mail, MailState, Queue, group_of};
use crate::store::{put, read};
use crate::text::{Texts, kind};
use crate::{NotifyError, Recipient, keyspace, recipients};

/// Entries put into inboxes, by `event`.
pub const NOTIFICATIONS: &str = "commonhold_notifications_total";
/// Mails, by `outcome`: `sent`, `deferred` or `dead`.
pub const MAILS: &str = "commonhold_mails_total";
/// Mails that wait (`queued`) or could not be sent (`dead`), by `state`.
pub const MAILS_WAITING: &str = "commonhold_mails_waiting";

/// How many events are taken at a time.
const EVENTS: usize = 100;
/// The most mails that one address is sent in an hour; what comes beyond waits, and goes as one.
pub(crate) const MAILS_PER_HOUR: usize = 20;
/// Seconds of an hour.
const HOUR_SECONDS: u64 = 3600;
/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * HOUR_SECONDS;
/// When daily mails go, in hours of the day, UTC.
const DIGEST_HOUR: u64 = 6;
/// Of so many mails that are due at once for one address each goes alone; of more, all go as one.
const ALONE: usize = 3;
/// The most mails that go as one.
const DIGEST_MAILS: usize = 100;
/// The most bytes of text that go as one.
const DIGEST_BYTES: usize = 512 * 1024;

/// A mail that waits, and its key.
type Waiting = (Vec<u8>, Mail);

/// In whose name people are told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Site {
    /// What it is called.
    pub name: String,
    /// Where people see more; nowhere where absent.
    pub portal_url: Option<String>,
    /// Addresses of the operators.
    pub operators: Vec<String>,
}

impl Site {
    /// What stands under each text.
    pub(crate) fn signature(&self) -> String {
        match &self.portal_url {
            Some(url) => format!("{}\n{url}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ran {
    /// Events that were told.
    pub events: u64,
    /// Mails that the server took.
    pub sent: u64,
}

/// Tells people of events. One process at a time.
pub struct Notify {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) clock: Arc<dyn Clock>,
    identity: Arc<Identity>,
    texts: Texts,
    site: Site,
    mailer: Option<Mailer>,
    queue: Queue,
    /// When each address was sent its last mails.
    sent: Mutex<HashMap<String, VecDeque<Timestamp>>>,
    running: tokio::sync::Mutex<()>,
}

impl Notify {
    /// For the events of `identity`, with inboxes in the control space of `metadata`. Without a mailer there are only the
    /// inboxes.
    ///
    /// # Errors
    /// Where the mails that wait can not be read.
    pub async fn open(
        metadata: Arc<dyn Metadata>,
        identity: Arc<Identity>,
        clock: Arc<dyn Clock>,
        site: Site,
        mailer: Option<Mailer>,
    ) -> Result<Self, NotifyError> {
        let queue = Queue::load(&*metadata).await?;
        let texts = Texts::new(site.clone())?;
        let (sent, running) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { metadata, clock, identity, texts, site, mailer, queue, sent, running })
    }

    /// Tells of the events that wait, then sends the mails that are due. No mail is sent of an event that is not
    /// acknowledged, so that one which comes again was not mailed yet.
    ///
    /// # Errors
    /// Where the store fails; the next run goes on. That the mail server fails is no error: mails wait.
    pub async fn run(&self) -> Result<Ran, NotifyError> {
        let _alone = self.running.lock().await;
        let mut ran = Ran::default();
        loop {
            let events = self.identity.pending_events(EVENTS).await?;
            for event in &events {
                self.tell(event).await?;
                self.identity.acknowledge_event(&event.id).await?;
                ran.events += 1;
            }
            if events.len() < EVENTS {
                break;
            }
        }
        ran.sent = self.send_due().await?;
        self.remove_dead().await?;
        self.measure();
        Ok(ran)
    }

    /// The mails that wait or could not be sent, at most `limit`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn mails(&self, limit: usize) -> Result<Vec<Mail>, NotifyError> {
        let mut mails = Vec::new();
        for key in self.queue.keys(limit) {
            mails.extend(read::<Mail>(&*self.metadata, &key).await?);
        }
        Ok(mails)
    }

    /// Makes every mail that waits or could not be sent due now, and answers how many there are.
    ///
    /// # Errors
    /// [`NotifyError::NoMailServer`] and those of the store.
    pub async fn retry_mails(&self) -> Result<u64, NotifyError> {
        if self.mailer.is_none() {
            return Err(NotifyError::NoMailServer);
        }
        let _alone = self.running.lock().await;
        let now = self.clock.now();
        let mut count = 0;
        for key in self.queue.keys(usize::MAX) {
            let Some(mut mail) = read::<Mail>(&*self.metadata, &key).await? else { continue };
            // A mail that is tried anew has its days anew.
            (mail.state, mail.due, mail.created, mail.attempts) = (MailState::Queued, now, now, 0);
            self.write(key, &mail).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Sends a mail to `address` that says that mail works, at once.
    ///
    /// # Errors
    /// [`NotifyError::NoMailServer`], and [`NotifyError::Mail`] with what the server says.
    pub async fn test_mail(&self, address: &str) -> Result<(), NotifyError> {
        let mailer = self.mailer.as_ref().ok_or(NotifyError::NoMailServer)?;
        mailer.probe().await.map_err(NotifyError::Mail)?;
        let now = self.clock.now();
        let letter = Letter {
            id: format!("test-{}", now.0),
            to: address,
            reply_to: None,
            subject: &format!("{}: a test", self.site.name),
            body: &format!(
                "This is a test of the mail of {}. It works.\n\n-- \n{}\n",
                self.site.name,
                self.site.signature()
            ),
            at: now,
        };
        mailer.send(&letter).await.map_err(|error| match error {
            SendError::Refused(reason) | SendError::Later(reason) => NotifyError::Mail(reason),
        })
    }

    /// Puts an event into the inbox and the mails of everyone who is told of it.
    async fn tell(&self, event: &PendingEvent) -> Result<(), NotifyError> {
        let reply_to = self.reply_to(&event.event).await?;
        for recipient in recipients::of(&self.identity, &event.event, self.clock.now()).await? {
            match self.texts.of_event(event, &recipient) {
                Ok(text) => {
                    let kind = kind(&event.event).to_owned();
                    let (subject, body) = (text.subject, text.body);
                    let entry = InboxEntry { id: event.id, at: event.at, kind, subject, body, read: None };
                    self.deliver(&recipient, &entry, reply_to.as_deref()).await?;
                }
                // It would fail again, and hold up all that come after it.
                Err(error) => tracing::error!(%error, event = %event.id, "an event is told to nobody"),
            }
        }
        Ok(())
    }

    /// Where answers to a message go.
    async fn reply_to(&self, event: &Event) -> Result<Option<String>, NotifyError> {
        match event {
            Event::Message { from, reply_to_sender: true, .. } => match from.person() {
                Some(name) => Ok(self.identity.directory().find(name).await?.and_then(|user| user.email)),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Puts an entry into an inbox and its mails into the queue, in one batch; nothing where the entry is there already.
    async fn deliver(
        &self,
        recipient: &Recipient,
        entry: &InboxEntry,
        reply_to: Option<&str>,
    ) -> Result<(), NotifyError> {
        let key = keyspace::entry(recipient, &entry.id);
        let mails = self.mails_of(recipient, entry, reply_to).await?;
        let mut batch = Batch {
            expect: vec![Expect::Absent(key.clone())],
            put: vec![put(key, entry)],
            delete: self.entries_to_go(recipient).await?,
            ..Batch::default()
        };
        batch.put.extend(mails.iter().map(|(key, mail)| put(key.clone(), mail)));
        match self.metadata.commit(Space::CONTROL, &keyspace::group(recipient), batch).await {
            Ok(()) => {
                metrics::counter!(NOTIFICATIONS, "event" => entry.kind.clone()).increment(1);
                for (key, mail) in mails {
                    self.queue.note(key, &mail);
                }
                Ok(())
            }
            // It was told before, and that could not be acknowledged, or was not known. Its mails may wait.
            Err(CommitError::Conflict { .. }) => {
                for (key, _) in mails {
                    if let Some(mail) = read::<Mail>(&*self.metadata, &key).await? {
                        self.queue.note(key, &mail);
                    }
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn mails_of(
        &self,
        recipient: &Recipient,
        entry: &InboxEntry,
        reply_to: Option<&str>,
    ) -> Result<Vec<(Vec<u8>, Mail)>, NotifyError> {
        if self.mailer.is_none() {
            return Ok(Vec::new());
        }
        if !self.queue.has_room() {
            tracing::error!(%recipient, event = %entry.id, "too many mails wait: only the inbox tells");
            return Ok(Vec::new());
        }
        let preference = self.preferences(recipient).await?.mail;
        let addresses = match (preference, recipient) {
            (MailPreference::Off, _) => Vec::new(),
            (_, Recipient::Operators) => self.site.operators.clone(),
            (_, Recipient::Person(name)) => {
                self.identity.directory().find(name).await?.and_then(|user| user.email).into_iter().collect()
            }
        };
        let now = self.clock.now();
        let digest = preference == MailPreference::Daily;
        let mail = |to: String| Mail {
            event: entry.id,
            to,
            reply_to: reply_to.map(str::to_owned),
            subject: entry.subject.clone(),
            body: entry.body.clone(),
            created: now,
            due: if digest { next_digest(now) } else { now },
            digest,
            attempts: 0,
            last_error: String::new(),
            state: MailState::Queued,
        };
        let mails = addresses.into_iter().enumerate();
        Ok(mails.map(|(at, to)| (keyspace::mail(recipient, &entry.id, at), mail(to))).collect())
    }

    /// Sends what is due, and answers how many mails the server took.
    async fn send_due(&self) -> Result<u64, NotifyError> {
        let Some(mailer) = &self.mailer else { return Ok(0) };
        let due = self.queue.due(self.clock.now(), MailState::Queued);
        if due.is_empty() {
            return Ok(0);
        }
        // A server that is away or lets nobody in is no mail's fault: all of them wait, and none is counted as tried.
        if let Err(reason) = mailer.probe().await {
            tracing::warn!(reason, mails = due.len(), "the mail server takes no mail; they wait");
            metrics::counter!(MAILS, "outcome" => "deferred").increment(due.len() as u64);
            return Ok(0);
        }
        let mut by_address: BTreeMap<(Vec<u8>, String), Vec<Waiting>> = BTreeMap::new();
        for key in due {
            match read::<Mail>(&*self.metadata, &key).await? {
                Some(mail) => {
                    let of = (group_of(&key).to_vec(), mail.to.clone());
                    by_address.entry(of).or_default().push((key, mail));
                }
                None => self.queue.forget(&key),
            }
        }
        let mut sent = 0;
        for ((_, address), mut mails) in by_address {
            while !mails.is_empty() && self.may_send(&address) {
                let together = take_together(&mut mails);
                sent += u64::from(self.send_together(mailer, together).await?);
            }
        }
        Ok(sent)
    }

    /// Sends mails for one address, as one where there are several. Answers whether the server took it.
    async fn send_together(&self, mailer: &Mailer, mails: Vec<Waiting>) -> Result<bool, NotifyError> {
        let Some((key, first)) = mails.first() else { return Ok(false) };
        let digest = match (mails.len(), keyspace::parse_mail(key)) {
            (1, _) | (_, None) => None,
            (_, Some(recipient)) => {
                let told: Vec<_> = mails.iter().map(|(_, mail)| (mail.subject.clone(), mail.body.clone())).collect();
                Some(self.texts.digest(&told, &recipient)?)
            }
        };
        let letter = Letter {
            // The same for the same mail, so that a server which took it before a crash can tell.
            id: format!("{}.{:08x}", first.event, fingerprint(&first.to)),
            to: &first.to,
            reply_to: first.reply_to.as_deref().filter(|_| digest.is_none()),
            subject: digest.as_ref().map_or(&first.subject, |text| &text.subject),
            body: digest.as_ref().map_or(&first.body, |text| &text.body),
            at: self.clock.now(),
        };
        match mailer.send(&letter).await {
            Ok(()) => {
                self.note_sent(&first.to);
                metrics::counter!(MAILS, "outcome" => "sent").increment(1);
                let group = group_of(key).to_vec();
                let keys: Vec<_> = mails.iter().map(|(key, _)| key.clone()).collect();
                let batch = Batch { delete: keys.clone(), ..Batch::default() };
                self.metadata.commit(Space::CONTROL, &group, batch).await?;
                keys.iter().for_each(|key| self.queue.forget(key));
                Ok(true)
            }
            Err(error) => {
                self.not_sent(mails, &error).await?;
                Ok(false)
            }
        }
    }

    async fn not_sent(&self, mails: Vec<Waiting>, error: &SendError) -> Result<(), NotifyError> {
        let now = self.clock.now();
        for (key, mut mail) in mails {
            match error {
                SendError::Later(reason) => mail.failed(now, reason),
                SendError::Refused(reason) => {
                    mail.failed(now, reason);
                    mail.died(now);
                }
            }
            let outcome = if mail.state == MailState::Dead { "dead" } else { "deferred" };
            metrics::counter!(MAILS, "outcome" => outcome).increment(1);
            tracing::warn!(event = %mail.event, error = mail.last_error, outcome, "a mail was not taken");
            self.write(key, &mail).await?;
        }
        Ok(())
    }

    async fn write(&self, key: Vec<u8>, mail: &Mail) -> Result<(), NotifyError> {
        let batch = Batch { put: vec![put(key.clone(), mail)], ..Batch::default() };
        self.metadata.commit(Space::CONTROL, group_of(&key), batch).await?;
        self.queue.note(key, mail);
        Ok(())
    }

    /// Removes what could not be sent and was kept for long enough.
    async fn remove_dead(&self) -> Result<(), NotifyError> {
        for key in self.queue.due(self.clock.now(), MailState::Dead) {
            let batch = Batch { delete: vec![key.clone()], ..Batch::default() };
            self.metadata.commit(Space::CONTROL, group_of(&key), batch).await?;
            self.queue.forget(&key);
        }
        Ok(())
    }

    /// Whether an address may be sent one more mail in this hour.
    fn may_send(&self, address: &str) -> bool {
        let now = self.clock.now();
        let mut sent = self.sent.lock();
        sent.retain(|_, moments| {
            moments.retain(|moment| moment.plus_secs(HOUR_SECONDS) > now);
            !moments.is_empty()
        });
        sent.get(address).is_none_or(|moments| moments.len() < MAILS_PER_HOUR)
    }

    fn note_sent(&self, address: &str) {
        self.sent.lock().entry(address.to_owned()).or_default().push_back(self.clock.now());
    }

    #[expect(clippy::cast_precision_loss, reason = "there are far fewer mails than 2^52")]
    fn measure(&self) {
        for (state, name) in [(MailState::Queued, "queued"), (MailState::Dead, "dead")] {
            metrics::gauge!(MAILS_WAITING, "state" => name).set(self.queue.count(state) as f64);
        }
    }
}

/// The mails that go next: one alone, or as many as go as one.
fn take_together(mails: &mut Vec<Waiting>) -> Vec<Waiting> {
    let digests = mails.iter().filter(|(_, mail)| mail.digest).count();
    if digests == 0 && mails.len() <= ALONE {
        return vec![mails.remove(0)];
    }
    let mut bytes = 0;
    let count = mails.iter().take(DIGEST_MAILS).take_while(|(_, mail)| {
        bytes += mail.subject.len() + mail.body.len();
        bytes <= DIGEST_BYTES
    });
    let count = count.count().max(1);
    mails.drain(..count).collect()
}

/// The next moment when daily mails go.
fn next_digest(now: Timestamp) -> Timestamp {
    let hour = DIGEST_HOUR * HOUR_SECONDS;
    let day = now.as_secs() / DAY_SECONDS * DAY_SECONDS;
    Timestamp::from_secs(if now.as_secs() < day + hour { day + hour } else { day + DAY_SECONDS + hour })
}

/// FNV-1a: tells addresses of one event apart, and nothing else.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").field("mailer", &self.mailer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use identity::EventId;

    use super::*;

    #[test]
    fn daily_mails_go_at_one_hour_of_the_day() {
        for (now, expected) in [
            ("2027-01-15T05:59:59Z", "2027-01-15T06:00:00.000Z"),
            ("2027-01-15T06:00:00Z", "2027-01-16T06:00:00.000Z"),
            ("2027-12-31T23:00:00Z", "2028-01-01T06:00:00.000Z"),
        ] {
            assert_eq!(next_digest(Timestamp::parse_iso8601(now).expect("a moment")).to_string(), expected);
        }
    }

    #[test]
    fn ids_of_events_are_read() {
        let id: EventId = "00000000000000010000000000000002".parse().expect("an id");
        let key = keyspace::mail(&Recipient::Operators, &id, 3);
        assert_eq!(keyspace::parse_mail(&key), Some(Recipient::Operators));
        assert_eq!(group_of(&key), keyspace::group(&Recipient::Operators));
        let ann = Recipient::Person("ann".parse().expect("a name"));
        let key = keyspace::mail(&ann, &id, 0);
        assert_eq!(keyspace::parse_mail(&key), Some(ann.clone()));
        assert_eq!(group_of(&key), keyspace::group(&ann));
        assert_eq!(keyspace::parse_mail(&keyspace::entry(&ann, &id)), None);
    }
}
