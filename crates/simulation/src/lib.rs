//! Seeded simulation of `objects` on the embedded engine over a faulty disk, and histories of real threads.
//!
//! # Simulation
//!
//! [`run`] lives through several lives of a store. In each, clients put, get, copy, list and delete objects and
//! versions, and upload in parts, on a few keys that they share; the disk fails to read, write, sync or allocate, reads
//! by half or fills up; the clock jumps; and the power fails in the middle of whatever is done, so that what was not
//! synced is lost, kept or torn. Then the store is opened on what is left, which may fail halfway too.
//!
//! What each request is told is compared with a `model` of S3: every acknowledged write is there, whole; nothing deleted
//! comes back; what was not acknowledged is there whole or not at all; a read never yields wrong bytes, and fails only
//! where a fault explains it. After every opening, and now and then in between, `recover` leaves nothing half done, and
//! versions, bytes, listings, uploads, usage and the number of blobs are what the model says (`audit`); the store's own
//! check finds nothing, and no file is nobody's.
//!
//! # What replays
//!
//! Everything that the seed decides and everything that follows from it: which requests are made, in which order
//! clients, committer, preparer, keeper and reclaimer take their steps ([`storage_embedded::Steps`]), each fault, each
//! sector that a crash loses, all ids and the clock. The store has no threads. Blocking work of the runtime has one
//! thread, and nothing else happens until it is done. [`run_many`] runs seeds side by side, each as if it were alone;
//! `tests/seeds.rs` runs some again and compares.
//!
//! What it does not cover: the engine's own threads racing (the engine's crash tests and [`history`] have them), and
//! the files of the index, which the tree writes itself to a real directory: they are not torn, only left as they are
//! or, where the log still has everything, lost as a whole.
//!
//! # Histories
//!
//! [`history`] records concurrent conditional writes and reads from real threads and checks that each key is
//! linearizable.

mod audit;
mod caller;
mod client;
mod content;
mod dice;
pub mod history;
mod ledger;
mod many;
mod model;
mod multipart;
mod run;
mod store;

pub use many::{Total, run_many};
pub use run::{Report, Violation, run};
