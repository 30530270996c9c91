//! Until when something is granted: the arguments that say so.

use ::admin::date::parse_date;
use clap::Args;
use identity::Term;
use types::{Clock, SystemClock, Timestamp};

/// `--for` or `--until`.
#[derive(Debug, Args)]
pub(crate) struct Until {
    /// For how long, such as 30d, 6mo or 1y.
    #[arg(long = "for", value_name = "TERM", conflicts_with = "until")]
    term: Option<Term>,
    /// Until when, such as 2027-01-31.
    #[arg(long, alias = "expires", value_name = "DATE", value_parser = parse_date)]
    until: Option<Timestamp>,
}

impl Until {
    /// The moment that is meant, if any.
    pub(super) fn moment(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.or_else(|| self.term.map(|term| term.end(now)))
    }

    /// The moment that is meant; in a year where none is.
    pub(super) fn or_a_year(&self, now: Timestamp) -> Option<Timestamp> {
        self.moment(now).or_else(|| Some(Term::YEAR.end(now)))
    }
}

/// This moment, as the terms on the command line begin.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}
