//! What the log holds of one act, and how it is chained.
//!
//! An entry's *canonical form* is its JSON in the order of the fields here, without white space. Its hash is SHA-256 over
//! the 32 bytes of the hash before it and the canonical form. A [`Line`] is what is stored and what is exported: the two
//! hashes and the canonical form, as one line of JSON of a fixed shape.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use types::{AccessKeyId, TenancyName, Timestamp};

use crate::Actor;

/// The most characters of an entry's target: the longest names that stand in one, and words between them.
pub const TARGET_CHARS: usize = 512;
/// The most characters of the name of an action or of an error.
pub const NAME_CHARS: usize = 100;
/// The most facts of an entry.
pub const FACTS: usize = 16;
/// The most characters of a fact.
pub const FACT_CHARS: usize = 200;
/// The most bytes of a line that is read. The bounds above, each character escaped, stay far below.
const LINE_BYTES: usize = 48 * 1024;

/// On which way an act came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The administration socket.
    Socket,
    /// The S3 API.
    S3,
    /// The Security Token Service.
    Sts,
    /// The portal.
    Portal,
    /// The addresses of a Swarm site.
    Swarm,
    /// The server itself.
    Server,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "socket",
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Portal => "portal",
            Self::Swarm => "swarm",
            Self::Server => "server",
        })
    }
}

/// From where an act came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// On which way.
    pub via: Via,
    /// The user of the machine that opened the administration socket.
    pub uid: Option<u32>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The key that signed the request.
    pub key: Option<AccessKeyId>,
    /// The id under which logs have the request.
    pub request: Option<String>,
}

impl Source {
    /// This way, and nothing more is known.
    pub const fn via(via: Via) -> Self {
        Self { via, uid: None, address: None, key: None, request: None }
    }
}

/// An act that is about to be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub source: Source,
    /// What, as in `role.grant` or `s3:PutBucketPolicy`.
    pub action: String,
    /// In which tenancy, where it is in one.
    pub tenancy: Option<TenancyName>,
    /// To what or whom, as in `user ann`.
    pub target: String,
    /// What else is to be known of it, by name: never a secret, never a body.
    pub facts: Vec<(String, String)>,
}

/// How an act ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not allowed, or not possible as asked; nothing was changed.
    Refused,
    /// The store failed; a part may have been done.
    Failed,
    /// Whoever asked went away before the end; all, a part or nothing may have been done.
    Unknown,
}

impl Outcome {
    /// Every one, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::Failed, Self::Unknown];

    /// `done`, `refused`, `failed` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|outcome| outcome.name() == text);
        known.ok_or_else(|| format!("{text:?} is no outcome: it is done, refused, failed or unknown"))
    }
}

/// How an act ended, with the error's name and what became known on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// The name of the error, as in `NoSuchUser`; empty where there was none.
    pub error: String,
    /// Further facts, such as the id of what was made.
    pub facts: Vec<(String, String)>,
}

impl Ending {
    /// It was done.
    pub const fn done() -> Self {
        Self { outcome: Outcome::Done, error: String::new(), facts: Vec::new() }
    }

    /// It was not, for the reason of this name.
    pub fn with_error(outcome: Outcome, error: &str) -> Self {
        Self { outcome, error: error.to_owned(), facts: Vec::new() }
    }
}

/// An act as the log has it. The order of the fields is that of the canonical form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number: 1 for the first act of the store, then counting up without gaps.
    pub sequence: u64,
    /// When it ended. Never earlier than the entry before, even where the clock was set back.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// On which way.
    pub via: Via,
    /// The user of the machine that opened the administration socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The key that signed the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<AccessKeyId>,
    /// The id under which logs have the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What.
    pub action: String,
    /// In which tenancy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenancy: Option<TenancyName>,
    /// To what or whom.
    pub target: String,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The name of the error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

impl Entry {
    /// The entry of an act that ended, cut to the bounds of this module.
    pub(crate) fn new(sequence: u64, at: Timestamp, act: Act, ending: Ending) -> Self {
        let Act { actor, source, action, tenancy, target, facts } = act;
        let facts = facts.into_iter().chain(ending.facts).take(FACTS);
        Self {
            sequence,
            at,
            actor,
            via: source.via,
            uid: source.uid,
            address: source.address,
            key: source.key,
            request: source.request.map(|id| cut(id, NAME_CHARS)),
            action: cut(action, NAME_CHARS),
            tenancy,
            target: cut(target, TARGET_CHARS),
            facts: facts.map(|(name, fact)| (cut(name, NAME_CHARS), cut(fact, FACT_CHARS))).collect(),
            outcome: ending.outcome,
            error: cut(ending.error, NAME_CHARS),
        }
    }

    /// The bytes that are hashed.
    fn canonical(&self) -> String {
        serde_json::to_string(self).expect("an entry is texts and numbers, which JSON can hold")
    }
}

/// At most `limit` characters of a text, without control characters: it is shown on terminals.
fn cut(text: String, limit: usize) -> String {
    let is_good = text.chars().count() <= limit && !text.chars().any(char::is_control);
    if is_good { text } else { text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect() }
}

/// A hash of the chain, 64 hex digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of a store follows.
    pub const GENESIS: Self = Self([0; 32]);

    /// The hash of what follows this one.
    pub(crate) fn of_next(self, canonical: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(canonical);
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| format!("{text:?} is no hash: it has 64 hex digits"))?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An entry with its place in the chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its hash.
    pub hash: Hash,
    /// The hash of the one before it.
    pub previous: Hash,
    /// The entry.
    pub entry: Entry,
}

impl Line {
    /// The line of an entry that follows `previous`.
    pub(crate) fn new(previous: Hash, entry: Entry) -> Self {
        Self { hash: previous.of_next(entry.canonical().as_bytes()), previous, entry }
    }

    /// The line as it is stored and exported, without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line is texts and numbers, which JSON can hold")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Where it is none, where its bytes are not the canonical ones, or where its hash is not that of its entry. What
    /// it follows is not known here.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, String> {
        if raw.len() > LINE_BYTES {
            return Err(format!("it has {} bytes", raw.len()));
        }
        let line: Self = serde_json::from_slice(raw).map_err(|error| error.to_string())?;
        if line.to_json().as_bytes() != raw {
            return Err("it is not written as the log writes".to_owned());
        }
        let hash = line.previous.of_next(line.entry.canonical().as_bytes());
        if hash != line.hash {
            return Err(format!("its hash is {hash}, and it says {}", line.hash));
        }
        Ok(line)
    }
}

/// Moments with their microseconds, as log lines have them.
mod micros {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use types::Timestamp;

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&moment.to_rfc3339_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse_iso8601(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no moment")))
    }
}
