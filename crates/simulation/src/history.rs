//! Histories of concurrent requests on few keys, recorded from real threads, and the check that each key is
//! linearizable: that every request seems to take effect at one moment between its call and its return.
//!
//! [`record`] makes one, [`check`] judges one. Time is a counter that all threads share, so that a return before a call
//! has the smaller number.

mod linearizability;
mod recorder;

use std::collections::BTreeMap;
use std::fmt;

pub use recorder::{Recording, record};

/// What a write puts under a key; never written twice.
pub type Value = u64;

/// When a write goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Always.
    Always,
    /// `If-None-Match: *`: there is nothing.
    Absent,
    /// `If-Match`: this is there.
    Holds(Value),
}

/// A request and what it was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// A PUT.
    Put {
        /// What is written.
        value: Value,
        /// When it goes on.
        condition: Condition,
        /// Whether it was done, or refused by its condition.
        outcome: Outcome,
    },
    /// A DELETE, which is done whether anything is there or not.
    Delete,
    /// A GET that found this, or nothing.
    Get(Option<Value>),
}

/// What became of a conditional write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was done.
    Done,
    /// Its condition did not hold.
    Refused,
}

/// One request of a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Which key.
    pub key: u8,
    /// When it was asked.
    pub called: u64,
    /// When it was answered. `None`: never, so that it may have taken effect at any time since, or not at all, and what
    /// `operation` says of the outcome counts for nothing.
    pub returned: Option<u64>,
    /// What was asked and answered.
    pub operation: Operation,
}

/// A key whose requests can not be put in any order.
#[derive(Debug)]
pub struct NotLinearizable {
    /// Which key.
    pub key: u8,
    /// Its requests.
    pub events: Vec<Event>,
    /// How many of them fit into an order, at most.
    pub fitting: usize,
}

impl fmt::Display for NotLinearizable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "key {} is not linearizable: {} of its requests fit at most", self.key, self.fitting)?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event:?}"))
    }
}

impl std::error::Error for NotLinearizable {}

/// Checks every key of a history. At the beginning nothing is there.
///
/// # Errors
/// [`NotLinearizable`].
pub fn check(history: &[Event]) -> Result<(), NotLinearizable> {
    let mut keys: BTreeMap<u8, Vec<Event>> = BTreeMap::new();
    for event in history {
        keys.entry(event.key).or_default().push(*event);
    }
    for (key, events) in keys {
        linearizability::search(&events).map_err(|fitting| NotLinearizable { key, events, fitting })?;
    }
    Ok(())
}
