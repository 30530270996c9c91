//! The audit log: who did what to whom from where, append-only, each entry chained to the one before by its hash.
//!
//! Whoever carries out an act that changes who may do what opens a [`Pending`] with [`Audit::begin`] before the act, and
//! ends it after, before it is answered: [`Pending::end`] returns when the entry is durable. One that is dropped, because the
//! client went away, is recorded with an unknown outcome. So no act on this way goes unrecorded; [`entry`] says what an
//! entry holds, and never a secret or a body.
//!
//! [`log`] appends: one batch at a time, with all entries that wait. [`query`] reads pages, [`verify`] proves the chain, and
//! [`retention`] takes old entries off its beginning and leaves an anchor, so that the rest stays provable. Keys and records
//! are described in `docs/format/audit.md`, and what operators do with all this in `docs/audit.md`.

mod actor;
pub mod entry;
mod error;
mod keyspace;
pub mod log;
pub mod query;
pub mod retention;
pub mod verify;

pub use actor::{Actor, ActorError};
pub use entry::{Act, Ending, Entry, Hash, Line, Outcome, Source, Via};
pub use error::AuditError;
pub use log::{AUDIT_ENTRIES, AUDIT_FAILURES, Audit, Head, Pending};
pub use query::{Filter, Order, Page, Pattern};
pub use verify::{Verified, verify};

#[cfg(test)]
mod tests;
