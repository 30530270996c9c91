//! Random histories, compared with the memory reference.

use std::sync::Arc;

use bytes::Bytes;
use types::{BlobId, Entropy, SeededEntropy};

use super::{Subject, pattern};
use crate::memory::MemoryStore;
use crate::{Batch, Bounded, CommitError, Engine, Expect, NewBlob, Space, StorageError, side};

/// Runs `steps` random batches, scans and restarts on an engine and on the reference, and compares every answer. The
/// history depends on `seed` alone.
///
/// # Panics
/// At the first difference; the message has the seed and the step.
pub async fn agrees_with_the_reference(subject: &dyn Subject, seed: u64, steps: usize) {
    let mut dice = Dice { entropy: SeededEntropy::new(seed), blobs: Vec::new(), next_blob: 0 };
    let reference = MemoryStore::new();
    let expected = Engine::new(Arc::new(reference.clone()));
    let mut engine = subject.open().await;
    for step in 0..steps {
        let place = format!("seed {seed} step {step}");
        match dice.below(40) {
            0 => {
                engine = subject.reopen(engine).await;
                reference.reopen();
                dice.blobs.retain(|(_, made)| !made);
                compare(&engine, &expected, &dice, &place).await;
            }
            1 => {
                // Only one of the spaces, so that the others go on taking batches.
                let space = Space(2);
                let ends = [dice.key(), dice.key()];
                let found = engine.metadata.close(space, &ends[0], Some(&ends[1])).await;
                let wanted = expected.metadata.close(space, &ends[0], Some(&ends[1])).await;
                assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{place}");
            }
            2..=5 => make_blob(&engine, &expected, &mut dice).await,
            _ => {
                let (space, group, batch) = dice.batch();
                let found = engine.metadata.commit(space, &group, batch.clone()).await;
                let wanted = expected.metadata.commit(space, &group, batch.clone()).await;
                assert_eq!(describe(&found), describe(&wanted), "{place}: {batch:?}");
                if wanted.is_ok() {
                    dice.committed(&batch);
                }
            }
        }
        if step % 16 == 0 {
            compare(&engine, &expected, &dice, &place).await;
        }
    }
    compare(&engine, &expected, &dice, &format!("seed {seed} at the end")).await;
}

async fn make_blob(engine: &Engine, expected: &Engine, dice: &mut Dice) {
    let id = dice.new_blob();
    let length = [0, 5, 1000, 70_000][dice.below(4)];
    let mut infos = Vec::new();
    for side in [engine, expected] {
        let mut writer = side.blobs.create(id, None).await.expect("create works");
        writer.write(pattern(length, u64::from(id.0[0]))).await.expect("write works");
        infos.push(writer.finish().await.expect("finish works"));
    }
    assert_eq!(infos[0], infos[1]);
    dice.blobs.push((id, true));
}

/// Errors of one kind are equal, whatever they say.
fn describe(outcome: &Result<(), CommitError>) -> String {
    match outcome {
        Err(CommitError::Storage(StorageError::Bounds(_))) => "bounds".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Compares everything that can be read.
async fn compare(engine: &Engine, expected: &Engine, dice: &Dice, place: &str) {
    for space in (0..3).map(Space) {
        let found = engine.metadata.scan(space, b"", None, 1000).await.expect("scan works");
        let wanted = expected.metadata.scan(space, b"", None, 1000).await.expect("scan works");
        assert_eq!(found, wanted, "{place}: {space}");
        let (from, to) = (b"g0/b", b"g2/c");
        let found_both = engine.metadata.scan_both(space, from, Some(to), 10).await.expect("scan_both works");
        let wanted_both = expected.metadata.scan_both(space, from, Some(to), 10).await.expect("scan_both works");
        assert_eq!(found_both, wanted_both, "{place}: both sides of {space}");
        for (key, value) in wanted {
            assert_eq!(engine.metadata.get(space, &key).await.expect("get works"), Some(value), "{place}: {key:?}");
        }
    }
    let names: Vec<Vec<u8>> = (0..3).map(|number| format!("c{number}").into_bytes()).collect();
    let found = engine.metadata.counters(&names).await.expect("counters work");
    assert_eq!(found, expected.metadata.counters(&names).await.expect("counters work"), "{place}");
    let found = engine.blobs.list(None, 1000).await.expect("list works");
    let wanted = expected.blobs.list(None, 1000).await.expect("list works");
    assert_eq!(found, wanted, "{place}");
    for info in wanted {
        let body = async |side: &Engine| {
            side.blobs.read(info.id, 0..info.length).await.expect("read works").collect().await.expect("read works")
        };
        assert!(body(engine).await == body(expected).await, "{place}: {}", info.id);
    }
    assert!(dice.blobs.len() < 10_000);
}

struct Dice {
    entropy: SeededEntropy,
    /// Blobs that can be named, with whether they are made and not yet kept.
    blobs: Vec<(BlobId, bool)>,
    next_blob: u32,
}

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % bound as u64).expect("it is below a usize")
    }

    fn space(&mut self) -> Space {
        Space(self.below(3) as u64)
    }

    fn group(&mut self) -> Vec<u8> {
        format!("g{}/", self.below(3)).into_bytes()
    }

    fn key(&mut self) -> Vec<u8> {
        let mut group = self.group();
        group.push(b'a' + self.below(4) as u8);
        group
    }

    fn new_blob(&mut self) -> BlobId {
        self.next_blob += 1;
        // The first byte varies, so that names are made in another order than they sort.
        let mut id = [self.below(256) as u8; 16];
        id[12..].copy_from_slice(&self.next_blob.to_be_bytes());
        BlobId(id)
    }

    fn batch(&mut self) -> (Space, Vec<u8>, Batch) {
        let (space, group) = (self.space(), self.group());
        let mut batch = Batch::default();
        for _ in 0..self.below(4) {
            let mut key = group.clone();
            key.push(b'a' + self.below(4) as u8);
            if self.below(3) == 0 {
                key = side::to_back(key);
            }
            let value = Bytes::from(format!("v{}", self.below(3)));
            match self.below(12) {
                0 => batch.expect.push(Expect::Absent(key)),
                1 => batch.expect.push(Expect::Present(key)),
                2 => batch.expect.push(Expect::Value(key, value)),
                3..=4 => batch.delete.push(key),
                5 => batch.put.push((self.key(), value)),
                _ => batch.put.push((key, value)),
            }
        }
        for _ in 0..self.below(3) {
            let name = format!("c{}", self.below(3)).into_bytes();
            let delta = i64::try_from(self.below(20)).unwrap_or(0) - 8;
            let at_most = (self.below(2) == 0).then_some(30);
            batch.count.push(Bounded { name, delta, at_most });
        }
        self.add_blobs(&mut batch);
        (space, group, batch)
    }

    fn add_blobs(&mut self, batch: &mut Batch) {
        if self.below(3) == 0 {
            let id = self.new_blob();
            batch.keep.push(NewBlob::Inline(id, pattern(self.below(3000), u64::from(self.next_blob))));
        }
        if self.blobs.is_empty() {
            return;
        }
        let chosen = self.below(self.blobs.len());
        let (id, _) = self.blobs[chosen];
        match self.below(4) {
            0 => batch.keep.push(NewBlob::Made(id)),
            1 => batch.retire.push(id),
            _ => {}
        }
    }

    fn committed(&mut self, batch: &Batch) {
        for blob in &batch.keep {
            self.blobs.retain(|(id, _)| *id != blob.id());
            self.blobs.push((blob.id(), false));
        }
        // A name is never used twice, and a retired one may be held by a pin or not yet be reaped: forget it.
        self.blobs.retain(|(id, _)| !batch.retire.contains(id));
    }
}
