//! Rules of blobs: made, kept, pinned, linked, retired.

use bytes::Bytes;
use types::BlobId;

use super::{Subject, blob_id, commit, committed, pattern, put};
use crate::{Batch, BlobInfo, CommitError, Engine, Expect, NewBlob, StorageError};

/// Lengths around every boundary that engines have: nothing, one byte, packing, blocks, pieces.
const LENGTHS: [usize; 9] = [0, 1, 4096, 65_535, 65_536, 65_537, 300_000, 1 << 20, 3_000_001];

/// Bodies inside commits and bodies that were made come back as they were, now and after a restart.
///
/// # Panics
/// Where the rule is broken.
pub async fn inline_and_made_blobs_are_read_back(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    let mut expected = Vec::new();
    for (number, length) in LENGTHS.into_iter().enumerate() {
        let body = pattern(length, number as u64);
        for (kind, expecting) in [(0, None), (1, Some(length as u64)), (2, Some(10))] {
            let id = blob_id(kind * 50 + number as u8);
            let made = make(&engine, id, &body, expecting).await;
            assert_eq!((made.id, made.length), (id, length as u64));
            keep(&engine, NewBlob::Made(id)).await;
            expected.push((id, body.clone()));
        }
        if length <= engine.blobs.inline_limit() {
            let id = blob_id(200 + number as u8);
            keep(&engine, NewBlob::Inline(id, body.clone())).await;
            expected.push((id, body.clone()));
        }
    }
    for _ in 0..2 {
        for (id, body) in &expected {
            assert!(read(&engine, *id, 0..body.len() as u64).await.expect("a kept blob is read") == *body, "{id}");
        }
        engine = subject.reopen(engine).await;
    }
}

/// A range is exactly its bytes; one beyond the end is the caller's error.
///
/// # Panics
/// Where the rule is broken.
pub async fn ranges_are_exact(subject: &dyn Subject) {
    let engine = subject.open().await;
    for (number, length) in LENGTHS.into_iter().enumerate() {
        let (id, body) = (blob_id(number as u8), pattern(length, 3));
        make(&engine, id, &body, None).await;
        keep(&engine, NewBlob::Made(id)).await;
        let length = length as u64;
        let starts = [0, 1, 65_535, 65_536, 65_537, length / 2, length.saturating_sub(1), length];
        let sizes = [0, 1, 100, 65_536, 262_144, length];
        for start in starts.into_iter().filter(|start| *start <= length) {
            for size in sizes {
                let end = (start + size).min(length);
                let found = read(&engine, id, start..end).await.expect("a range is read");
                assert!(found == body.slice(start as usize..end as usize), "{start}..{end} of {length}");
            }
        }
        #[expect(clippy::reversed_empty_ranges, reason = "the rule is about them")]
        for range in [0..length + 1, length + 1..length + 2, 2..1] {
            let outcome = engine.blobs.read(id, range.clone()).await;
            assert!(matches!(outcome, Err(StorageError::Bounds(_))), "{range:?} of {length}: {outcome:?}");
        }
    }
}

/// A blob that no batch kept is not there after a restart, and its name is free.
///
/// # Panics
/// Where the rule is broken.
pub async fn an_unkept_blob_vanishes_on_reopening(subject: &dyn Subject) {
    for length in [10, 200_000] {
        let mut engine = subject.open().await;
        make(&engine, blob_id(1), &pattern(length, 1), None).await;
        engine = subject.reopen(engine).await;
        assert_gone(&engine, blob_id(1)).await;
        let outcome = commit(&engine, "g/", Batch { keep: vec![NewBlob::Made(blob_id(1))], ..Batch::default() }).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::NoSuchBlob(_)))), "{outcome:?}");
        make(&engine, blob_id(1), &pattern(length, 2), None).await;
        keep(&engine, NewBlob::Made(blob_id(1))).await;
        assert!(read(&engine, blob_id(1), 0..length as u64).await.expect("read works") == pattern(length, 2));
    }
}

/// A writer that is dropped before it finished leaves its name free.
///
/// # Panics
/// Where the rule is broken.
pub async fn a_dropped_writer_leaves_nothing(subject: &dyn Subject) {
    let engine = subject.open().await;
    for length in [10, 3_000_000] {
        let mut writer = engine.blobs.create(blob_id(1), None).await.expect("create works");
        writer.write(pattern(length, 1)).await.expect("write works");
        let outcome = commit(&engine, "g/", Batch { keep: vec![NewBlob::Made(blob_id(1))], ..Batch::default() }).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::NoSuchBlob(_)))), "{outcome:?}");
        drop(writer);
        assert_gone(&engine, blob_id(1)).await;
    }
}

/// A batch that keeps a blob which never was made fails whole.
///
/// # Panics
/// Where the rule is broken.
pub async fn keeping_what_was_never_made_fails(subject: &dyn Subject) {
    let engine = subject.open().await;
    let batch = Batch { keep: vec![NewBlob::Made(blob_id(9))], ..put("g/k", "v") };
    let outcome = commit(&engine, "g/", batch).await;
    assert!(
        matches!(outcome, Err(CommitError::Storage(StorageError::NoSuchBlob(id))) if id == blob_id(9)),
        "{outcome:?}"
    );
    assert_eq!(super::get(&engine, "g/k").await, None);
}

/// A name that is taken is not made again, nor kept, where the engine looks.
///
/// # Panics
/// Where the rule is broken.
pub async fn keeping_twice_is_refused(subject: &dyn Subject) {
    let engine = subject.open().await;
    keep(&engine, NewBlob::Inline(blob_id(1), "body".into())).await;
    make(&engine, blob_id(2), &pattern(100_000, 1), None).await;
    keep(&engine, NewBlob::Made(blob_id(2))).await;
    for id in [blob_id(1), blob_id(2)] {
        for blob in
            [NewBlob::Inline(id, "other".into()), NewBlob::Made(id)].into_iter().filter(|_| cfg!(debug_assertions))
        {
            let outcome = commit(&engine, "g/", Batch { keep: vec![blob.clone()], ..Batch::default() }).await;
            assert!(matches!(outcome, Err(CommitError::Storage(StorageError::Bounds(_)))), "{blob:?}: {outcome:?}");
        }
        let outcome = engine.blobs.create(id, None).await.map(|_| ());
        assert!(matches!(outcome, Err(StorageError::Bounds(_))), "{outcome:?}");
    }
    assert_eq!(read(&engine, blob_id(1), 0..4).await.expect("read works"), "body");
}

/// A batch that conflicts takes nothing into keeping and retires nothing; what was made can still be kept.
///
/// # Panics
/// Where the rule is broken.
pub async fn a_failed_batch_keeps_and_retires_nothing(subject: &dyn Subject) {
    let engine = subject.open().await;
    keep(&engine, NewBlob::Inline(blob_id(1), "old".into())).await;
    make(&engine, blob_id(2), &pattern(100_000, 1), None).await;
    let batch = Batch {
        expect: vec![Expect::Present(b"g/none".to_vec())],
        keep: vec![NewBlob::Made(blob_id(2)), NewBlob::Inline(blob_id(3), "new".into())],
        retire: vec![blob_id(1)],
        ..Batch::default()
    };
    let outcome = commit(&engine, "g/", batch).await;
    assert!(matches!(outcome, Err(CommitError::Conflict { .. })), "{outcome:?}");
    assert_eq!(read(&engine, blob_id(1), 0..3).await.expect("read works"), "old");
    assert_gone(&engine, blob_id(3)).await;
    keep(&engine, NewBlob::Made(blob_id(2))).await;
    assert!(read(&engine, blob_id(2), 0..100_000).await.is_ok());
}

/// What was kept when a pin was taken stays readable until the pin drops, also while others come and go.
///
/// # Panics
/// Where the rule is broken.
pub async fn a_pin_keeps_retired_blobs_readable(subject: &dyn Subject) {
    let engine = subject.open().await;
    for (number, length) in [(1, 100), (2, 200_000)] {
        let (id, body) = (blob_id(number), pattern(length, 5));
        make(&engine, id, &body, None).await;
        keep(&engine, NewBlob::Made(id)).await;
        let (first, second) = (engine.blobs.pin(), engine.blobs.pin());
        retire(&engine, id).await;
        drop(first);
        for round in 0..50 {
            assert!(read(&engine, id, 0..length as u64).await.expect("a pinned blob is read") == body);
            keep_and_retire_another(&engine, number * 50 + round).await;
        }
        drop(second);
        assert_gone_soon(&engine, id).await;
    }
}

/// A pin taken after a blob was retired does not hold it back.
///
/// # Panics
/// Where the rule is broken.
pub async fn a_later_pin_keeps_nothing_back(subject: &dyn Subject) {
    let engine = subject.open().await;
    keep(&engine, NewBlob::Inline(blob_id(1), "body".into())).await;
    let early = engine.blobs.pin();
    retire(&engine, blob_id(1)).await;
    let late = engine.blobs.pin();
    drop(early);
    assert_gone_soon(&engine, blob_id(1)).await;
    drop(late);
}

/// A link is a blob of its own: the content outlives the retirement of either name.
///
/// # Panics
/// Where the rule is broken.
pub async fn links_are_kept_and_retired_for_themselves(subject: &dyn Subject) {
    let mut engine = subject.open().await;
    for (number, length) in [(1, 50), (2, 300_000)] {
        let body = pattern(length, 9);
        let (first, second, third) = (blob_id(number), blob_id(number + 10), blob_id(number + 20));
        let made = make(&engine, first, &body, None).await;
        keep(&engine, NewBlob::Made(first)).await;
        let link = engine.blobs.link(first, second).await.expect("link works");
        assert_eq!(link, BlobInfo { id: second, ..made });
        let batch = Batch { keep: vec![NewBlob::Made(second)], retire: vec![first], ..Batch::default() };
        committed(&engine, "g/", batch).await;
        assert_gone_soon(&engine, first).await;
        engine = subject.reopen(engine).await;
        assert!(read(&engine, second, 0..length as u64).await.expect("the link is read") == body);
        engine.blobs.link(second, third).await.expect("link works");
        engine = subject.reopen(engine).await;
        assert_gone(&engine, third).await;
        assert!(read(&engine, second, 0..length as u64).await.expect("an unkept link harms nothing") == body);
        let none = engine.blobs.link(blob_id(99), blob_id(98)).await;
        assert!(matches!(none, Err(StorageError::NoSuchBlob(_))), "{none:?}");
    }
}

/// `list` pages through what is kept, in order, with the facts that making it answered.
///
/// # Panics
/// Where the rule is broken.
pub async fn list_pages_through_kept_blobs(subject: &dyn Subject) {
    let engine = subject.open().await;
    let mut expected = Vec::new();
    for number in (1..=12).rev() {
        let id = blob_id(number);
        let info = make(&engine, id, &pattern(usize::from(number) * 15_000, 2), None).await;
        if number % 4 == 0 {
            continue;
        }
        keep(&engine, NewBlob::Made(id)).await;
        if number % 4 == 1 {
            retire(&engine, id).await;
        } else {
            expected.insert(0, info);
        }
    }
    for limit in [1, 2, 100] {
        let mut found: Vec<BlobInfo> = Vec::new();
        loop {
            let page = engine.blobs.list(found.last().map(|info| info.id), limit).await.expect("list works");
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected, "limit {limit}");
    }
}

/// Retiring gives up a blob that was made and not kept, and is no error for one that never was.
///
/// # Panics
/// Where the rule is broken.
pub async fn retiring_discards_what_was_made(subject: &dyn Subject) {
    let engine = subject.open().await;
    for (id, length) in [(blob_id(1), 10), (blob_id(2), 200_000)] {
        make(&engine, id, &pattern(length, 1), None).await;
        retire(&engine, id).await;
        let outcome = commit(&engine, "g/", Batch { keep: vec![NewBlob::Made(id)], ..Batch::default() }).await;
        assert!(matches!(outcome, Err(CommitError::Storage(StorageError::NoSuchBlob(_)))), "{outcome:?}");
        retire(&engine, id).await;
    }
}

async fn make(engine: &Engine, id: BlobId, body: &Bytes, expected: Option<u64>) -> BlobInfo {
    let mut writer = engine.blobs.create(id, expected).await.expect("create works");
    // Pieces of odd lengths, so that no boundary of the engine is one of the caller's.
    let mut rest = body.clone();
    let mut piece = 1;
    while !rest.is_empty() {
        writer.write(rest.split_to(piece.min(rest.len()))).await.expect("write works");
        piece = piece * 3 + 7;
    }
    writer.finish().await.expect("finish works")
}

async fn keep(engine: &Engine, blob: NewBlob) {
    committed(engine, "g/", Batch { keep: vec![blob], ..Batch::default() }).await;
}

async fn retire(engine: &Engine, id: BlobId) {
    committed(engine, "g/", Batch { retire: vec![id], ..Batch::default() }).await;
}

async fn keep_and_retire_another(engine: &Engine, round: u8) {
    let id = BlobId([round; 16].map(|byte| byte ^ 0xa5));
    keep(engine, NewBlob::Inline(id, "other".into())).await;
    drop(engine.blobs.pin());
    retire(engine, id).await;
}

async fn read(engine: &Engine, id: BlobId, range: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
    let stream = engine.blobs.read(id, range.clone()).await?;
    assert_eq!(stream.length(), range.end - range.start);
    stream.collect().await
}

async fn assert_gone(engine: &Engine, id: BlobId) {
    let outcome = engine.blobs.read(id, 0..0).await;
    assert!(matches!(outcome, Err(StorageError::NoSuchBlob(gone)) if gone == id), "{outcome:?}");
}

/// Engines may reap in the background: waits up to five seconds.
async fn assert_gone_soon(engine: &Engine, id: BlobId) {
    for _ in 0..500 {
        if engine.blobs.read(id, 0..0).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_gone(engine, id).await;
}
