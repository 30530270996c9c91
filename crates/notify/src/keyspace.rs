//! Where the records lie in [`storage::Space::CONTROL`]. Each recipient is a group of its own.

use identity::EventId;

use crate::Recipient;

/// Before everything here.
pub(crate) const ALL: &[u8] = b"n/";
/// After everything here.
pub(crate) const ALL_END: &[u8] = b"n0";
const OPERATORS: &str = "n/operators/";
const PEOPLE: &str = "n/person/";

/// The group of a recipient. No name of a person holds a `/`.
pub(crate) fn group(recipient: &Recipient) -> Vec<u8> {
    match recipient {
        Recipient::Operators => OPERATORS.to_owned(),
        Recipient::Person(name) => format!("{PEOPLE}{name}/"),
    }
    .into_bytes()
}

/// Before the entries of an inbox. They sort by their moment.
pub(crate) fn entries(recipient: &Recipient) -> Vec<u8> {
    [group(recipient).as_slice(), b"inbox/"].concat()
}

/// An entry of an inbox.
pub(crate) fn entry(recipient: &Recipient, id: &EventId) -> Vec<u8> {
    [entries(recipient), id.to_string().into_bytes()].concat()
}

/// How a recipient wants mail.
pub(crate) fn preferences(recipient: &Recipient) -> Vec<u8> {
    [group(recipient).as_slice(), b"preferences"].concat()
}

/// A mail of an event to the address of this number among the recipient's.
pub(crate) fn mail(recipient: &Recipient, id: &EventId, address: usize) -> Vec<u8> {
    [group(recipient), format!("mail/{id}-{address:03}").into_bytes()].concat()
}

/// The recipient whose mail lies at `key`, if one does.
pub(crate) fn parse_mail(key: &[u8]) -> Option<Recipient> {
    let text = std::str::from_utf8(key).ok()?;
    if text.starts_with("n/operators/mail/") {
        return Some(Recipient::Operators);
    }
    let (name, rest) = text.strip_prefix(PEOPLE)?.split_once('/')?;
    if rest.starts_with("mail/") { Some(Recipient::Person(name.parse().ok()?)) } else { None }
}

/// The first key after all that start with `prefix`, whose last byte has a successor.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
