//! Rules of `commit` and `counters`.

use bytes::Bytes;

use super::{SPACE, Subject, blob_id, commit, committed, get, put, scan};
use crate::{Batch, Bounded, CommitError, Expect, NewBlob, StorageError, limits};

/// Each kind of expectation holds exactly when it should.
///
/// # Panics
/// Where the rule is broken.
pub async fn every_expectation_is_checked(subject: &dyn Subject) {
    let engine = subject.open().await;
    committed(&engine, "g/", put("g/there", "value")).await;
    let (there, gone) = (b"g/there".to_vec(), b"g/gone".to_vec());
    let cases = [
        (Expect::Absent(gone.clone()), true),
        (Expect::Absent(there.clone()), false),
        (Expect::Present(there.clone()), true),
        (Expect::Present(gone.clone()), false),
        (Expect::Value(there.clone(), "value".into()), true),
        (Expect::Value(there.clone(), "valu".into()), false),
        (Expect::Value(there, "other".into()), false),
        (Expect::Value(gone.clone(), "value".into()), false),
        (Expect::Value(gone, Bytes::new()), false),
    ];
    for (number, (expectation, holds)) in cases.into_iter().enumerate() {
        let key = format!("g/written-{number}");
        let batch = Batch { expect: vec![expectation.clone()], ..put(&key, "x") };
        let outcome = commit(&engine, "g/", batch).await;
        if holds {
            assert!(outcome.is_ok(), "{expectation:?}: {outcome:?}");
        } else {
            assert!(matches!(outcome, Err(CommitError::Conflict { expectation: 0 })), "{expectation:?}: {outcome:?}");
        }
        assert_eq!(get(&engine, &key).await.is_some(), holds, "{expectation:?}");
    }
}

/// A conflict names the first expectation that failed, and nothing of the batch happens.
///
/// # Panics
/// Where the rule is broken.
pub async fn conflict_names_the_first_failure_and_changes_nothing(subject: &dyn Subject) {
    let engine = subject.open().await;
    committed(&engine, "g/", put("g/a", "1")).await;
    let key = |name: &str| name.as_bytes().to_vec();
    let batch = Batch {
        expect: vec![
            Expect::Present(key("g/a")),
            Expect::Absent(key("g/b")),
            Expect::Value(key("g/a"), "2".into()),
            Expect::Absent(key("g/a")),
        ],
        put: vec![(key("g/b"), "x".into())],
        delete: vec![key("g/a")],
        keep: vec![NewBlob::Inline(blob_id(1), "body".into())],
        count: vec![Bounded { name: key("c"), delta: 1, at_most: None }],
        ..Batch::default()
    };
    let outcome = commit(&engine, "g/", batch).await;
    assert!(matches!(outcome, Err(CommitError::Conflict { expectation: 2 })), "{outcome:?}");
    assert_eq!(scan(&engine, "", None, 10).await, [("g/a".to_owned(), "1".to_owned())]);
    assert_eq!(engine.metadata.counters(&[key("c")]).await.expect("counters work"), [0]);
    let blob = engine.blobs.read(blob_id(1), 0..4).await;
    assert!(matches!(blob, Err(StorageError::NoSuchBlob(_))), "{blob:?}");
}

/// A key that is deleted and put in one batch is there; of two puts the last wins.
///
/// # Panics
/// Where the rule is broken.
pub async fn deletes_happen_before_puts(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    committed(&engine, "g/", put("g/a", "old")).await;
    let key = b"g/a".to_vec();
    let batch = Batch {
        put: vec![(key.clone(), "first".into()), (key.clone(), "last".into())],
        delete: vec![key],
        ..Batch::default()
    };
    committed(&engine, "g/", batch).await;
    assert_eq!(get(&engine, "g/a").await.as_deref(), Some("last"));
    engine = subject.reopen(engine).await;
    assert_eq!(get(&engine, "g/a").await.as_deref(), Some("last"));
}

/// Of writers that race with the same expectation exactly one wins, again and again.
///
/// # Panics
/// Where the rule is broken.
pub async fn one_of_many_concurrent_writers_wins(subject: &dyn Subject) {
    const WRITERS: usize = 16;
    let engine = subject.open().await;
    let key = b"g/k".to_vec();
    let mut current: Option<Bytes> = None;
    for round in 0..10 {
        let expectation = match &current {
            None => Expect::Absent(key.clone()),
            Some(value) => Expect::Value(key.clone(), value.clone()),
        };
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let engine = engine.clone();
                let batch = Batch { expect: vec![expectation.clone()], ..put("g/k", &format!("{round} by {writer}")) };
                tokio::spawn(async move { commit(&engine, "g/", batch).await })
            })
            .collect();
        let mut winners = Vec::new();
        for (number, writer) in writers.into_iter().enumerate() {
            match writer.await.expect("a writer does not panic") {
                Ok(()) => winners.push(number),
                Err(CommitError::Conflict { expectation: 0 }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        current = engine.metadata.get(SPACE, &key).await.expect("get works");
        assert_eq!(current, Some(Bytes::from(format!("{round} by {}", winners[0]))));
    }
}

/// An expectation that was read after the batch's moment fails where the key changed since, and only there.
///
/// # Panics
/// Where the rule is broken.
pub async fn what_changed_since_the_moment_conflicts(subject: &dyn Subject) {
    const WRITERS: usize = 8;
    const ADDITIONS: u64 = 50;
    let engine = subject.open().await;
    let key = b"g/sum".to_vec();
    // Whoever reads before another one's change and commits after it would lose that change.
    let add = || async {
        let mut added = 0;
        while added < ADDITIONS {
            let read_after = engine.metadata.moment();
            let raw = engine.metadata.get(SPACE, &key).await.expect("reads work");
            tokio::task::yield_now().await;
            let sum =
                raw.as_ref().map_or(0, |raw| u64::from_be_bytes(raw.as_ref().try_into().expect("it is a number")));
            let expect = raw.map_or_else(|| Expect::Absent(key.clone()), |raw| Expect::Value(key.clone(), raw));
            let put = vec![(key.clone(), Bytes::copy_from_slice(&(sum + 1).to_be_bytes()))];
            let batch = Batch { expect: vec![expect], read_after, put, ..Batch::default() };
            match commit(&engine, "g/", batch).await {
                Ok(()) => added += 1,
                Err(CommitError::Conflict { expectation: 0 }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    futures_util::future::join_all((0..WRITERS).map(|_| add())).await;
    let sum = engine.metadata.get(SPACE, &key).await.expect("reads work");
    assert_eq!(sum.as_deref(), Some(&(WRITERS as u64 * ADDITIONS).to_be_bytes()[..]));
}

/// Counters are sums; a bound stops what would lift one above it, and nothing else.
///
/// # Panics
/// Where the rule is broken.
pub async fn counters_are_exact_and_bounded(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    let name = |text: &str| text.as_bytes().to_vec();
    let change = |delta, at_most| Bounded { name: name("bytes"), delta, at_most };
    let cases = [
        (vec![change(10, None)], None, 10),
        (vec![change(5, Some(15))], None, 15),
        (vec![change(1, Some(15))], Some(0), 15),
        (vec![change(-1, Some(0))], None, 14),
        (vec![change(0, Some(0))], None, 14),
        (vec![change(-20, None)], None, -6),
        (vec![change(6, Some(0))], None, 0),
        (vec![change(1, Some(5)), change(5, Some(5))], Some(1), 0),
        (vec![change(5, Some(5)), change(-2, None)], None, 3),
        (vec![change(i64::MAX - 3, None)], None, i64::MAX),
        (vec![change(-i64::MAX, None)], None, 0),
    ];
    for (count, over, expected) in cases {
        let outcome = commit(&engine, "g/", Batch { count: count.clone(), ..put("g/k", "v") }).await;
        match over {
            None => assert!(outcome.is_ok(), "{count:?}: {outcome:?}"),
            Some(index) => assert!(
                matches!(outcome, Err(CommitError::OverLimit { counter }) if counter == index),
                "{count:?}: {outcome:?}"
            ),
        }
        let values = engine.metadata.counters(&[name("bytes"), name("other")]).await.expect("counters work");
        assert_eq!(values, [expected, 0], "{count:?}");
    }
    committed(&engine, "g/", Batch { count: vec![change(42, None)], ..Batch::default() }).await;
    let overflow = commit(&engine, "g/", Batch { count: vec![change(i64::MAX, None)], ..Batch::default() }).await;
    assert!(matches!(overflow, Err(CommitError::Storage(StorageError::Bounds(_)))), "{overflow:?}");
    engine = subject.reopen(engine).await;
    assert_eq!(engine.metadata.counters(&[name("bytes")]).await.expect("counters work"), [42]);
}

/// Writers of different groups that share a counter never lift it above its bound, and no addition is lost.
///
/// # Panics
/// Where the rule is broken.
pub async fn counters_are_never_overrun_by_concurrency(subject: &dyn Subject) {
    let engine = subject.open().await;
    let writers: Vec<_> = (0..20)
        .map(|writer| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let group = format!("g{writer:02}/");
                let mut done = 0;
                for number in 0..5 {
                    let count = vec![Bounded { name: b"quota".to_vec(), delta: 3, at_most: Some(100) }];
                    let batch = Batch { count, ..put(&format!("{group}{number}"), "v") };
                    match commit(&engine, &group, batch).await {
                        Ok(()) => done += 1,
                        Err(CommitError::OverLimit { counter: 0 }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for writer in writers {
        done += writer.await.expect("a writer does not panic");
    }
    assert_eq!(done, 33);
    assert_eq!(engine.metadata.counters(&[b"quota".to_vec()]).await.expect("counters work"), [99]);
    assert_eq!(scan(&engine, "", None, 1000).await.len(), 33);
}

/// What is beyond the bounds is refused as an error of the caller, and changes nothing.
///
/// # Panics
/// Where the rule is broken.
pub async fn bounds_are_refused(subject: &dyn Subject) {
    let engine = subject.open().await;
    let pair = |key: &[u8], length: usize| (key.to_vec(), Bytes::from(vec![b'v'; length]));
    let long_key = [b"g/".as_slice(), &[b'k'; limits::KEY_BYTES]].concat();
    let inline = engine.blobs.inline_limit() + 1;
    let counter = |length: usize| Bounded { name: vec![b'c'; length], delta: 1, at_most: None };
    let id = blob_id(1);
    let many = |count: usize| (0..count).map(|n| pair(format!("g/{n}").as_bytes(), 1)).collect::<Vec<_>>();
    let big = (0..80).map(|n| pair(format!("g/{n}").as_bytes(), limits::VALUE_BYTES)).collect();
    let cases = [
        ("key outside the group", Batch { put: vec![pair(b"h/k", 1)], ..Batch::default() }),
        ("key outside the group, on the back", Batch { put: vec![pair(b"\xe8/k", 1)], ..Batch::default() }),
        ("delete outside the group", Batch { delete: vec![b"h/k".to_vec()], ..Batch::default() }),
        ("expectation outside the group", Batch { expect: vec![Expect::Absent(b"h".to_vec())], ..Batch::default() }),
        ("empty value", Batch { put: vec![pair(b"g/k", 0)], ..Batch::default() }),
        ("long value", Batch { put: vec![pair(b"g/k", limits::VALUE_BYTES + 1)], ..Batch::default() }),
        ("long key", Batch { put: vec![pair(&long_key, 1)], ..Batch::default() }),
        ("many keys", Batch { put: many(limits::BATCH_KEYS + 1), ..Batch::default() }),
        ("many bytes", Batch { put: big, ..Batch::default() }),
        ("long inline body", Batch { keep: vec![NewBlob::Inline(id, vec![0; inline].into())], ..Batch::default() }),
        ("long counter name", Batch { count: vec![counter(limits::COUNTER_BYTES + 1)], ..Batch::default() }),
        ("empty counter name", Batch { count: vec![counter(0)], ..Batch::default() }),
        (
            "blob kept twice",
            Batch { keep: vec![NewBlob::Inline(id, "a".into()), NewBlob::Made(id)], ..Batch::default() },
        ),
        (
            "blob kept and retired",
            Batch { keep: vec![NewBlob::Inline(id, "a".into())], retire: vec![id], ..Batch::default() },
        ),
    ];
    for (what, batch) in cases {
        let outcome = commit(&engine, "g/", batch).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::Bounds(_)))), "{what}: {outcome:?}");
    }
    assert_eq!(scan(&engine, "", None, 10).await, []);
}

/// A batch as large as the limits allow is taken whole, and is whole after a restart.
///
/// # Panics
/// Where the rule is broken.
pub async fn the_largest_batch_is_taken(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    let value = Bytes::from(vec![b'v'; (limits::BATCH_BYTES - 64 * 1024) / limits::BATCH_KEYS]);
    let keys = (0..limits::BATCH_KEYS).map(|number| format!("g/{number:04}").into_bytes());
    let batch = Batch { put: keys.map(|key| (key, value.clone())).collect(), ..Batch::default() };
    committed(&engine, "g/", batch).await;
    for _ in 0..2 {
        let found = engine.metadata.scan(SPACE, b"g/", None, limits::SCAN_KEYS).await.expect("scan works");
        assert_eq!(found.len(), limits::BATCH_KEYS);
        assert!(found.iter().all(|(_, stored)| *stored == value));
        engine = subject.reopen(engine).await;
    }
}

/// Once a commit returned, every later read sees it, from any task.
///
/// # Panics
/// Where the rule is broken.
pub async fn readers_follow_acknowledgements(subject: &dyn Subject) {
    let engine = subject.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for round in 0..25 {
                    let (key, value) = (format!("g{task}/k"), round.to_string());
                    committed(&engine, &format!("g{task}/"), put(&key, &value)).await;
                    assert_eq!(get(&engine, &key).await, Some(value.clone()));
                    assert_eq!(scan(&engine, &key, None, 1).await, [(key, value)]);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer sees what it wrote");
    }
}
