//! The space that the log takes: bounded by what lives, and at rest without work to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::{Strategy, prop, prop_assert, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use storage::{Batch, Metadata, NewBlob, Space};
use storage_embedded::disk::MemoryDisk;
use storage_embedded::{EmbeddedStore, Options, Preparation, Steps};
use types::{BlobId, SeededEntropy};

const SPACE: Space = Space(1);
const SEGMENT_BYTES: u64 = 64 << 10;
const REPLAY_BYTES: u64 = 96 << 10;
/// What a moved body takes in the log beside its bytes, as `docs/format/embedded.md` has it.
const MOVED_BYTES: u64 = 40;
/// The segment that is written to, the one that is ready, and the last that was moved to.
const SPARE_SEGMENTS: u64 = 3;
/// Rounds of all threads in which a store must come to rest.
const ROUNDS: usize = 400;

/// One change of one of a few keys.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// It gets a body of so many bytes; the one before is retired.
    Put(u8, usize),
    /// It goes.
    Delete(u8),
}

/// The store and what must be in it.
struct World {
    disk: MemoryDisk,
    store: Arc<EmbeddedStore>,
    steps: Steps,
    /// The blob of each key, and its length.
    bodies: BTreeMap<u8, (BlobId, usize)>,
    next: u128,
    _index: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let disk = MemoryDisk::new();
        let index = tempfile::tempdir().expect("there is room");
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            memtable_bytes: 32 << 10,
            replay_bytes: REPLAY_BYTES,
            cache_bytes: 1 << 20,
            reserve_bytes: 0,
            preparation: Preparation::Reserved,
            ..Options::default()
        };
        let path = index.path().join("index");
        let opened = EmbeddedStore::open_stepped(Arc::new(disk.clone()), &path, options, &SeededEntropy::new(1));
        let (store, steps) = opened.expect("it opens");
        Self { disk, store, steps, bodies: BTreeMap::new(), next: 1, _index: index }
    }

    async fn apply(&mut self, change: Change) {
        let (key, body) = match change {
            Change::Put(key, length) => (key, Some(length)),
            Change::Delete(key) => (key, None),
        };
        let name = vec![b'k', key];
        let mut batch =
            Batch { retire: self.bodies.remove(&key).map(|(id, _)| id).into_iter().collect(), ..Batch::default() };
        match body {
            Some(length) => {
                let id = BlobId(self.next.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes());
                self.next += 1;
                batch.put = vec![(name.clone(), Bytes::from_static(b"record"))];
                batch.keep = vec![NewBlob::Inline(id, vec![key; length].into())];
                self.bodies.insert(key, (id, length));
            }
            None => batch.delete = vec![name.clone()],
        }
        let (store, steps) = (&self.store, &mut self.steps);
        let (committed, _) = tokio::join!(store.commit(SPACE, &name, batch), async { steps.commit() });
        committed.expect("commit works");
    }

    /// One turn of each thread. Answers whether the disk saw anything of it.
    fn turn(&mut self) -> bool {
        let before = self.disk.operations();
        self.steps.flush().expect("it flushes");
        self.steps.reclaim();
        self.steps.prepare();
        self.disk.operations() != before
    }

    fn log_bytes(&self) -> u64 {
        self.disk.files("log/").iter().map(|(_, length)| length).sum()
    }

    /// Gives back what can be given back; then the bound that `docs/operations.md` states holds. The index may lag
    /// behind the log by `lag_bytes`.
    fn come_to_rest(&mut self, lag_bytes: u64) -> Result<(), TestCaseError> {
        let rested = (0..ROUNDS).any(|_| !self.turn() && !self.turn() && !self.turn());
        prop_assert!(rested, "the store does not come to rest");
        let living: u64 = self.bodies.values().map(|(_, length)| *length as u64 + MOVED_BYTES).sum();
        let bound = 2 * living + lag_bytes + SPARE_SEGMENTS * SEGMENT_BYTES;
        let taken = self.log_bytes();
        prop_assert!(taken <= bound, "the log takes {} bytes, and {} are allowed", taken, bound);
        Ok(())
    }
}

fn changes(lengths: impl Strategy<Value = usize> + 'static) -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => (0..48_u8, lengths).prop_map(|(key, length)| Change::Put(key, length)),
        1 => (0..48_u8).prop_map(Change::Delete),
    ];
    prop::collection::vec(change, 200..600)
}

fn check(changes: Vec<Change>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut world = World::new();
    for change in changes {
        runtime.block_on(world.apply(change));
        world.turn();
    }
    world.come_to_rest(REPLAY_BYTES)?;
    // Nothing is written between the two, so what is left of the index is flushed.
    world.steps.rest();
    world.steps.rest();
    world.come_to_rest(0)
}

proptest! {
    #![proptest_config(Config { cases: 8, ..Config::default() })]

    #[test]
    fn the_log_is_at_most_twice_what_lives_and_a_few_segments(changes in changes(1..6000_usize)) {
        check(changes)?;
    }

    #[test]
    fn bodies_of_a_few_bytes_are_not_moved_for_ever(changes in changes(1..12_usize)) {
        check(changes)?;
    }
}
