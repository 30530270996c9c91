//! What is kept for a day or a month.

use serde::{Deserialize, Serialize};
use types::UserName;

/// Requests that have ended, by what they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Requests {
    /// Reading objects and their facts, and settings of buckets.
    pub read: u64,
    /// Writing objects, parts and settings.
    pub write: u64,
    /// Listings.
    pub list: u64,
    /// Deleting, and giving up uploads.
    pub delete: u64,
    /// Others, and those that were refused before it was known what they ask for.
    pub other: u64,
}

impl Requests {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.read + self.write + self.list + self.delete + self.other
    }
}

/// What went over the wire for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes of request bodies, framing included.
    pub received_bytes: u64,
    /// Bytes of response bodies.
    pub sent_bytes: u64,
    /// Requests.
    pub requests: Requests,
}

impl Traffic {
    /// Whether there was none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds other traffic to this.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.sent_bytes, other.sent_bytes),
            (&mut self.requests.read, other.requests.read),
            (&mut self.requests.write, other.requests.write),
            (&mut self.requests.list, other.requests.list),
            (&mut self.requests.delete, other.requests.delete),
            (&mut self.requests.other, other.requests.other),
        ];
        for (sum, value) in sums {
            *sum = sum.saturating_add(value);
        }
    }
}

/// What is stored, at the last moment of a day or month at which it was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stored {
    /// Bytes of all versions and parts, which is what quotas limit.
    pub bytes: u64,
    /// Objects, each version that is no delete marker.
    pub objects: u64,
    /// Bytes of them that are versions and not the current one of their key.
    pub older_bytes: u64,
    /// How many such versions there are.
    pub older_objects: u64,
    /// Bytes of them that are parts of uploads in progress.
    pub parts_bytes: u64,
    /// How many parts there are.
    pub parts: u64,
}

/// A day or a month of something.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What went over the wire.
    pub(crate) traffic: Traffic,
    /// What was stored; `None` where nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<Stored>,
    /// Whose the bucket was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<UserName>,
}

impl Record {
    /// Adds a later record to this one: traffic sums up, of the rest the later counts.
    pub(crate) fn then(&mut self, later: Self) {
        self.traffic.add(&later.traffic);
        self.stored = later.stored.or(self.stored);
        self.owner = later.owner.or_else(|| self.owner.take());
    }
}
