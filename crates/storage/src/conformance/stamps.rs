//! Rules of `stamp`. An engine that never answers one keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{SPACE, Subject, commit, committed, get, put};
use crate::{Batch, Stamp};

/// Every change of a space changes its stamp, and reads do not.
///
/// # Panics
/// Where the rule is broken.
pub async fn changes_are_told(subject: &dyn Subject) {
    let engine = subject.open().await;
    let stamp = || engine.metadata.stamp(SPACE);
    let is_new = |before: Option<Stamp>| before.is_none() || stamp() != before;
    let steps = [
        put("g/a", "1"),
        put("g/a", "1"),
        put("g/b", "2"),
        Batch { delete: vec![b"g/a".to_vec()], ..Batch::default() },
    ];
    for step in steps {
        let before = stamp();
        assert_eq!(stamp(), before, "nothing happens");
        get(&engine, "g/a").await;
        assert_eq!(stamp(), before, "reading changes nothing");
        committed(&engine, "g/", step.clone()).await;
        assert!(is_new(before), "{step:?}");
    }
    assert!(engine.metadata.close(SPACE, b"x", None).await.expect("close works"));
    let before = stamp();
    engine.metadata.erase(SPACE).await.expect("erase works");
    assert!(is_new(before), "erasing is a change");
}

/// What was read between two equal stamps, and is told again under a third, has every write that was acknowledged by
/// then and is not older than what anybody was told before.
///
/// # Panics
/// Where the rule is broken.
pub async fn what_was_read_under_a_stamp_is_never_outdated(subject: &dyn Subject) {
    const ROUNDS: u64 = 100;
    let engine = subject.open().await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let told = Arc::new(AtomicU64::new(0));
    let reader = || {
        let (engine, acknowledged, told) = (engine.clone(), Arc::clone(&acknowledged), Arc::clone(&told));
        async move {
            let mut kept: Option<(Stamp, u64)> = None;
            while acknowledged.load(Ordering::SeqCst) < ROUNDS {
                let least = acknowledged.load(Ordering::SeqCst).max(told.load(Ordering::SeqCst));
                let before = engine.metadata.stamp(SPACE);
                let value = match kept.filter(|(stamp, _)| Some(*stamp) == before) {
                    Some((_, value)) => value,
                    None => {
                        let page = engine.metadata.scan(SPACE, b"g/", None, 10).await.expect("scan works");
                        page.first().map_or(0, |(_, value)| number(value))
                    }
                };
                assert!(value >= least, "{value} was told, and {least} was written or told before");
                told.fetch_max(value, Ordering::SeqCst);
                if let Some(stamp) = before.filter(|stamp| engine.metadata.stamp(SPACE) == Some(*stamp)) {
                    kept = Some((stamp, value));
                }
                tokio::task::yield_now().await;
            }
        }
    };
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(reader())).collect();
    for round in 1..=ROUNDS {
        let value = Bytes::copy_from_slice(&round.to_be_bytes());
        let batch = Batch { put: vec![(b"g/k".to_vec(), value)], ..Batch::default() };
        commit(&engine, "g/", batch).await.expect("commit works");
        acknowledged.store(round, Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.expect("no reader panics");
    }
}

fn number(value: &Bytes) -> u64 {
    u64::from_be_bytes(value.as_ref().try_into().expect("eight bytes"))
}
