//! Events to inboxes and mails: over the wire, on the memory engine, with a clock that stands still.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use identity::quota::{Held, Limits, QuotaLimit};
use identity::{
    Actor, Event, Identity, MasterKey, NewRole, NewTenancy, NewUser, PendingEvent, QuotaScope, Recipients, RequestKind,
    RequestSummary,
};
use policy::{QuotaState, Role};
use storage::faults::{Call, Fault, Faulty};
use storage::memory::MemoryStore;
use storage::{Engine, Metadata, StorageError};
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};
use zeroize::Zeroizing;

use crate::inbox::{MAX_ENTRIES, MailPreference, Preferences};
use crate::queue::{DEAD_SECONDS, MailState, TRIED_SECONDS};
use crate::smtp_server::{PASSWORD, Received, SmtpServer};
use crate::text::{Texts, kind};
use crate::{MailConfig, Mailer, Notify, NotifyError, Recipient, Security, Site};

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

fn tenancy() -> TenancyName {
    TenancyName::new("t").expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

fn person(name: &str) -> Recipient {
    Recipient::Person(user(name))
}

fn site() -> Site {
    Site {
        name: "Example Store".to_owned(),
        portal_url: Some("https://store.example.org".to_owned()),
        operators: vec!["ops@example.org".to_owned()],
    }
}

struct World {
    faults: Faulty,
    identity: Arc<Identity>,
    clock: Arc<ManualClock>,
}

impl World {
    /// A tenancy with ann (USER), dep (DEPUTY) and man (MANAGER), each with an address.
    async fn new() -> Self {
        let faults = Faulty::new(Engine::new(Arc::new(MemoryStore::new())));
        let clock = Arc::new(ManualClock::new(START));
        let entropy = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let time = clock.clone() as Arc<dyn Clock>;
        let identity = Identity::open(faults.engine().metadata, master, time, entropy).await.expect("opens");
        identity.create_tenancy(NewTenancy::named(tenancy())).await.expect("made");
        for (name, role) in [("ann", Role::User), ("dep", Role::Deputy), ("man", Role::Manager)] {
            let email = Some(format!("{name}@example.org"));
            identity.create_user(NewUser { name: user(name), email }, None).await.expect("made");
            let role = NewRole { tenancy: tenancy(), user: user(name), role, expires: None };
            identity.grant_role(role).await.expect("granted");
        }
        let world = Self { faults, identity: Arc::new(identity), clock };
        // What making all this tells of is not what the tests are about.
        for event in world.identity.pending_events(1000).await.expect("read") {
            world.identity.acknowledge_event(&event.id).await.expect("acknowledged");
        }
        world
    }

    fn metadata(&self) -> Arc<dyn Metadata> {
        self.faults.engine().metadata
    }

    async fn notify(&self, mailer: Option<Mailer>) -> Notify {
        let clock = self.clock.clone() as Arc<dyn Clock>;
        Notify::open(self.metadata(), self.identity.clone(), clock, site(), mailer).await.expect("opens")
    }

    async fn happens(&self, event: Event) {
        self.identity.record_event(&tenancy(), event).await.expect("recorded");
    }
}

fn mailer_for(server: &SmtpServer, security: Security, password: &str) -> Mailer {
    mailer_with(server, &server.certificate, security, password)
}

fn mailer_with(server: &SmtpServer, certificate: &str, security: Security, password: &str) -> Mailer {
    let config = MailConfig {
        server: "localhost".to_owned(),
        port: server.address.port(),
        security,
        authorities: Some(certificate.as_bytes().to_vec()),
        login: (security != Security::None).then(|| ("store".to_owned(), Zeroizing::new(password.to_owned()))),
        from: "Example Store <store@example.org>".to_owned(),
        reply_to: Some("help@example.org".to_owned()),
    };
    Mailer::new(config).expect("good")
}

fn expiring(name: &str) -> Event {
    let expires = Timestamp::parse_iso8601("2027-03-01").expect("a day");
    Event::GrantExpiring { tenancy: tenancy(), user: user(name), role: Role::User, expires, is_final: false }
}

fn message(to: Recipients, subject: &str) -> Event {
    Event::Message {
        tenancy: tenancy(),
        from: Actor::Person(user("man")),
        to,
        subject: subject.to_owned(),
        body: "Downtime on Monday.\n.\nSorry.".to_owned(),
        reply_to_sender: true,
    }
}

fn request(kind: RequestKind) -> RequestSummary {
    RequestSummary {
        id: "t/17".parse().expect("an id"),
        user: user("bob"),
        kind,
        reason: "I analyse ocean data.".to_owned(),
    }
}

/// One of each event, and some in two forms.
fn every_event() -> Vec<(&'static str, Event)> {
    let day = Timestamp::parse_iso8601("2027-03-01").expect("a day");
    let join = || request(RequestKind::Join { role: Role::User });
    let new = || {
        request(RequestKind::Tenancy {
            description: "Ocean data".to_owned(),
            project: "NEMO".to_owned(),
            quota_bytes: Some(10 << 40),
            ends: None,
        })
    };
    let (man, ann) = (|| Actor::Person(user("man")), || user("ann"));
    let (held, allowed) = (Held { bytes: 1536 << 20, objects: 12 }, Limits { bytes: Some(1 << 30), objects: Some(10) });
    let soft = Limits { bytes: Some(1 << 30), objects: None };
    vec![
        ("", Event::RequestConfirm { request: join() }),
        ("", Event::RequestPending { request: join(), reminder: false }),
        ("_reminder", Event::RequestPending { request: join(), reminder: true }),
        ("", Event::TenancyRequested { request: new() }),
        ("", Event::QuotaRequested { request: request(RequestKind::Quota { quota_bytes: 20 << 40 }) }),
        ("", Event::RequestApproved { request: new(), by: Actor::Operator, comment: "Welcome.".to_owned() }),
        ("", Event::RequestRejected { request: join(), by: man(), reason: "Ask your group first.".to_owned() }),
        ("", Event::RequestIncomplete { request: join(), by: man(), question: "Which group?".to_owned() }),
        ("", Event::RequestWithdrawn { request: join() }),
        (
            "",
            Event::GrantCreated {
                tenancy: tenancy(),
                user: ann(),
                role: Role::User,
                expires: Some(day),
                renewed: false,
                by: Some(man()),
            },
        ),
        (
            "_renewed",
            Event::GrantCreated {
                tenancy: tenancy(),
                user: ann(),
                role: Role::User,
                expires: None,
                renewed: true,
                by: None,
            },
        ),
        ("", expiring("ann")),
        (
            "_final",
            Event::GrantExpiring { tenancy: tenancy(), user: ann(), role: Role::User, expires: day, is_final: true },
        ),
        ("", Event::GrantExpired { tenancy: tenancy(), user: ann(), role: Role::User, expires: day }),
        (
            "",
            Event::GrantRevoked {
                tenancy: tenancy(),
                user: ann(),
                role: Role::User,
                by: man(),
                reason: "Left the project.".to_owned(),
            },
        ),
        ("", Event::Suspended { user: ann(), reason: "A lost laptop.".to_owned() }),
        ("", Event::Reactivated { user: ann() }),
        ("", Event::TenancyEnding { tenancy: tenancy(), ends: day, is_final: true }),
        ("", Event::TenancyEnded { tenancy: tenancy(), ends: day }),
        (
            "",
            Event::QuotaReached {
                tenancy: tenancy(),
                scope: QuotaScope::Tenancy,
                limit: QuotaLimit::Hard,
                allowed,
                held,
                action: Some(QuotaState::ReadAndDelete),
            },
        ),
        (
            "_soft",
            Event::QuotaReached {
                tenancy: tenancy(),
                scope: QuotaScope::Owner(ann()),
                limit: QuotaLimit::Soft,
                allowed: soft,
                held,
                action: None,
            },
        ),
        (
            "",
            Event::QuotaEnded {
                tenancy: tenancy(),
                scope: QuotaScope::Tenancy,
                limit: QuotaLimit::Hard,
                allowed,
                held,
            },
        ),
        ("", message(Recipients::Everyone, "Downtime")),
    ]
}

/// The texts of all events are those of `tests/texts`.
#[test]
fn texts_are_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts");
    let texts = Texts::new(site()).expect("good templates");
    let mut found = Vec::new();
    for (form, event) in every_event() {
        let name = format!("{}{form}", kind(&event));
        let id = "00000000000000010000000000000002".parse().expect("an id");
        let pending = PendingEvent { id, at: START, event };
        let text = texts.of_event(&pending, &person("ann")).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        found.push((name, text));
    }
    let told: Vec<_> = found.iter().take(2).map(|(_, text)| (text.subject.clone(), text.body.clone())).collect();
    found.push(("digest".to_owned(), texts.digest(&told, &Recipient::Operators).expect("a digest")));
    for (name, text) in found {
        let path = folder.join(format!("{name}.txt"));
        let rendered = format!("{}\n\n{}", text.subject, text.body);
        let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rendered, expected, "{name}");
    }
}

#[tokio::test]
async fn each_event_reaches_those_whom_it_concerns() {
    let world = World::new().await;
    let notify = world.notify(None).await;
    let names = ["ann", "dep", "man", "bob"];
    for (_, event) in every_event() {
        let expected: &[&str] = match &event {
            Event::RequestConfirm { .. }
            | Event::RequestApproved { .. }
            | Event::RequestRejected { .. }
            | Event::RequestIncomplete { .. } => &["bob"],
            Event::RequestPending { .. } | Event::RequestWithdrawn { .. } | Event::TenancyEnding { .. } => {
                &["dep", "man"]
            }
            Event::TenancyRequested { .. } | Event::QuotaRequested { .. } => &["OPERATORS"],
            Event::GrantCreated { .. }
            | Event::GrantExpiring { .. }
            | Event::GrantExpired { .. }
            | Event::GrantRevoked { .. } => &["ann"],
            Event::Suspended { .. } | Event::Reactivated { .. } => &["ann", "OPERATORS"],
            Event::TenancyEnded { .. } | Event::Message { .. } => &["ann", "dep", "man"],
            Event::QuotaReached { scope: QuotaScope::Owner(_), .. } => &["ann", "dep", "man"],
            Event::QuotaReached { .. } | Event::QuotaEnded { .. } => &["dep", "man"],
        };
        let name = kind(&event);
        world.happens(event.clone()).await;
        notify.run().await.expect("told");
        let mut told = Vec::new();
        let all = names.iter().map(|name| (*name, person(name))).chain([("OPERATORS", Recipient::Operators)]);
        for (of, recipient) in all {
            for entry in notify.inbox(&recipient).await.expect("read") {
                assert_eq!(entry.kind, name);
                told.push(of);
                notify.delete_entry(&recipient, &entry.id).await.expect("deleted");
            }
        }
        assert_eq!(told, expected, "{event:?}");
        assert_eq!(world.identity.pending_event_count(), 0);
    }
}

#[tokio::test]
async fn an_inbox_is_read_and_bounded() {
    let world = World::new().await;
    let notify = world.notify(None).await;
    let ann = person("ann");
    for number in 0..MAX_ENTRIES + 20 {
        world.clock.advance_secs(1);
        world.happens(message(Recipients::People(vec![user("ann")]), &number.to_string())).await;
    }
    notify.run().await.expect("told");
    let inbox = notify.inbox(&ann).await.expect("read");
    assert_eq!(inbox.len(), MAX_ENTRIES);
    assert!(inbox[0].subject.ends_with(&(MAX_ENTRIES + 19).to_string()), "{}", inbox[0].subject);
    assert_eq!(notify.unread(&ann).await.expect("read"), MAX_ENTRIES);
    let read = notify.mark_read(&ann, &inbox[3].id).await.expect("marked");
    assert_eq!(read.read, Some(world.clock.now()));
    world.clock.advance_secs(5);
    assert_eq!(notify.mark_read(&ann, &inbox[3].id).await.expect("marked again"), read);
    assert_eq!(notify.unread(&ann).await.expect("read"), MAX_ENTRIES - 1);
    notify.delete_entry(&ann, &inbox[3].id).await.expect("deleted");
    assert!(matches!(notify.mark_read(&ann, &inbox[3].id).await, Err(NotifyError::NoSuchEntry(_))));
    world.clock.advance_secs(crate::inbox::KEPT_SECONDS);
    assert_eq!(notify.inbox(&ann).await.expect("read"), []);
}

#[tokio::test]
async fn mail_goes_over_each_kind_of_connection() {
    for security in [Security::Starttls, Security::Tls, Security::None] {
        let world = World::new().await;
        let server = SmtpServer::start(security).await;
        let notify = world.notify(Some(mailer_for(&server, security, PASSWORD))).await;
        world.happens(message(Recipients::Role(Role::User), "Grüße\r\nBcc: eve@example.org")).await;
        let ran = notify.run().await.expect("told");
        assert_eq!((ran.events, ran.sent), (1, 1), "{security:?}");
        let received = server.take().remove(0);
        assert_eq!(received.to, "ann@example.org");
        let is_encrypted = security != Security::None;
        assert_eq!((received.is_encrypted, received.login.is_some()), (is_encrypted, is_encrypted));
        assert_eq!(received.header("Reply-To"), Some("man@example.org"), "{}", received.text);
        assert_eq!(received.header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(received.header("Date"), Some("Fri, 15 Jan 2027 08:00:00 +0000"));
        assert_eq!(received.header("Bcc"), None);
        assert!(received.header("Message-ID").is_some_and(|id| id.ends_with("@example.org>")), "{}", received.text);
        assert!(received.text.contains("Downtime on Monday.\r\n.\r\nSorry."), "{}", received.text);
        assert_eq!(notify.run().await.expect("told").sent, 0, "nothing is sent twice");
        notify.test_mail("someone@example.org").await.expect("sent");
        assert_eq!(server.take().remove(0).to, "someone@example.org");
        assert!(matches!(notify.test_mail("never@example.org").await, Err(NotifyError::Mail(_))));
    }
}

#[tokio::test]
async fn a_server_that_is_not_the_right_one_gets_nothing() {
    let world = World::new().await;
    let server = SmtpServer::start(Security::Starttls).await;
    let other = SmtpServer::start(Security::Starttls).await;
    let wrong_authority = mailer_with(&server, &other.certificate, Security::Starttls, PASSWORD);
    let notify = world.notify(Some(wrong_authority)).await;
    world.happens(expiring("ann")).await;
    assert_eq!(notify.run().await.expect("told").sent, 0);
    let error = notify.test_mail("ann@example.org").await.expect_err("another's certificate").to_string();
    assert!(error.contains("ertificate"), "{error}");
    assert!(server.take().is_empty());
    // A wrong password is no mail's fault.
    let notify = world.notify(Some(mailer_for(&server, Security::Starttls, "wrong"))).await;
    assert_eq!(notify.run().await.expect("told").sent, 0);
    let waiting = notify.mails(10).await.expect("read");
    assert_eq!((waiting.len(), waiting[0].attempts, waiting[0].state), (1, 0, MailState::Queued));
    let notify = world.notify(Some(mailer_for(&server, Security::Starttls, PASSWORD))).await;
    assert_eq!(notify.run().await.expect("told").sent, 1);
}

#[tokio::test]
async fn mails_wait_for_a_server_that_is_away() {
    let world = World::new().await;
    let server = SmtpServer::start(Security::None).await;
    let address = server.address;
    server.stop().await;
    let away = SmtpServerAt(address);
    let notify = world.notify(Some(away.mailer())).await;
    world.happens(expiring("ann")).await;
    let ran = notify.run().await.expect("that the server is away is no error");
    assert_eq!((ran.events, ran.sent), (1, 0));
    assert_eq!(notify.inbox(&person("ann")).await.expect("read").len(), 1, "the inbox does not wait");
    // Over a restart too.
    let notify = world.notify(Some(away.mailer())).await;
    assert_eq!(notify.mails(10).await.expect("read").len(), 1);
    let back = SmtpServer::start_at(Security::None, address).await;
    assert_eq!(notify.run().await.expect("told").sent, 1);
    assert_eq!(back.take().len(), 1);
    assert_eq!(notify.mails(10).await.expect("read").len(), 0);
}

struct SmtpServerAt(std::net::SocketAddr);

impl SmtpServerAt {
    fn mailer(&self) -> Mailer {
        let config = MailConfig {
            server: "127.0.0.1".to_owned(),
            port: self.0.port(),
            security: Security::None,
            authorities: None,
            login: None,
            from: "store@example.org".to_owned(),
            reply_to: None,
        };
        Mailer::new(config).expect("good")
    }
}

#[tokio::test]
async fn what_is_put_off_is_tried_again_and_what_is_refused_is_not() {
    let world = World::new().await;
    for (name, email) in [("lat", "later@example.org"), ("nev", "never@example.org")] {
        let new = NewUser { name: user(name), email: Some(email.to_owned()) };
        world.identity.create_user(new, None).await.expect("made");
        world.happens(expiring(name)).await;
    }
    let server = SmtpServer::start(Security::None).await;
    let notify = world.notify(Some(mailer_for(&server, Security::None, ""))).await;
    assert_eq!(notify.run().await.expect("told").sent, 0);
    let states = async || {
        let mails = notify.mails(10).await.expect("read");
        mails.into_iter().map(|mail| (mail.to, mail.state, mail.attempts, mail.last_error)).collect::<Vec<_>>()
    };
    let found = states().await;
    assert_eq!((found[0].1, found[0].2), (MailState::Queued, 1));
    assert!(found[0].3.contains("450") || found[0].3.contains("come back"), "{}", found[0].3);
    assert_eq!((found[1].1, found[1].2), (MailState::Dead, 1));
    // Not before its pause is over, and then with longer ones.
    notify.run().await.expect("told");
    assert_eq!(states().await[0].2, 1);
    let mut attempts = 1;
    for (seconds, more) in [(61, 1), (61, 0), (60, 1), (120, 0), (121, 1)] {
        world.clock.advance_secs(seconds);
        notify.run().await.expect("told");
        attempts += more;
        assert_eq!(states().await[0].2, attempts, "after {seconds} s more");
    }
    world.clock.advance_secs(TRIED_SECONDS);
    notify.run().await.expect("told");
    assert_eq!(states().await[0].1, MailState::Dead);
    // The operator may try both again.
    assert_eq!(notify.retry_mails().await.expect("tried"), 2);
    notify.run().await.expect("told");
    let found = states().await;
    assert_eq!((found[0].1, found[1].1), (MailState::Queued, MailState::Dead));
    world.clock.advance_secs(DEAD_SECONDS);
    notify.run().await.expect("told");
    assert!(!states().await.iter().any(|(to, ..)| to.starts_with("never")), "it was kept for long enough");
}

#[tokio::test]
async fn daily_mail_comes_once_a_day_as_one_and_none_where_it_is_off() {
    let world = World::new().await;
    let server = SmtpServer::start(Security::None).await;
    let notify = world.notify(Some(mailer_for(&server, Security::None, ""))).await;
    for (name, mail) in [("ann", MailPreference::Daily), ("dep", MailPreference::Off)] {
        notify.set_preferences(&person(name), &Preferences { mail }).await.expect("set");
    }
    for subject in ["one", "two"] {
        world.happens(message(Recipients::Everyone, subject)).await;
        world.clock.advance_secs(60);
    }
    notify.run().await.expect("told");
    let to = |received: &[Received]| received.iter().map(|mail| mail.to.clone()).collect::<Vec<_>>();
    assert_eq!(to(&server.take()), ["man@example.org", "man@example.org"]);
    // It is 08:02; daily mails go at 06:00.
    world.clock.advance_secs(21 * 3600);
    assert_eq!(notify.run().await.expect("told").sent, 0);
    world.clock.advance_secs(3600);
    assert_eq!(notify.run().await.expect("told").sent, 1);
    let digest = server.take().remove(0);
    assert_eq!(digest.to, "ann@example.org");
    assert_eq!(digest.header("Subject"), Some("Example Store: 2 notifications"));
    assert!(digest.text.contains("t: one") && digest.text.contains("t: two"), "{}", digest.text);
    assert_eq!(notify.inbox(&person("dep")).await.expect("read").len(), 2);
}

#[tokio::test]
async fn an_address_is_sent_a_bounded_number_of_mails_in_an_hour() {
    let world = World::new().await;
    let server = SmtpServer::start(Security::None).await;
    let notify = world.notify(Some(mailer_for(&server, Security::None, ""))).await;
    for number in 0..30 {
        world.happens(message(Recipients::Role(Role::User), &number.to_string())).await;
        notify.run().await.expect("told");
    }
    assert_eq!(server.take().len(), crate::notify::MAILS_PER_HOUR);
    world.clock.advance_secs(3601);
    notify.run().await.expect("told");
    let later = server.take();
    assert_eq!(later.len(), 1, "what had to wait goes as one");
    assert_eq!(later[0].header("Subject"), Some("Example Store: 10 notifications"));
}

/// The store fails at each commit of telling, one after the other; whatever had happened, in the end everyone is told once.
#[tokio::test]
async fn nobody_is_told_twice_or_never_whatever_fails() {
    for fault in [Fault::UnknownDone, Fault::UnknownUndone, Fault::Fail(StorageError::Full)] {
        for (step, restart) in (1..=8).flat_map(|step| [(step, true), (step, false)]) {
            let world = World::new().await;
            let server = SmtpServer::start(Security::None).await;
            world.happens(message(Recipients::Everyone, "x")).await;
            let notify = world.notify(Some(mailer_for(&server, Security::None, ""))).await;
            world.faults.plan(Call::Commit, step, fault.clone());
            let first = notify.run().await;
            let notify = match restart {
                true => world.notify(Some(mailer_for(&server, Security::None, ""))).await,
                false => notify,
            };
            notify.run().await.expect("told");
            let mut told = Vec::new();
            for name in ["ann", "dep", "man"] {
                told.push(notify.inbox(&person(name)).await.expect("read").len());
            }
            let name = format!("{fault:?} at {step}, restart {restart}: {first:?}");
            assert_eq!(told, [1, 1, 1], "{name}");
            let mut mails: Vec<_> = server.take();
            mails.sort_by_key(|mail| mail.header("Message-ID").map(str::to_owned));
            // A mail that the server took when its record could not be removed comes again, under the same id.
            mails.dedup_by_key(|mail| mail.header("Message-ID").map(str::to_owned));
            assert_eq!(mails.len(), 3, "{name}");
            assert_eq!(notify.mails(10).await.expect("read").len(), 0, "{name}");
        }
    }
}
