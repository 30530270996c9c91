//! Proving the chain: every entry's hash, that it follows the one before it, that none is missing, and the indexes.
//!
//! What this finds is every change by someone who did not compute the whole chain anew. Someone who can write to the
//! store could; against that helps a head that was noted elsewhere: its number must still have its hash.

use serde::{Deserialize, Serialize};
use storage::{Metadata, Space, StorageError, limits};

use crate::entry::{Hash, Line};
use crate::log::{Anchor, Audit, Head, index_lines, read_anchor, read_head};
use crate::{AuditError, keyspace};

/// The most faults that are listed; the others are counted.
pub const LISTED_FAULTS: usize = 100;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verified {
    /// The number of the first entry that is kept.
    pub first: u64,
    /// The hash of the entry before it.
    pub anchor: Hash,
    /// The number of the last entry; 0 where there is none.
    pub last: u64,
    /// Its hash: to be noted elsewhere.
    pub head: Hash,
    /// How many entries were read.
    pub entries: u64,
    /// How many faults there are.
    pub fault_count: u64,
    /// What they are, at most [`LISTED_FAULTS`].
    pub faults: Vec<String>,
}

impl Verified {
    fn fault(&mut self, what: impl Into<String>) {
        self.fault_count += 1;
        if self.faults.len() < LISTED_FAULTS {
            self.faults.push(what.into());
        }
    }
}

impl Audit {
    /// Proves the chain up to what is its head now. `noted` is a number and the hash that the entry of it had once.
    ///
    /// # Errors
    /// Where the store can not be read. What is wrong with the log is in the answer.
    pub async fn verify(&self, noted: Option<(u64, Hash)>) -> Result<Verified, StorageError> {
        let _no_pruning = self.shared.tidying.lock().await;
        verify(&*self.shared.metadata, noted).await
    }
}

/// Proves the chain of the log in `metadata`, from which nobody prunes meanwhile.
///
/// # Errors
/// Where the store can not be read. What is wrong with the log is in the answer.
pub async fn verify(metadata: &dyn Metadata, noted: Option<(u64, Hash)>) -> Result<Verified, StorageError> {
    let mut faults = Vec::new();
    let anchor = sound(read_anchor(metadata).await, Anchor::BEGINNING, &mut faults)?;
    let head = sound(read_head(metadata).await, Head::EMPTY, &mut faults)?;
    let mut chain = Chain {
        expected: anchor.first,
        previous: anchor.previous,
        moment: 0,
        noted,
        index_lines: 0,
        verified: Verified {
            first: anchor.first,
            anchor: anchor.previous,
            last: head.sequence,
            head: head.hash,
            entries: 0,
            fault_count: 0,
            faults: Vec::new(),
        },
    };
    for fault in faults {
        chain.verified.fault(fault);
    }
    let (from, to) = (keyspace::ENTRIES.to_vec(), keyspace::entry(head.sequence.saturating_add(1)));
    let mut next = Some(from);
    while let Some(from) = next {
        let pairs = metadata.scan(Space::CONTROL, &from, Some(&to), limits::SCAN_KEYS).await?;
        for (key, raw) in &pairs {
            if let Some(line) = chain.follow(key, raw) {
                chain.check_index(metadata, &line).await?;
            }
        }
        next = following(&pairs);
    }
    chain.end(head);
    chain.check_beyond(metadata, head).await?;
    Ok(chain.verified)
}

/// What was read; where it is damaged, that is a fault, and `otherwise` stands in its place.
fn sound<T>(read: Result<T, AuditError>, otherwise: T, faults: &mut Vec<String>) -> Result<T, StorageError> {
    match read {
        Ok(value) => Ok(value),
        Err(AuditError::Storage(error)) => Err(error),
        Err(AuditError::Damaged(reason) | AuditError::Unknown(reason)) => {
            faults.push(reason);
            Ok(otherwise)
        }
    }
}

/// Where the scan after this one begins, if there is one.
fn following<V>(pairs: &[(impl AsRef<[u8]>, V)]) -> Option<Vec<u8>> {
    let (last, _) = pairs.last().filter(|_| pairs.len() == limits::SCAN_KEYS)?;
    Some([last.as_ref(), b"\0"].concat())
}

/// How far the chain is proven.
struct Chain {
    expected: u64,
    previous: Hash,
    moment: u64,
    noted: Option<(u64, Hash)>,
    index_lines: u64,
    verified: Verified,
}

impl Chain {
    /// Follows the chain by one entry. After a fault it goes on from what the entry says of itself, so that each fault
    /// is told once.
    fn follow(&mut self, key: &[u8], raw: &[u8]) -> Option<Line> {
        let Some(sequence) = keyspace::parse_entry(key) else {
            self.verified.fault(format!("{} is no place of an entry", String::from_utf8_lossy(key)));
            return None;
        };
        self.verified.entries += 1;
        self.missing_before(sequence);
        self.expected = sequence.saturating_add(1);
        let line = match Line::parse(raw) {
            Ok(line) => line,
            Err(reason) => {
                self.verified.fault(format!("entry {sequence}: {reason}"));
                // What follows says what this one's hash was.
                self.previous = claimed_hash(raw).unwrap_or(self.previous);
                return None;
            }
        };
        if line.entry.sequence != sequence {
            self.verified.fault(format!("entry {sequence} says that it is {}", line.entry.sequence));
        }
        if line.previous != self.previous {
            self.verified.fault(format!("entry {sequence} does not follow the one before it"));
        }
        if line.entry.at.0 < self.moment {
            self.verified.fault(format!("entry {sequence} is earlier than the one before it"));
        }
        if self.noted.is_some_and(|(noted, hash)| noted == sequence && hash != line.hash) {
            self.verified.fault(format!("entry {sequence} has not the hash that was noted: the log was written anew"));
        }
        self.previous = line.hash;
        self.moment = line.entry.at.0;
        Some(line)
    }

    fn missing_before(&mut self, sequence: u64) {
        match sequence.checked_sub(self.expected) {
            None => self.verified.fault(format!("entry {sequence} is before the first one that is kept")),
            Some(0) => {}
            Some(1) => self.verified.fault(format!("entry {} is missing", self.expected)),
            Some(_) => self.verified.fault(format!("entries {} to {} are missing", self.expected, sequence - 1)),
        }
    }

    fn end(&mut self, head: Head) {
        self.missing_before(head.sequence.saturating_add(1));
        if self.expected == head.sequence.saturating_add(1) && self.previous != head.hash {
            self.verified.fault("the last entry has not the hash that the head says");
        }
        if let Some((noted, hash)) = self.noted {
            if noted > head.sequence {
                self.verified.fault(format!("entry {noted}, which was noted, is missing at the end"));
            } else if noted.saturating_add(1) == self.verified.first && hash != self.verified.anchor {
                self.verified.fault(format!("entry {noted}, which is gone, had not the hash that was noted"));
            }
        }
    }

    async fn check_index(&mut self, metadata: &dyn Metadata, line: &Line) -> Result<(), StorageError> {
        for key in index_lines(&line.entry) {
            self.index_lines += 1;
            if metadata.get(Space::CONTROL, &key).await?.is_none() {
                let (sequence, key) = (line.entry.sequence, String::from_utf8_lossy(&key));
                self.verified.fault(format!("entry {sequence} is not in the index at {key}"));
            }
        }
        Ok(())
    }

    /// Looks for entries after the head, and for lines of the indexes that no entry has. What is appended meanwhile is
    /// after the head that is there then.
    async fn check_beyond(&mut self, metadata: &dyn Metadata, head: Head) -> Result<(), StorageError> {
        let mut lines = 0;
        let mut next = Some(keyspace::INDEXES.to_vec());
        while let Some(from) = next {
            let pairs = metadata.scan(Space::CONTROL, &from, Some(keyspace::INDEXES_END), limits::SCAN_KEYS).await?;
            let sequences = pairs.iter().map(|(key, _)| keyspace::parse_line(key));
            lines += sequences.filter(|sequence| sequence.is_none_or(|sequence| sequence <= head.sequence)).count();
            next = following(&pairs);
        }
        if self.verified.fault_count == 0 && lines as u64 != self.index_lines {
            self.verified.fault(format!("the indexes have {lines} lines, and the entries {}", self.index_lines));
        }
        let newest = sound(read_head(metadata).await, head, &mut Vec::new())?;
        let from = keyspace::entry(newest.sequence.saturating_add(1));
        let beyond = metadata.scan(Space::CONTROL, &from, Some(keyspace::ENTRIES_END), 1).await?;
        let is_beyond = match beyond.first() {
            // It may have been appended since the head was read.
            Some((key, _)) => {
                match (keyspace::parse_entry(key), sound(read_head(metadata).await, head, &mut Vec::new())?) {
                    (Some(sequence), now) => sequence > now.sequence,
                    (None, _) => true,
                }
            }
            None => false,
        };
        if is_beyond {
            self.verified.fault("there are entries after the last one that the head names");
        }
        Ok(())
    }
}

/// The hash that a damaged line says it has.
fn claimed_hash(raw: &[u8]) -> Option<Hash> {
    let value: serde_json::Value = serde_json::from_slice(raw).ok()?;
    value.get("hash")?.as_str()?.parse().ok()
}
