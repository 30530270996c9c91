//! Rules of `get` and `scan`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{SPACE, Subject, commit, committed, get, put, scan};
use crate::{Batch, Space, limits};

/// `get` answers what the last batch put, and nothing after a delete.
///
/// # Panics
/// Where the rule is broken.
pub async fn get_returns_the_last_value(subject: &dyn Subject) {
    let engine = subject.open().await;
    assert_eq!(get(&engine, "a/k").await, None);
    for value in ["one", "two", "three"] {
        committed(&engine, "a/", put("a/k", value)).await;
        assert_eq!(get(&engine, "a/k").await.as_deref(), Some(value));
    }
    assert_eq!(get(&engine, "a/").await, None, "a prefix is another key");
    assert_eq!(get(&engine, "a/k\0").await, None, "a longer key is another key");
    committed(&engine, "a/", Batch { delete: vec![b"a/k".to_vec()], ..Batch::default() }).await;
    assert_eq!(get(&engine, "a/k").await, None);
    committed(&engine, "a/", Batch { delete: vec![b"a/k".to_vec()], ..Batch::default() }).await;
}

/// The same key in two spaces is two keys, and a scan stays in its space.
///
/// # Panics
/// Where the rule is broken.
pub async fn spaces_are_apart(subject: &dyn Subject) {
    let engine = subject.open().await;
    let spaces = [Space(0), Space(1), Space(255), Space(256), Space(u64::MAX)];
    for space in spaces {
        let batch = put("a/k", &space.to_string());
        engine.metadata.commit(space, b"a/", batch).await.expect("commit works");
    }
    for space in spaces {
        let value = engine.metadata.get(space, b"a/k").await.expect("get works");
        assert_eq!(value, Some(Bytes::from(space.to_string())));
        let all = engine.metadata.scan(space, b"", None, 10).await.expect("scan works");
        assert_eq!(all, [(Bytes::from_static(b"a/k"), Bytes::from(space.to_string()))]);
    }
}

/// `from` is in the range and `to` is not; an empty or inverted range is empty.
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_keeps_its_bounds(subject: &dyn Subject) {
    let engine = subject.open().await;
    for key in ["a", "b", "b\0", "bb", "c"] {
        committed(&engine, key, put(key, key)).await;
    }
    let cases: [(&str, Option<&str>, usize, &[&str]); 9] = [
        ("", None, 10, &["a", "b", "b\0", "bb", "c"]),
        ("b", None, 10, &["b", "b\0", "bb", "c"]),
        ("b", Some("c"), 10, &["b", "b\0", "bb"]),
        ("b\0", Some("bb"), 10, &["b\0"]),
        ("b", None, 2, &["b", "b\0"]),
        ("", None, 0, &[]),
        ("b", Some("b"), 10, &[]),
        ("c", Some("a"), 10, &[]),
        ("d", None, 10, &[]),
    ];
    for (from, to, limit, expected) in cases {
        let found = scan(&engine, from, to, limit).await;
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, expected, "from {from:?} to {to:?} limit {limit}");
        assert!(found.iter().all(|(key, value)| key == value));
    }
}

/// Paging through a range yields each key once, in order, also where keys were overwritten and deleted.
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_pages_without_loss_or_repetition(subject: &dyn Subject) {
    let engine = subject.open().await;
    for number in 0..60 {
        let key = format!("k{number:03}");
        committed(&engine, &key, put(&key, "old")).await;
        if number % 3 == 0 {
            committed(&engine, &key, put(&key, "new")).await;
        }
        if number % 5 == 0 {
            committed(&engine, &key, Batch { delete: vec![key.as_bytes().to_vec()], ..Batch::default() }).await;
        }
    }
    for limit in [1, 7, 48, 49, 100] {
        let mut found = Vec::new();
        let mut from = String::new();
        loop {
            let page = scan(&engine, &from, None, limit).await;
            let Some((last, _)) = page.last() else { break };
            from = format!("{last}\0");
            let more = page.len() == limit;
            found.extend(page);
            if !more {
                break;
            }
        }
        let expected: Vec<_> = (0..60)
            .filter(|number| number % 5 != 0)
            .map(|number| (format!("k{number:03}"), if number % 3 == 0 { "new" } else { "old" }.to_owned()))
            .collect();
        assert_eq!(found, expected, "limit {limit}");
    }
}

/// No page is longer than [`limits::SCAN_KEYS`].
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_is_bounded_whatever_is_asked(subject: &dyn Subject) {
    let engine = subject.open().await;
    let key = |number: usize| format!("g/{number:05}").into_bytes();
    let batch = |range: std::ops::Range<usize>| Batch {
        put: range.map(|number| (key(number), Bytes::from_static(b"v"))).collect(),
        ..Batch::default()
    };
    committed(&engine, "g/", batch(0..limits::BATCH_KEYS)).await;
    committed(&engine, "g/", batch(limits::BATCH_KEYS..limits::BATCH_KEYS + 10)).await;
    let page = scan(&engine, "", None, usize::MAX).await;
    assert_eq!(page.len(), limits::SCAN_KEYS);
    let rest = scan(&engine, &format!("{}\0", page[page.len() - 1].0), None, usize::MAX).await;
    assert_eq!(page.len() + rest.len(), limits::BATCH_KEYS + 10);
}

/// A page never shows a part of a batch.
///
/// # Panics
/// Where the rule is broken.
pub async fn scan_sees_one_moment(subject: &dyn Subject) {
    let engine = subject.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (engine, done) = (engine.clone(), Arc::clone(&done));
        async move {
            for round in 0..100 {
                let value = Bytes::from(round.to_string());
                let put = (0..8).map(|key| (format!("g/{key}").into_bytes(), value.clone())).collect();
                commit(&engine, "g/", Batch { put, ..Batch::default() }).await.expect("commit works");
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    while !done.load(Ordering::SeqCst) && !writer.is_finished() {
        let page = scan(&engine, "g/", None, 100).await;
        assert!(page.is_empty() || page.len() == 8, "{page:?}");
        assert!(page.iter().all(|(_, value)| *value == page[0].1), "{page:?}");
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer does not panic");
}

/// Keys are bytes: NUL, 0xff and every length up to the limit.
///
/// # Panics
/// Where the rule is broken.
pub async fn any_bytes_are_keys(subject: &dyn Subject) {
    let engine = subject.open().await;
    let mut keys = vec![
        vec![0],
        vec![0, 0],
        vec![0, 1],
        vec![0xff],
        vec![0xff, 0],
        vec![0xff, 0xff],
        vec![b'x'; limits::KEY_BYTES],
    ];
    for key in &keys {
        let batch = Batch { put: vec![(key.clone(), Bytes::from(key.clone()))], ..Batch::default() };
        engine.metadata.commit(SPACE, &key[..1], batch).await.expect("commit works");
    }
    keys.sort();
    let all = engine.metadata.scan(SPACE, b"", None, 100).await.expect("scan works");
    assert_eq!(all.iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), keys);
    assert!(all.iter().all(|(key, value)| key == value));
}

/// What was acknowledged is there after a restart, and what was deleted is not.
///
/// # Panics
/// Where the rule is broken.
pub async fn pairs_survive_reopening(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    for round in 0..3 {
        for number in 0..20 {
            let key = format!("k{number}");
            let batch = if number % 3 == round {
                Batch { delete: vec![key.as_bytes().to_vec()], ..Batch::default() }
            } else {
                put(&key, &format!("{round}/{number}"))
            };
            committed(&engine, &key, batch).await;
        }
        engine = subject.reopen(engine).await;
        for number in 0..20 {
            let expected = (number % 3 != round).then(|| format!("{round}/{number}"));
            assert_eq!(get(&engine, &format!("k{number}")).await, expected);
        }
    }
}
