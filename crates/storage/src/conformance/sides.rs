//! Rules of the two sides of a space.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{SPACE, Subject, commit, committed};
use crate::{Batch, CommitError, Engine, Expect, limits, side};

/// What `scan_both` answers.
async fn both(engine: &Engine, from: &[u8], to: Option<&[u8]>, limit: usize) -> Vec<(Bytes, Bytes)> {
    engine.metadata.scan_both(SPACE, from, to, limit).await.expect("scan_both works")
}

/// The key of the back with the place of `key`.
fn back(key: &str) -> Vec<u8> {
    side::to_back(key.as_bytes().to_vec())
}

/// One batch expects, puts and deletes on both sides of its group, whichever side the group is named by; it happens
/// whole or not at all, and is there after a restart.
///
/// # Panics
/// Where the rule is broken.
pub async fn a_batch_changes_both_sides_of_its_group(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    let pair = |key: Vec<u8>, value: &'static str| (key, Bytes::from_static(value.as_bytes()));
    let put = vec![pair(b"g/k".to_vec(), "front"), pair(back("g/k"), "back"), pair(back("g/l"), "old")];
    committed(&engine, "g/", Batch { put, ..Batch::default() }).await;
    let stale = Batch {
        expect: vec![Expect::Present(b"g/k".to_vec()), Expect::Absent(back("g/l"))],
        delete: vec![b"g/k".to_vec(), back("g/k")],
        ..Batch::default()
    };
    assert!(matches!(commit(&engine, "g/", stale).await, Err(CommitError::Conflict { expectation: 1 })));
    let moved = Batch {
        expect: vec![Expect::Value(back("g/l"), Bytes::from_static(b"old"))],
        put: vec![pair(b"g/l".to_vec(), "new")],
        delete: vec![back("g/l")],
        ..Batch::default()
    };
    engine.metadata.commit(SPACE, &back("g/"), moved).await.expect("commit works");
    for _ in 0..2 {
        let expected = [pair(b"g/k".to_vec(), "front"), pair(back("g/k"), "back"), pair(b"g/l".to_vec(), "new")];
        let found = both(&engine, b"", None, 10).await;
        assert_eq!(found, expected.map(|(key, value)| (Bytes::from(key), value)));
        let front = engine.metadata.scan(SPACE, b"", Some(&[side::BACK_BIT]), 10).await.expect("scan works");
        assert_eq!(front.len(), 2, "a scan of the front sees nothing of the back: {front:?}");
        engine = subject.reopen(engine).await;
    }
}

/// `scan_both` answers what lies in its range, in the order of places, the front first of two with the same; pages put
/// together lose and repeat nothing.
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_both_keeps_the_order_of_places(subject: &dyn Subject) {
    let engine = subject.open().await;
    let mut expected = Vec::new();
    for number in 0..40 {
        let group = format!("k{:02}/", number / 4);
        let key = format!("{group}{number:02}").into_bytes();
        let key = if number % 4 == 0 { key } else { side::to_back(key) };
        let put = vec![(key.clone(), Bytes::from(key.clone()))];
        committed(&engine, &group, Batch { put, ..Batch::default() }).await;
        expected.push(key);
    }
    let cases: [(&str, Option<&str>, std::ops::Range<usize>); 6] = [
        ("", None, 0..40),
        ("k01/", None, 4..40),
        ("k01/", Some("k02/"), 4..8),
        ("k01/05", Some("k02/08\0"), 5..9),
        ("k05/", Some("k05/"), 0..0),
        ("k05/", Some("k01/"), 0..0),
    ];
    for (from, to, range) in cases {
        let found = both(&engine, from.as_bytes(), to.map(str::as_bytes), 100).await;
        let keys: Vec<Vec<u8>> = found.iter().map(|(key, _)| key.to_vec()).collect();
        assert_eq!(keys, expected[range], "from {from:?} to {to:?}");
        assert!(found.iter().all(|(key, value)| key == value));
    }
    for limit in [1, 3, 40, 41] {
        let (mut from, mut found) = (Vec::new(), Vec::new());
        loop {
            let page = both(&engine, &from, None, limit).await;
            found.extend(page.iter().map(|(key, _)| key.to_vec()));
            let Some((last, _)) = page.last().filter(|_| page.len() == limit) else { break };
            from = side::to_front(last.to_vec());
            from.push(0);
        }
        assert_eq!(found, expected, "limit {limit}");
    }
    assert_eq!(both(&engine, b"", None, 0).await, []);
    let put = (0..limits::BATCH_KEYS).map(|number| (back(&format!("m/{number:04}")), Bytes::from_static(b"v")));
    committed(&engine, "m/", Batch { put: put.collect(), ..Batch::default() }).await;
    assert_eq!(both(&engine, b"", None, usize::MAX).await.len(), limits::SCAN_KEYS);
}

/// A page never shows one side of a batch without the other: what moves from side to side is always there once.
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_both_sees_one_moment(subject: &dyn Subject) {
    let engine = subject.open().await;
    let done = Arc::new(AtomicBool::new(false));
    committed(&engine, "g/", Batch { put: vec![(b"g/a".to_vec(), "0".into())], ..Batch::default() }).await;
    let writer = tokio::spawn({
        let (engine, done) = (engine.clone(), Arc::clone(&done));
        async move {
            for round in 1..200 {
                let (here, there) =
                    if round % 2 == 0 { (b"g/a".to_vec(), back("g/b")) } else { (back("g/b"), b"g/a".to_vec()) };
                let batch = Batch {
                    put: vec![(here, Bytes::from(round.to_string()))],
                    delete: vec![there],
                    ..Batch::default()
                };
                commit(&engine, "g/", batch).await.expect("commit works");
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    while !done.load(Ordering::SeqCst) && !writer.is_finished() {
        let page = both(&engine, b"g/", Some(b"g0"), 10).await;
        assert_eq!(page.len(), 1, "{page:?}");
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer does not panic");
}
