//! The texts of events: one template a file, whose first line is the subject.
//!
//! In a template stand the fields of the event, as in `crates/identity/src/events.rs`, and `recipient`, `site` and
//! `portal_url`. A field that is not there fails the rendering, and a test renders every event.

use std::sync::Arc;

use identity::{Event, PendingEvent};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use types::Timestamp;

use crate::mail::one_line;
use crate::{NotifyError, Recipient, Site};

/// What is told of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Declares the templates, one an event; the compiler holds them complete.
macro_rules! templates {
    ($($event:ident => $name:literal,)*) => {
        /// The name of an event, which is that of its template.
        pub const fn kind(event: &Event) -> &'static str {
            match event {
                $(Event::$event { .. } => $name,)*
            }
        }

        const TEMPLATES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../templates/", $name, ".txt"))),)*
            (DIGEST, include_str!("../templates/digest.txt")),
        ];
    };
}

const DIGEST: &str = "digest";

templates! {
    RequestConfirm => "request_confirm",
    RequestPending => "request_pending",
    TenancyRequested => "tenancy_requested",
    QuotaRequested => "quota_requested",
    RequestApproved => "request_approved",
    RequestRejected => "request_rejected",
    RequestIncomplete => "request_incomplete",
    RequestWithdrawn => "request_withdrawn",
    GrantCreated => "grant_created",
    GrantExpiring => "grant_expiring",
    GrantExpired => "grant_expired",
    GrantRevoked => "grant_revoked",
    Suspended => "suspended",
    Reactivated => "reactivated",
    TenancyEnding => "tenancy_ending",
    TenancyEnded => "tenancy_ended",
    QuotaReached => "quota_reached",
    QuotaEnded => "quota_ended",
    Message => "message",
}

/// The templates, ready to be rendered.
#[derive(Clone, Debug)]
pub struct Texts {
    environment: Arc<Environment<'static>>,
    site: Site,
}

impl Texts {
    /// The templates of this program, for mails of `site`.
    ///
    /// # Errors
    /// Where a template is wrong: an error of the program.
    pub fn new(site: Site) -> Result<Self, NotifyError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.add_filter("day", |micros: u64| Timestamp(micros).to_iso8601()[..10].to_owned());
        environment.add_filter("size", |bytes: u64| size(bytes));
        environment.add_filter("who", |actor: Value| who(&actor));
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment: Arc::new(environment), site })
    }

    /// What `recipient` is told of `event`.
    ///
    /// # Errors
    /// Where the template asks for what the event has not: an error of the program.
    pub fn of_event(&self, event: &PendingEvent, recipient: &Recipient) -> Result<Text, NotifyError> {
        let fields = Value::from_serialize(&event.event);
        let scope_words = match &event.event {
            Event::QuotaReached { scope, .. } | Event::QuotaEnded { scope, .. } => scope.to_string(),
            _ => String::new(),
        };
        self.render(kind(&event.event), context! { scope_words, ..fields }, recipient)
    }

    /// What tells of several things at once: subject and text of each, the oldest first.
    ///
    /// # Errors
    /// Where the template is wrong: an error of the program.
    pub fn digest(&self, told: &[(String, String)], recipient: &Recipient) -> Result<Text, NotifyError> {
        let signature = self.signed("");
        let told = told.iter().map(|(subject, body)| {
            let body = body.strip_suffix(&signature).unwrap_or(body);
            context! { subject, body }
        });
        let told: Vec<Value> = told.collect();
        self.render(DIGEST, context! { told }, recipient)
    }

    fn render(&self, template: &str, fields: Value, recipient: &Recipient) -> Result<Text, NotifyError> {
        let name = match recipient {
            Recipient::Operators => "operators".to_owned(),
            Recipient::Person(name) => name.to_string(),
        };
        let site = context! {
            recipient => name,
            site => self.site.name,
            portal_url => self.site.portal_url,
        };
        let text = self.environment.get_template(template)?.render(context! { ..site, ..fields })?;
        let (subject, body) = text.split_once("\n").unwrap_or((text.as_str(), ""));
        Ok(Text { subject: one_line(subject.trim_start_matches("Subject:")), body: self.signed(body.trim()) })
    }

    /// A text with what stands under each.
    fn signed(&self, body: &str) -> String {
        format!("{body}\n\n-- \n{}\n", self.site.signature())
    }
}

/// Bytes as people write them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut whole, mut tenths, mut unit) = (bytes, 0, "bytes");
    for next in UNITS {
        if whole < 1024 {
            break;
        }
        (tenths, whole, unit) = (whole % 1024 * 10 / 1024, whole / 1024, next);
    }
    if tenths == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenths} {unit}") }
}

/// An actor in words: `"operator"`, or an object with the person.
fn who(actor: &Value) -> String {
    match actor.get_attr("person").ok().and_then(|name| name.as_str().map(str::to_owned)) {
        Some(name) => name,
        None => "the operators".to_owned(),
    }
}
