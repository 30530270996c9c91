//! The log: an append-only sequence of records in segments.
//!
//! [`format`] frames records and segments, [`records`] says what is inside one, [`segments`] knows every segment and
//! how much of it is alive, [`writer`] appends groups, [`recovery`] reads back what follows the index's checkpoint,
//! [`reading`] what lies in a segment that is long written.
//!
//! Records are numbered from 1 without gaps. Those that one sync covers form a *group*: each names the first of its
//! group, and the last is marked. A group lies in one segment. A group is acknowledged once it is synced, and the next
//! is written only then; so at most the last group of the log can be torn, and whatever else does not verify is
//! damage.

pub(crate) mod format;
pub(crate) mod reading;
pub(crate) mod records;
pub(crate) mod recovery;
pub(crate) mod segments;
pub(crate) mod writer;
