//! A store that goes to rest asks for its memory to be given back, on each of its threads.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use storage::{Batch, Metadata, NewBlob, Space};
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, OsEntropy};

static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn asked() -> BTreeSet<String> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn note() {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    ASKED.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
}

#[tokio::test]
async fn every_thread_that_worked_asks_once_it_rests() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { at_rest: note, ..Options::default() };
    let store = EmbeddedStore::open_directory(folder.path(), options, &OsEntropy).unwrap();
    // More than is left alone at rest; what it retires is the reclaimer's work.
    let kept = |number: u8| Batch {
        put: vec![(vec![number], Bytes::from(vec![number; 60_000]))],
        keep: vec![NewBlob::Inline(BlobId([number; 16]), Bytes::from(vec![number; 1000]))],
        retire: number.checked_sub(1).into_iter().map(|before| BlobId([before; 16])).collect(),
        ..Batch::default()
    };
    for number in 0..40 {
        store.commit(Space(1), &[number], kept(number)).await.unwrap();
    }
    let began = Instant::now();
    while asked().len() < 3 {
        assert!(began.elapsed() < Duration::from_secs(60), "only these asked: {:?}", asked());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.close().await.unwrap();
}
