//! The rules of the contracts as tests that any engine runs.
//!
//! One public function is one rule, and panics where an engine breaks it, so that a failure names its rule; [`run`]
//! takes them all. Rules only use the contracts, plus [`Subject::reopen`] for what a restart must keep.
//!
//! The files follow the contract: [`keys`] (get and scan), [`sides`], [`stamps`], [`batches`], [`spaces`] (close and erase),
//! [`blobs`], and [`random`], which compares an engine with the memory reference over long random histories.

pub mod batches;
pub mod blobs;
pub mod keys;
pub mod random;
pub mod sides;
pub mod spaces;
pub mod stamps;

use async_trait::async_trait;
use bytes::Bytes;
use types::BlobId;

use crate::{Batch, CommitError, Engine, Space};

/// An engine under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// A new and empty engine.
    async fn open(&self) -> Engine;

    /// Ends `engine` in an orderly way and opens the same data again.
    async fn reopen(&self, engine: Engine) -> Engine;
}

/// Runs every rule, each on an engine of its own.
///
/// # Panics
/// Where a rule is broken.
pub async fn run(subject: &dyn Subject) {
    run_keys(subject).await;
    run_batches(subject).await;
    run_blobs(subject).await;
    spaces::close_refuses_a_space_in_use(subject).await;
    spaces::closed_space_takes_no_commits(subject).await;
    spaces::erase_removes_every_key(subject).await;
    stamps::changes_are_told(subject).await;
    stamps::what_was_read_under_a_stamp_is_never_outdated(subject).await;
    for seed in 1..=4 {
        random::agrees_with_the_reference(subject, seed, 300).await;
    }
}

async fn run_keys(subject: &dyn Subject) {
    keys::get_returns_the_last_value(subject).await;
    keys::spaces_are_apart(subject).await;
    keys::scan_keeps_its_bounds(subject).await;
    keys::scan_pages_without_loss_or_repetition(subject).await;
    keys::scan_is_bounded_whatever_is_asked(subject).await;
    keys::scan_sees_one_moment(subject).await;
    keys::any_bytes_are_keys(subject).await;
    sides::a_batch_changes_both_sides_of_its_group(subject).await;
    sides::scan_both_keeps_the_order_of_places(subject).await;
    sides::scan_both_sees_one_moment(subject).await;
    keys::pairs_survive_reopening(subject).await;
}

async fn run_batches(subject: &dyn Subject) {
    batches::every_expectation_is_checked(subject).await;
    batches::conflict_names_the_first_failure_and_changes_nothing(subject).await;
    batches::deletes_happen_before_puts(subject).await;
    batches::one_of_many_concurrent_writers_wins(subject).await;
    batches::what_changed_since_the_moment_conflicts(subject).await;
    batches::counters_are_exact_and_bounded(subject).await;
    batches::counters_are_never_overrun_by_concurrency(subject).await;
    batches::bounds_are_refused(subject).await;
    batches::the_largest_batch_is_taken(subject).await;
    batches::readers_follow_acknowledgements(subject).await;
}

async fn run_blobs(subject: &dyn Subject) {
    blobs::inline_and_made_blobs_are_read_back(subject).await;
    blobs::ranges_are_exact(subject).await;
    blobs::an_unkept_blob_vanishes_on_reopening(subject).await;
    blobs::a_dropped_writer_leaves_nothing(subject).await;
    blobs::keeping_what_was_never_made_fails(subject).await;
    blobs::keeping_twice_is_refused(subject).await;
    blobs::a_failed_batch_keeps_and_retires_nothing(subject).await;
    blobs::a_pin_keeps_retired_blobs_readable(subject).await;
    blobs::a_later_pin_keeps_nothing_back(subject).await;
    blobs::links_are_kept_and_retired_for_themselves(subject).await;
    blobs::list_pages_through_kept_blobs(subject).await;
    blobs::retiring_discards_what_was_made(subject).await;
}

/// The space that rules use where one is enough.
const SPACE: Space = Space(7);

/// A batch that puts one pair.
fn put(key: &str, value: &str) -> Batch {
    Batch { put: vec![(key.as_bytes().to_vec(), Bytes::copy_from_slice(value.as_bytes()))], ..Batch::default() }
}

async fn commit(engine: &Engine, group: &str, batch: Batch) -> Result<(), CommitError> {
    engine.metadata.commit(SPACE, group.as_bytes(), batch).await
}

/// Commits what must succeed.
async fn committed(engine: &Engine, group: &str, batch: Batch) {
    let outcome = commit(engine, group, batch).await;
    assert!(outcome.is_ok(), "a valid batch fails: {outcome:?}");
}

async fn get(engine: &Engine, key: &str) -> Option<String> {
    let value = engine.metadata.get(SPACE, key.as_bytes()).await.expect("get works");
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

async fn scan(engine: &Engine, from: &str, to: Option<&str>, limit: usize) -> Vec<(String, String)> {
    let pairs = engine.metadata.scan(SPACE, from.as_bytes(), to.map(str::as_bytes), limit).await.expect("scan works");
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    pairs.iter().map(|(key, value)| (text(key), text(value))).collect()
}

/// Blob ids that a rule can tell apart.
fn blob_id(number: u8) -> BlobId {
    BlobId([number; 16])
}

/// Bytes that differ from place to place, so that a wrong range or order shows.
fn pattern(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}
