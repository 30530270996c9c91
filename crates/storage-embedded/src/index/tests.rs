//! The tree and what stands over it, against a model.

use std::collections::{BTreeMap, BTreeSet};
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

use super::overlay::RETIRED_BLOBS;
use super::stage::Stage;
use super::{Index, keys};
use crate::blobs::place::Place;
use crate::disk::MemoryDisk;
use crate::log::segments::{Facts, Segments};

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u8, i8),
    Put(u8),
    Keep(u8),
    Retire(u8),
    Forget(u8),
    Move(u8),
    /// What was changed becomes visible.
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
        3 => (0..6_u8).prop_map(Step::Keep),
        3 => (0..6_u8).prop_map(Step::Retire),
        2 => (0..6_u8).prop_map(Step::Forget),
        1 => (0..6_u8).prop_map(Step::Move),
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
    kept: BTreeMap<u8, Place>,
    retired: BTreeMap<u8, Place>,
    /// Whether there ever was a body.
    has_bodies: bool,
}

impl State {
    fn entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let counters =
            self.counters.iter().map(|(name, value)| (keys::counter(&[*name]), value.to_le_bytes().to_vec()));
        let pairs = self.pairs.iter().map(|(key, value)| (pair(*key), value.to_le_bytes().to_vec()));
        let record = (self.record > 0).then(|| (keys::APPLIED.to_vec(), self.record.to_le_bytes().to_vec()));
        let kept = self.kept.iter().map(|(blob, place)| (keys::blob(id(*blob)), place.encode().to_vec()));
        let retired = self.retired.iter().map(|(blob, place)| (keys::retired(id(*blob)), place.encode().to_vec()));
        let live = self.has_bodies.then(|| (keys::segment(SEGMENT), self.live().to_le_bytes().to_vec()));
        counters.chain(pairs).chain(record).chain(kept).chain(retired).chain(live).collect()
    }

    fn live(&self) -> u64 {
        BODY_BYTES * (self.kept.len() + self.retired.len()) as u64
    }
}

/// The segment that all bodies are in.
const SEGMENT: u64 = 1;
const BODY_BYTES: u64 = 10;

fn place(number: u32) -> Place {
    Place::Packed { segment: SEGMENT, offset: number, length: BODY_BYTES as u32, crc64: 0 }
}

fn id(blob: u8) -> BlobId {
    BlobId([blob; 16])
}

fn pair(key: u8) -> Vec<u8> {
    keys::pair(Space(3), [&[key], b""])
}

fn verify(index: &Index, expected: &State) -> Result<(), TestCaseError> {
    let view = index.view();
    prop_assert_eq!(index.last_record(&view).expect("it reads"), expected.record);
    let mut found = Vec::new();
    let walked = index.for_each(view, |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::<()>::Continue(())
    });
    assert!(walked.expect("it reads").is_continue());
    prop_assert_eq!(found, expected.entries().into_iter().collect::<Vec<_>>());
    let names: Vec<_> = (0..6_u8).map(|name| keys::counter(&[name])).collect();
    let values: Vec<_> = (0..6_u8).map(|name| expected.counters.get(&name).copied().unwrap_or(0)).collect();
    prop_assert_eq!(index.numbers(&names).expect("they read"), values);
    let kept: Vec<_> = expected.kept.iter().map(|(blob, place)| (id(*blob), *place)).collect();
    prop_assert_eq!(&index.kept(None, 2).expect("they read"), &kept[..kept.len().min(2)]);
    let later = kept.iter().copied().filter(|(blob, _)| *blob > id(2)).collect::<Vec<_>>();
    prop_assert_eq!(index.kept(Some(id(2)), 9).expect("they read"), later);
    prop_assert_eq!(index.retired().expect("they read"), expected.retired.keys().copied().map(id).collect());
    for blob in 0..6 {
        prop_assert_eq!(index.is_kept(id(blob)).expect("it reads"), expected.kept.contains_key(&blob));
    }
    Ok(())
}

fn open(directory: &TempDir) -> Index {
    Index::open(directory.path(), 1 << 20).expect("it opens")
}

/// An index with nothing in it, and what stands around it.
fn empty() -> (TempDir, Index, Segments) {
    let directory = tempfile::tempdir().expect("there is room");
    let index = open(&directory);
    let segments = Segments::new(Arc::new(MemoryDisk::new()));
    segments.insert(SEGMENT, Facts { last: None, used: 0, live: 0 });
    (directory, index, segments)
}

/// Changes a blob in a stage, and in the model where it is as it must be.
fn change_blob(
    index: &Index,
    stage: &mut Stage,
    staged: &mut State,
    step: Step,
    number: u32,
) -> Result<(), TestCaseError> {
    match step {
        Step::Keep(blob) if !staged.retired.contains_key(&blob) && !staged.kept.contains_key(&blob) => {
            stage.keep(id(blob), place(number));
            staged.kept.insert(blob, place(number));
            staged.has_bodies = true;
        }
        Step::Retire(blob) => {
            let is_kept = stage.is_kept(index, id(blob)).expect("it reads");
            prop_assert_eq!(is_kept, staged.kept.contains_key(&blob));
            if is_kept {
                stage.retire(id(blob));
            }
            staged.retired.extend(staged.kept.remove(&blob).map(|place| (blob, place)));
        }
        Step::Forget(blob) => {
            let place = staged.retired.remove(&blob);
            stage.forget(index, id(blob), place);
        }
        Step::Move(blob) => {
            let (kept, retired) = (staged.kept.get_mut(&blob), staged.retired.get_mut(&blob));
            let from = match kept.or(retired) {
                Some(from) => std::mem::replace(from, place(number)),
                None => place(0),
            };
            let Place::Packed { segment, offset, .. } = from else { unreachable!("all are packed") };
            let is_there = offset > 0;
            let moved = stage.moved(index, id(blob), (segment, offset), place(number)).expect("it reads");
            prop_assert_eq!(moved, is_there);
        }
        _ => {}
    }
    Ok(())
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
            Step::Keep(_) | Step::Retire(_) | Step::Forget(_) | Step::Move(_) => {
                change_blob(&index, &mut stage, &mut staged, step, number as u32)?;
            }
            Step::Apply | Step::Seal => {
                index.apply(std::mem::take(&mut stage), number, &segments);
                staged.record = number;
                visible = staged.clone();
                if matches!(step, Step::Seal) {
                    index.seal(number).expect("it reads");
                    sealed = visible.clone();
                }
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
                segments.set_live(SEGMENT, flushed.live());
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
    fn what_stands_over_the_tree_is_of_the_moment_and_is_flushed_with_its_record(steps in steps()) {
        check(steps)?;
    }
}

/// When too many retired blobs stand over the tree it takes them, and nothing of them is left in the end.
#[test]
fn many_retired_blobs_are_in_the_tree() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    let ids: Vec<_> = (0..2 * RETIRED_BLOBS as u128).map(|number| BlobId(number.to_be_bytes())).collect();
    let count = |range| index.all(range).expect("they read").len();
    let mut sequences = 1..;
    let mut change = |change: &dyn Fn(&mut Stage, BlobId)| {
        for group in ids.chunks(1000) {
            group.iter().for_each(|id| change(&mut stage, *id));
            let sequence = sequences.next().expect("they do not end");
            if index.apply(std::mem::take(&mut stage), sequence, &segments).is_overlay_full {
                index.pour().expect("it reads");
            }
        }
    };
    change(&|stage, id| stage.keep(id, place(1)));
    change(&|stage, id| stage.retire(id));
    assert_eq!(index.retired().expect("they read").len(), ids.len());
    assert_eq!(index.kept(None, ids.len()).expect("they read"), []);
    let inside = count(keys::Range::Retired);
    assert!((ids.len() - RETIRED_BLOBS..ids.len()).contains(&inside), "{inside} are in the tree");
    change(&|stage, id| stage.forget(&index, id, Some(place(1))));
    assert_eq!(segments.live(SEGMENT), 0);
    assert_eq!([count(keys::Range::Blobs), count(keys::Range::Retired)], [0, 0]);
}

/// What is read from the tree is a part of a block, and would hold all of it in memory until the next flush.
#[test]
fn a_retired_place_holds_no_block_in_memory() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    let ids: Vec<_> = (0..100).map(id).collect();
    ids.iter().for_each(|id| stage.keep(*id, place(1)));
    index.apply(std::mem::take(&mut stage), 1, &segments);
    index.seal(1).expect("it reads");
    index.flush().expect("it flushes");
    ids.iter().for_each(|id| stage.retire(*id));
    index.apply(stage, 2, &segments);
    let places = index.retired_places().expect("they read");
    let values: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
    assert_eq!(values.len(), ids.len());
    assert!(values.iter().all(Bytes::is_unique), "a value is part of what the index read");
}

/// The committer does not look whether a blob that goes was ever there.
#[test]
fn nothing_is_left_of_a_retired_blob_that_never_was() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    stage.retire(id(1));
    index.apply(std::mem::take(&mut stage), 1, &segments);
    index.seal(1).expect("it reads");
    assert_eq!(index.retired().expect("they read"), BTreeSet::new());
    stage.forget(&index, id(1), None);
    index.apply(std::mem::take(&mut stage), 2, &segments);
    verify(&index, &State { record: 2, ..State::default() }).expect("nothing is there");
}

/// The tree's version before a flush has the memtable, and stays for its readers, but for nobody else.
#[test]
fn a_flushed_memtable_is_freed_once_no_reader_needs_it() {
    let (_directory, index, segments) = empty();
    let mut stage = Stage::default();
    stage.put(pair(1), b"one");
    index.apply(std::mem::take(&mut stage), 1, &segments);
    let memtable = Arc::downgrade(&index.tree.active_memtable());
    index.seal(1).expect("it reads");
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
