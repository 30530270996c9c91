//! Telling people of events: an inbox for each of them, and mail by SMTP.
//!
//! [`Notify::run`] takes the events that wait in [`identity::events`], and for each of them finds who is told
//! ([`recipients`]), renders the text ([`text`], one template a file), and puts an entry into each inbox ([`inbox`]) and,
//! where there is a mail server, a mail into the queue ([`queue`]), both in one batch of the recipient's group. Then it
//! acknowledges the event. An entry that is there already is not put again, so an event that comes twice is told once. After
//! that it sends what is due ([`mail`]): mails of their own or digests, tried again where the server does not take them.
//!
//! Keys and records are described in `docs/format/notifications.md`, and what people see of it in
//! `docs/notifications.md`.

mod error;
pub mod inbox;
mod keyspace;
pub mod mail;
mod notify;
pub mod queue;
pub mod recipients;
mod store;
pub mod text;

pub use error::NotifyError;
pub use inbox::{InboxEntry, MailPreference, Preferences};
pub use mail::{MailConfig, Mailer, Security};
pub use notify::{MAILS, MAILS_WAITING, NOTIFICATIONS, Notify, Ran, Site};
pub use queue::{Mail, MailState};
pub use recipients::Recipient;

#[cfg(test)]
mod smtp_server;
#[cfg(test)]
mod tests;
