//! The numbers beside the tree, against a model.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use lsm_tree::AbstractTree as _;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use storage::Space;
use tempfile::TempDir;
use types::BlobId;

use super::stage::Stage;
use super::{Index, keys};
use crate::blobs::place::Place;
use crate::disk::MemoryDisk;
use crate::log::segments::Segments;

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u8, i8),
    Put(u8),
    /// What was added and put becomes visible.
    Apply,
    Seal,
    Flush,
    /// What was not flushed is lost.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..6_u8, any::<i8>()).prop_map(|(counter, delta)| Step::Add(counter, delta)),
        2 => (0..6_u8).prop_map(Step::Put),
        4 => Just(Step::Apply),
        1 => Just(Step::Seal),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..60)
}

/// What an index has as of some moment.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct State {
    record: u64,
    counters: BTreeMap<u8, i64>,
    pairs: BTreeMap<u8, u64>,
}

impl State {
    fn entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let counters =
            self.counters.iter().map(|(name, value)| (keys::counter(&[*name]), value.to_le_bytes().to_vec()));
        let pairs = self.pairs.iter().map(|(key, value)| (pair(*key), value.to_le_bytes().to_vec()));
        let record = (self.record > 0).then(|| (keys::APPLIED.to_vec(), self.record.to_le_bytes().to_vec()));
        counters.chain(pairs).chain(record).collect()
    }
}

fn pair(key: u8) -> Vec<u8> {
    keys::pair(Space(3), [&[key], b""])
}

fn verify(index: &Index, expected: &State) -> Result<(), TestCaseError> {
    let moment = index.moment();
    prop_assert_eq!(index.last_record(&moment).expect("it reads"), expected.record);
    let mut found = Vec::new();
    let walked = index.for_each(&moment, |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::<()>::Continue(())
    });
    assert!(walked.expect("it reads").is_continue());
    prop_assert_eq!(found, expected.entries().into_iter().collect::<Vec<_>>());
    let names: Vec<_> = (0..6_u8).map(|name| keys::counter(&[name])).collect();
    let values: Vec<_> = (0..6_u8).map(|name| expected.counters.get(&name).copied().unwrap_or(0)).collect();
    prop_assert_eq!(index.numbers(&names).expect("they read"), values);
    Ok(())
}

fn open(directory: &TempDir) -> Index {
    Index::open(directory.path(), 1 << 20).expect("it opens")
}

/// An index with nothing in it, and what stands around it.
fn empty() -> (TempDir, Index, Segments) {
    let directory = tempfile::tempdir().expect("there is room");
    let index = open(&directory);
    (directory, index, Segments::new(Arc::new(MemoryDisk::new())))
}

fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (directory, mut index, segments) = empty();
    let mut stage = Stage::default();
    let (mut staged, mut visible, mut sealed, mut flushed) =
        (State::default(), State::default(), State::default(), State::default());
    for (number, step) in (1..).zip(steps) {
        match step {
            Step::Add(name, delta) => {
                stage.add(&index, &[name], i64::from(delta)).expect("it reads");
                *staged.counters.entry(name).or_default() += i64::from(delta);
            }
            Step::Put(key) => {
                stage.put(pair(key), &u64::to_le_bytes(number));
                staged.pairs.insert(key, number);
            }
            Step::Apply => {
                index.apply(&mut stage, number, &segments);
                staged.record = number;
                visible = staged.clone();
            }
            Step::Seal => {
                index.seal(visible.record);
                sealed = visible.clone();
            }
            Step::Flush => {
                index.flush().expect("it flushes");
                flushed = sealed.clone();
                prop_assert_eq!(index.checkpoint(), flushed.record);
            }
            Step::Reopen => {
                drop(index);
                index = open(&directory);
                stage = Stage::default();
                [staged, visible, sealed] = [(); 3].map(|()| flushed.clone());
                prop_assert_eq!(index.checkpoint(), flushed.record);
            }
        }
        verify(&index, &visible)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn numbers_are_those_of_the_moment_and_are_flushed_with_its_record(steps in steps()) {
        check(steps)?;
    }
}

/// What is read from the tree is a part of a block, and would hold all of it in memory until the next flush.
#[test]
fn a_retired_place_holds_no_block_in_memory() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    let ids: Vec<_> = (0..100).map(|number| BlobId([number; 16])).collect();
    for id in &ids {
        stage.keep(*id, Place::Packed { segment: 1, offset: 0, length: 10, crc64: 0 });
    }
    index.apply(&mut stage, 1, &segments);
    index.seal(1);
    index.flush().expect("it flushes");
    for id in &ids {
        let place = stage.kept(&index, *id).expect("it reads");
        assert!(stage.retire(*id, place), "it was kept");
    }
    let values: Vec<_> = stage.drain().changes.filter_map(|(_, value)| value).collect();
    assert_eq!(values.len(), ids.len());
    assert!(values.iter().all(Bytes::is_unique), "a value is part of what the index read");
}

/// The tree's version before a flush has the memtable, and stays for its readers, but for nobody else.
#[test]
fn a_flushed_memtable_is_freed_once_no_reader_needs_it() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    stage.put(pair(1), b"one");
    index.apply(&mut stage, 1, &segments);
    let memtable = Arc::downgrade(&index.tree.active_memtable());
    index.seal(1);
    let reader = index.snapshot();
    index.flush().expect("it flushes");
    let forget = || {
        index.move_on();
        index.forget_versions().expect("it forgets");
    };
    forget();
    assert!(memtable.upgrade().is_some(), "there is a reader of its moment");
    drop(reader);
    forget();
    assert!(memtable.upgrade().is_none(), "nobody needs it");
    assert_eq!(index.get(&index.snapshot(), &pair(1)).expect("it reads").as_deref(), Some(&b"one"[..]));
}
