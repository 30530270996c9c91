//! Where the log lies in [`storage::Space::CONTROL`]: one group, since one chain is one order.

use crate::Actor;
use types::TenancyName;

/// The group of everything here.
pub(crate) const GROUP: &[u8] = b"a/";
/// What the last entry is.
pub(crate) const HEAD: &[u8] = b"a/head";
/// What the first entry that is kept follows.
pub(crate) const ANCHOR: &[u8] = b"a/anchor";
/// Before every entry.
pub(crate) const ENTRIES: &[u8] = b"a/entry/";
/// After every entry.
pub(crate) const ENTRIES_END: &[u8] = b"a/entry0";
/// Before every line of the indexes.
pub(crate) const INDEXES: &[u8] = b"a/by/";
/// After every line of the indexes.
pub(crate) const INDEXES_END: &[u8] = b"a/by0";
/// The value of a line of an index, of which the key says all.
pub(crate) const PRESENT: &[u8] = b"1";

/// The entry of this number. Numbers sort as they count.
pub(crate) fn entry(sequence: u64) -> Vec<u8> {
    format!("a/entry/{sequence:016x}").into_bytes()
}

/// The number of the entry at `key`.
pub(crate) fn parse_entry(key: &[u8]) -> Option<u64> {
    sequence(key.strip_prefix(ENTRIES)?)
}

/// Before the lines of entries about a tenancy.
pub(crate) fn by_tenancy(tenancy: &TenancyName) -> Vec<u8> {
    format!("a/by/tenancy/{tenancy}/").into_bytes()
}

/// Before the lines of entries of an actor. No actor's text holds a `/`.
pub(crate) fn by_actor(actor: &Actor) -> Vec<u8> {
    format!("a/by/actor/{actor}/").into_bytes()
}

/// The line of an entry in the index that begins with `prefix`. Newer ones sort first, which is how they are read.
pub(crate) fn line(prefix: &[u8], sequence: u64) -> Vec<u8> {
    [prefix, format!("{:016x}", !sequence).as_bytes()].concat()
}

/// The number of the entry that a line of an index names.
pub(crate) fn parse_line(key: &[u8]) -> Option<u64> {
    let at = key.iter().rposition(|byte| *byte == b'/')?;
    sequence(&key[at + 1..]).map(|inverted| !inverted)
}

fn sequence(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    // `from_str_radix` takes a sign, and any number of digits.
    let is_strict = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_strict.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}
