//! Messages to members: a manager, a deputy or the operator writes to some or all of those who hold a role.

use std::collections::HashMap;

use types::{TenancyName, Timestamp, UserName};

use crate::authority::{self, Act};
use crate::control::{Control, check_prose, check_text};
use crate::{Actor, Event, Identity, IdentityError, Recipients};

/// The most messages that one person writes to one tenancy within 24 hours, since the start of the program.
pub const MAX_MESSAGES_PER_DAY: usize = 10;
/// The most people whom a message names one by one; a role reaches any number.
pub const MAX_RECIPIENTS: usize = 200;
/// The longest subject, in characters.
pub const MAX_SUBJECT_CHARS: usize = 200;
/// The longest text, in characters.
pub const MAX_BODY_CHARS: usize = 10_000;
const DAY_SECS: u64 = 24 * 3600;

/// A message to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewMessage {
    /// To members of which tenancy.
    pub tenancy: TenancyName,
    /// To which of them.
    pub to: Recipients,
    /// One line.
    pub subject: String,
    /// The text, of several lines.
    pub body: String,
    /// Whether answers go to the person who writes, rather than nowhere.
    pub reply_to_sender: bool,
}

/// When each person wrote to each tenancy lately.
pub(crate) type MessageRates = HashMap<(UserName, TenancyName), Vec<Timestamp>>;

impl Identity {
    /// Sends a message to members. It is told like every other event.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NoSuchTenancy`], [`IdentityError::NoRole`] for a recipient who holds
    /// none, [`IdentityError::Invalid`], [`IdentityError::TooMany`], [`IdentityError::TooOften`], and those of the store.
    pub async fn send_message(&self, actor: &Actor, message: NewMessage) -> Result<(), IdentityError> {
        let control = &self.control;
        if self.tenancy(&message.tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(message.tenancy));
        }
        authority::check(control, actor, &message.tenancy, &Act::SendMessage).await?;
        check_text("subject", &message.subject, MAX_SUBJECT_CHARS)?;
        check_prose("body", &message.body, MAX_BODY_CHARS)?;
        for (what, text) in [("subject", &message.subject), ("body", &message.body)] {
            if text.trim().is_empty() {
                return Err(IdentityError::Invalid { what, rule: "it may not be empty".to_owned() });
            }
        }
        self.check_recipients(&message).await?;
        if let Some(person) = actor.person() {
            control.count_message(person, &message.tenancy)?;
        }
        let NewMessage { tenancy, to, subject, body, reply_to_sender } = message;
        let event =
            Event::Message { tenancy: tenancy.clone(), from: actor.clone(), to, subject, body, reply_to_sender };
        self.record_event(&tenancy, event).await
    }

    async fn check_recipients(&self, message: &NewMessage) -> Result<(), IdentityError> {
        let Recipients::People(people) = &message.to else { return Ok(()) };
        if people.is_empty() {
            return Err(IdentityError::Invalid { what: "list of recipients", rule: "name someone".to_owned() });
        }
        if people.len() > MAX_RECIPIENTS {
            return Err(IdentityError::TooMany { what: "recipients named one by one", limit: MAX_RECIPIENTS });
        }
        let now = self.control.clock.now();
        for user in people {
            if self.role_of(&message.tenancy, user, now).await?.is_none() {
                return Err(IdentityError::NoRole { user: user.clone(), tenancy: message.tenancy.clone() });
            }
        }
        Ok(())
    }
}

impl Control {
    /// Counts a message, or refuses it.
    fn count_message(&self, person: &UserName, tenancy: &TenancyName) -> Result<(), IdentityError> {
        let now = self.clock.now();
        let mut rates = self.messages.lock();
        // Few people write, and each entry is gone a day later.
        rates.retain(|_, sent| {
            sent.retain(|at| now < at.plus_secs(DAY_SECS));
            !sent.is_empty()
        });
        let sent = rates.entry((person.clone(), tenancy.clone())).or_default();
        if sent.len() >= MAX_MESSAGES_PER_DAY {
            let what = "messages of one person to one tenancy";
            return Err(IdentityError::TooOften { what, limit: MAX_MESSAGES_PER_DAY });
        }
        sent.push(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use policy::Role;

    use super::*;
    use crate::fixture::{DAY_SECS, Fixture, person, tenancy, user};

    fn message(to: Recipients) -> NewMessage {
        let (subject, body) = ("Hello".to_owned(), "Two\nlines".to_owned());
        NewMessage { tenancy: tenancy("t"), to, subject, body, reply_to_sender: false }
    }

    #[tokio::test]
    async fn those_who_lead_write_to_members() {
        let world = Fixture::new().await;
        let send = async |actor: &Actor, new: NewMessage| world.identity.send_message(actor, new).await;
        for (actor, allowed) in [("ann", false), ("use", false), ("dep", true), ("man", true), ("far", false)] {
            let outcome = send(&person(actor), message(Recipients::Everyone)).await;
            assert_eq!(outcome.is_ok(), allowed, "{actor}: {outcome:?}");
        }
        send(&Actor::Operator, message(Recipients::Role(Role::Deputy))).await.expect("sent");
        assert_eq!(world.events().await.len(), 3);
        let stranger = send(&person("man"), message(Recipients::People(vec![user("use"), user("ann")]))).await;
        assert!(matches!(stranger, Err(IdentityError::NoRole { user, .. }) if user.as_str() == "ann"));
        let wrong = [
            message(Recipients::People(Vec::new())),
            message(Recipients::People(vec![user("use"); MAX_RECIPIENTS + 1])),
            NewMessage { subject: "a\nBcc: x@example.org".to_owned(), ..message(Recipients::Everyone) },
            NewMessage { body: " \n ".to_owned(), ..message(Recipients::Everyone) },
            NewMessage { body: "x".repeat(MAX_BODY_CHARS + 1), ..message(Recipients::Everyone) },
            NewMessage { tenancy: tenancy("none"), ..message(Recipients::Everyone) },
        ];
        for new in wrong {
            assert!(send(&Actor::Operator, new).await.is_err());
        }
        assert_eq!(world.events().await, []);
    }

    #[tokio::test]
    async fn a_person_writes_a_few_messages_a_day() {
        let world = Fixture::new().await;
        for _ in 0..MAX_MESSAGES_PER_DAY {
            world.identity.send_message(&person("man"), message(Recipients::Everyone)).await.expect("sent");
        }
        let more = world.identity.send_message(&person("man"), message(Recipients::Everyone)).await;
        assert!(matches!(more, Err(IdentityError::TooOften { .. })));
        world.identity.send_message(&person("dep"), message(Recipients::Everyone)).await.expect("another person's");
        world.clock.advance_secs(DAY_SECS);
        world.identity.send_message(&person("man"), message(Recipients::Everyone)).await.expect("a day later");
    }
}
