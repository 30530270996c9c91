//! Reading the log: pages of what a filter lets through, by seeking where it can.
//!
//! A page looks at a bounded number of entries, however few of them the filter lets through: a page may be short, or
//! empty, and still name where the next one begins. Newest first, the filters by tenancy and by actor read their index; the
//! bounds in time are found by halving, because the moments of entries never go back.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use storage::{Metadata, Space, limits};
use types::{TenancyName, Timestamp};

use crate::entry::{Entry, Line, Outcome};
use crate::log::{Audit, parse, read_anchor, read_head, read_line};
use crate::{Actor, AuditError, keyspace};

/// The most entries of one page.
pub const PAGE_ENTRIES: usize = 1000;
/// The most entries that one page looks at.
const LOOKED_AT: u64 = 5000;
/// How many entries are read in one step.
const STEP: u64 = 500;

/// A text, or with a `*` at its end the beginning of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => text == self.0,
        }
    }
}

impl FromStr for Pattern {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Which entries are wanted: those of which all that is given holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// About this tenancy.
    pub tenancy: Option<TenancyName>,
    /// By this actor.
    pub actor: Option<Actor>,
    /// Of such an action.
    pub action: Option<Pattern>,
    /// To such a target.
    pub target: Option<Pattern>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// Whether all of it holds for `entry`.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.tenancy.as_ref().is_none_or(|tenancy| entry.tenancy.as_ref() == Some(tenancy))
            && self.actor.as_ref().is_none_or(|actor| entry.actor == *actor)
            && self.action.as_ref().is_none_or(|action| action.matches(&entry.action))
            && self.target.as_ref().is_none_or(|target| target.matches(&entry.target))
            && self.outcome.is_none_or(|outcome| entry.outcome == outcome)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }

    /// The index that holds all that the filter lets through, where there is one.
    fn index(&self) -> Option<Vec<u8>> {
        let by_actor = || self.actor.as_ref().map(keyspace::by_actor);
        self.tenancy.as_ref().map(keyspace::by_tenancy).or_else(by_actor)
    }
}

/// In which order entries come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The last one first.
    #[default]
    Newest,
    /// As they were written.
    Oldest,
}

/// A part of what a filter lets through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The entries.
    pub lines: Vec<Line>,
    /// What to ask for the next page with, where there may be more.
    pub next: Option<u64>,
}

impl Audit {
    /// A page of the entries that `filter` lets through, in `order`: those after the one of the number `after`, at most
    /// `limit` and [`PAGE_ENTRIES`].
    ///
    /// # Errors
    /// Those of the store, and [`AuditError::Damaged`] where an entry is not as it was written.
    pub async fn page(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Page, AuditError> {
        let limit = limit.clamp(1, PAGE_ENTRIES);
        let mut range = Range::of(&*self.shared.metadata, filter).await?;
        match (order, after) {
            (_, None) => {}
            (Order::Newest, Some(after)) => range.end = range.end.min(after),
            (Order::Oldest, Some(after)) => range.first = range.first.max(after.saturating_add(1)),
        }
        let mut page = Page::default();
        let mut looked_at = 0;
        loop {
            let (lines, is_all) = self.step(filter, order, range).await?;
            for line in lines {
                let sequence = line.entry.sequence;
                match order {
                    Order::Newest => range.end = sequence,
                    Order::Oldest => range.first = sequence + 1,
                }
                looked_at += 1;
                if filter.matches(&line.entry) {
                    page.lines.push(line);
                }
                if page.lines.len() == limit || looked_at >= LOOKED_AT {
                    page.next = (range.first < range.end).then_some(sequence);
                    return Ok(page);
                }
            }
            if is_all {
                return Ok(page);
            }
        }
    }

    /// Some entries of `range` at the end where `order` begins, among them all there that the filter lets through, and whether
    /// that is all of it.
    async fn step(&self, filter: &Filter, order: Order, range: Range) -> Result<(Vec<Line>, bool), AuditError> {
        let metadata = &*self.shared.metadata;
        if range.first >= range.end {
            return Ok((Vec::new(), true));
        }
        match (order, filter.index()) {
            (Order::Newest, Some(index)) => {
                let from = keyspace::line(&index, range.end - 1);
                let to = [keyspace::line(&index, range.first).as_slice(), b"\0"].concat();
                let step = limits::SCAN_KEYS.min(STEP as usize);
                let found = metadata.scan(Space::CONTROL, &from, Some(&to), step).await?;
                let mut lines = Vec::with_capacity(found.len());
                for (key, _) in &found {
                    let damaged = || AuditError::Damaged(format!("index line {}", String::from_utf8_lossy(key)));
                    let sequence = keyspace::parse_line(key).ok_or_else(damaged)?;
                    // One that is gone was old.
                    lines.extend(read_line(metadata, sequence).await?);
                }
                let is_all = found.len() < step || lines.is_empty();
                Ok((lines, is_all))
            }
            (Order::Newest, None) => {
                let part = Range { first: range.first.max(range.end.saturating_sub(STEP)), ..range };
                let mut lines = part.read(metadata).await?;
                lines.reverse();
                let is_all = part.first == range.first || lines.is_empty();
                Ok((lines, is_all))
            }
            (Order::Oldest, _) => {
                let part = Range { end: range.end.min(range.first.saturating_add(STEP)), ..range };
                let lines = part.read(metadata).await?;
                let is_all = part.end == range.end || lines.is_empty();
                Ok((lines, is_all))
            }
        }
    }
}

/// Numbers of entries, from the first one to before the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) end: u64,
}

impl Range {
    /// All that are kept and lie in the time of `filter`.
    async fn of(metadata: &dyn Metadata, filter: &Filter) -> Result<Self, AuditError> {
        let anchor = read_anchor(metadata).await?;
        let head = read_head(metadata).await?;
        let all = Self { first: anchor.first, end: head.sequence + 1 };
        let first = match filter.from {
            Some(from) => all.first_not_before(metadata, from).await?,
            None => all.first,
        };
        let end = match filter.to {
            Some(to) => all.first_not_before(metadata, to).await?,
            None => all.end,
        };
        Ok(Self { first, end })
    }

    /// The first one whose moment is not before `moment`, found by halving; the end where there is none.
    pub(crate) async fn first_not_before(self, metadata: &dyn Metadata, moment: Timestamp) -> Result<u64, AuditError> {
        let Self { mut first, mut end } = self;
        while first < end {
            let middle = first + (end - first) / 2;
            match read_line(metadata, middle).await? {
                // One that is gone was old.
                None => first = middle + 1,
                Some(line) if line.entry.at < moment => first = middle + 1,
                Some(_) => end = middle,
            }
        }
        Ok(first)
    }

    async fn read(self, metadata: &dyn Metadata) -> Result<Vec<Line>, AuditError> {
        let (from, to) = (keyspace::entry(self.first), keyspace::entry(self.end));
        let pairs = metadata.scan(Space::CONTROL, &from, Some(&to), limits::SCAN_KEYS).await?;
        let parsed = pairs.iter().map(|(key, raw)| {
            let damaged = || AuditError::Damaged(format!("entry {}", String::from_utf8_lossy(key)));
            parse(keyspace::parse_entry(key).ok_or_else(damaged)?, raw)
        });
        parsed.collect()
    }
}
