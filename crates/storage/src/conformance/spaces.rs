//! Rules of `close` and `erase`.

use bytes::Bytes;

use super::{SPACE, Subject, commit, committed, get, put, scan};
use crate::{Batch, CommitError, Space, StorageError, limits};

/// `close` answers `false`, and closes nothing, while a key lies in the range; keys outside the range do not matter.
///
/// # Panics
/// Where the rule is broken.
pub async fn close_refuses_a_space_in_use(subject: &dyn Subject) {
    let engine = subject.open().await;
    let close = async |from: &str, to: Option<&str>| {
        engine.metadata.close(SPACE, from.as_bytes(), to.map(str::as_bytes)).await.expect("close works")
    };
    committed(&engine, "o/", put("o/k", "v")).await;
    committed(&engine, "b", put("b", "v")).await;
    assert!(!close("o/", Some("o0")).await);
    assert!(!close("", None).await);
    committed(&engine, "o/", put("o/k", "still open")).await;
    committed(&engine, "o/", Batch { delete: vec![b"o/k".to_vec()], ..Batch::default() }).await;
    assert!(close("o/", Some("o0")).await);
    assert!(close("o/", Some("o0")).await, "closing again is true");
    assert!(close("", None).await, "a closed space is closed, whatever the range");
}

/// A closed space refuses commits, also after a restart; reads go on, and other spaces are untouched.
///
/// # Panics
/// Where the rule is broken.
pub async fn closed_space_takes_no_commits(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    committed(&engine, "b", put("b", "kept")).await;
    assert!(engine.metadata.close(SPACE, b"o/", Some(b"o0")).await.expect("close works"));
    for _ in 0..2 {
        let outcome = commit(&engine, "o/", put("o/k", "late")).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::Closed(SPACE)))), "{outcome:?}");
        assert_eq!(get(&engine, "o/k").await, None);
        assert_eq!(get(&engine, "b").await.as_deref(), Some("kept"));
        engine.metadata.commit(Space(8), b"o/", put("o/k", "elsewhere")).await.expect("other spaces work");
        engine = subject.reopen(engine).await;
    }
}

/// `erase` removes every key of a closed space and of no other, is idempotent, and refuses an open space.
///
/// # Panics
/// Where the rule is broken.
pub async fn erase_removes_every_key(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    let neighbours = [Space(SPACE.0 - 1), Space(SPACE.0 + 1)];
    for space in neighbours {
        engine.metadata.commit(space, b"k", put("k", "neighbour")).await.expect("commit works");
    }
    for round in 0..2 {
        let keys = (0..limits::BATCH_KEYS).map(|number| format!("g/{round}/{number}").into_bytes());
        let put = keys.map(|key| (key, Bytes::from_static(b"v"))).collect();
        committed(&engine, "g/", Batch { put, ..Batch::default() }).await;
    }
    let open = engine.metadata.erase(SPACE).await;
    assert!(matches!(open, Err(StorageError::Bounds(_))), "{open:?}");
    assert!(engine.metadata.close(SPACE, b"other", Some(b"other0")).await.expect("close works"));
    for _ in 0..2 {
        engine.metadata.erase(SPACE).await.expect("erase works");
        assert_eq!(scan(&engine, "", None, 10).await, []);
        engine = subject.reopen(engine).await;
    }
    for space in neighbours {
        assert!(engine.metadata.get(space, b"k").await.expect("get works").is_some());
    }
}
