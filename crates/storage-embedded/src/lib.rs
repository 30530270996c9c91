//! The default engine: one machine, one directory. The only crate that touches `std::fs`.
//!
//! **The log is the database.** Every batch, with the small bodies in it, is a record of one append-only log ([`log`]),
//! written once; batches that arrive together share one write and one sync. An index ([`index`], an LSM tree) maps keys
//! to values and blobs to their places; it is written behind the log and says up to which record it is on disk, so that
//! opening replays only what follows. Large blobs are files of their own ([`blobs`]), durable before a batch names
//! them.
//!
//! Threads: the *committer* ([`committer`]) alone appends to the log and changes the index; a writer who is alone
//! does its work for himself. The *preparer* makes the
//! next segment of the log ahead of need and watches free space, the *keeper* flushes and compacts the index, the
//! *reclaimer* ([`reclaim`]) deletes what was retired and rewrites segments that are mostly dead. Readers take a
//! snapshot of the index and wait for nobody. A simulation has [`Steps`] in place of the threads: it decides what is
//! done next, and a run can be replayed.
//!
//! [`check`] looks whether a store is whole, [`backup`] copies one while it serves, and [`restore`] makes one from such
//! a copy.
//!
//! All files go through [`disk::Disk`], except the index's, which the tree reads and writes itself.
//! `docs/format/embedded.md` describes every file byte by byte.

mod backup;
mod blobs;
mod check;
mod committer;
mod crc;
pub mod disk;
mod error;
mod index;
mod layout;
mod log;
mod maintenance;
mod options;
mod reclaim;
mod restore;
mod steps;
mod store;
mod threads;

pub use error::OpenError;
pub use options::{Options, Preparation};
pub use restore::{RestoreError, Restored, restore};
pub use steps::Steps;
pub use store::EmbeddedStore;
