//! Walks over a range of keys, by pages that fit the way it is walked.
//!
//! Read in order, pages grow; with jumps beyond what was read they shrink. So a listing reads little more than it
//! answers, whether it takes every key, one of a thousand versions, or one of a million keys under a common prefix.

use std::vec::IntoIter;

use bytes::Bytes;
use storage::{Metadata, Space, StorageError, limits, side};

use crate::ObjectError;
use crate::keyspace::{after_key, just_after, prefix_end, prefix_start};
use crate::listing::{After, Filter};

/// The smallest page, in pairs.
const LEAST: usize = 8;

/// What a walk reads of its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sides {
    /// The front: heads, uploads and parts.
    Front,
    /// Both sides, in the order of places: a head, then the older versions of its key.
    Both,
}

/// A place in a range of keys.
pub(crate) struct Walk<'a> {
    metadata: &'a dyn Metadata,
    space: Space,
    sides: Sides,
    /// Where the next page starts.
    from: Vec<u8>,
    to: Vec<u8>,
    /// What is left of the page that was read last.
    page: IntoIter<(Bytes, Bytes)>,
    page_pairs: usize,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// A walk over `from..to`, starting with pages of `page_pairs`.
    pub(crate) fn new(
        metadata: &'a dyn Metadata,
        space: Space,
        sides: Sides,
        (from, to): (Vec<u8>, Vec<u8>),
        page_pairs: usize,
    ) -> Self {
        let page_pairs = page_pairs.clamp(LEAST, limits::SCAN_KEYS);
        let ended = from >= to;
        Self { metadata, space, sides, from, to, page: Vec::new().into_iter(), page_pairs, ended }
    }

    /// The next pair.
    pub(crate) async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        if self.page.as_slice().is_empty() && !self.ended {
            let (from, to) = (&self.from, Some(self.to.as_slice()));
            let page = match self.sides {
                Sides::Front => self.metadata.scan(self.space, from, to, self.page_pairs).await?,
                Sides::Both => self.metadata.scan_both(self.space, from, to, self.page_pairs).await?,
            };
            self.ended = page.len() < self.page_pairs;
            self.page_pairs = (self.page_pairs * 2).min(limits::SCAN_KEYS);
            if let Some((last, _)) = page.last() {
                self.from = just_after(last);
            }
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }

    /// Goes on at `target`, a name of the front, which is not before where the walk is.
    pub(crate) fn seek(&mut self, target: Vec<u8>) {
        let passed = self.page.as_slice().partition_point(|(name, _)| side::order(name, &target).is_lt());
        self.page.by_ref().take(passed).for_each(drop);
        if self.page.as_slice().is_empty() && !self.ended && target > self.from {
            self.ended = target >= self.to;
            self.from = target;
            self.page_pairs = (self.page_pairs / 4).max(LEAST);
        }
    }
}

/// The range of `area` that a listing reads: what starts with the prefix, and comes after all of `after`. `None` where
/// nothing can match.
pub(crate) fn range(area: u8, filter: &Filter, after: &After) -> Option<(Vec<u8>, Vec<u8>)> {
    if filter.prefix.len() > types::ObjectKey::MAX_BYTES {
        return None;
    }
    let start = match after {
        After::Entry(name) if name.is_empty() => Vec::new(),
        After::Entry(name) => match rolled_up(name, filter) {
            Some(common) => prefix_end(area, common.as_bytes()),
            None => after_name(area, name),
        },
        After::Key(name) => after_name(area, name),
    };
    let prefix = filter.prefix.as_bytes();
    Some((start.max(prefix_start(area, prefix)), prefix_end(area, prefix)))
}

/// The first name after a key. No key is longer than the bound, so the bytes after one more do not matter.
fn after_name(area: u8, name: &str) -> Vec<u8> {
    after_key(area, &name.as_bytes()[..name.len().min(types::ObjectKey::MAX_BYTES + 1)])
}

/// The common prefix that `key` is rolled up into, if it is.
pub(crate) fn rolled_up<'a>(key: &'a str, filter: &Filter) -> Option<&'a str> {
    if filter.delimiter.is_empty() {
        return None;
    }
    let at = key.strip_prefix(filter.prefix.as_str())?.find(filter.delimiter.as_str())?;
    Some(&key[..filter.prefix.len() + at + filter.delimiter.len()])
}

/// The first name after all keys under a common prefix.
pub(crate) fn after_common_prefix(area: u8, common: &str) -> Vec<u8> {
    prefix_end(area, common.as_bytes())
}

/// The pairs of the first page for a listing of at most `max` entries.
pub(crate) fn first_page(filter: &Filter, max: usize) -> usize {
    // With a delimiter most of what is read may be passed over.
    if filter.delimiter.is_empty() { max + 1 } else { (max + 1).min(64) }
}

/// How many entries a page has at most.
pub(crate) fn most(filter: &Filter) -> usize {
    filter.max_keys.min(crate::listing::MAX_KEYS)
}

/// A key as it was read from a storage key.
pub(crate) fn object_key(key: &str) -> Result<types::ObjectKey, ObjectError> {
    types::ObjectKey::new(key).map_err(|error| StorageError::Damaged(error.to_string()).into())
}
