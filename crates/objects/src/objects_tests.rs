//! PUT, GET, HEAD and DELETE, with and without versions.

use std::sync::Arc;

use access::action;
use storage::StorageError;
use storage::faults::{Call, Fault};
use types::{ByteRange, Checksum, ChecksumAlgorithm, Conditions, ETag, EtagMatch, VersionId};

use crate::fixture::{Body, FoundVersion, World, pattern};
use crate::object::{PutRequest, ReadRequest, Selection};
use crate::{Claims, ObjectError, Usage, Versioning};

#[tokio::test]
async fn bodies_of_all_sizes_come_back() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let mut bytes = 0;
    let sizes = [0, 1, 65_536, 65_537, 300_000, 3_000_000];
    for size in sizes {
        let body = pattern(size, size);
        let key = format!("k{size}");
        let written = world.put(&bucket, &key, &body).await;
        assert_eq!(written.checksum.map(|sum| sum.value), Some(Checksum::of(ChecksumAlgorithm::Crc64Nvme, &body)));
        assert_eq!(world.body(&bucket, &key).await, body);
        if size > 10 {
            assert_eq!(world.range(&bucket, &key, 3, 9).await, body[3..10]);
            assert_eq!(world.range(&bucket, &key, size as u64 - 2, u64::MAX).await, body[size - 2..]);
        }
        bytes += size as u64;
    }
    assert_eq!(world.usage(&bucket).await, Usage { bytes, objects: sizes.len() as u64 });
    assert_eq!(world.blobs().await, sizes.len() - 1);
    world.put(&bucket, "k3000000", b"short").await;
    assert_eq!(world.body(&bucket, "k3000000").await, b"short");
    for size in sizes {
        world.delete(&bucket, &format!("k{size}"), None).await;
    }
    assert_eq!(world.usage(&bucket).await, Usage::default());
    assert_eq!(world.blobs().await, 0);
    let gone = world.get(&bucket, "k1", None, Selection::Whole).await;
    assert!(matches!(gone, Err(ObjectError::NoSuchKey)));
}

#[tokio::test]
async fn a_body_that_is_not_what_was_claimed_leaves_nothing() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    // The checksum of a large body is computed where it is stored, if it is the one that storage has anyway.
    let algorithms = [ChecksumAlgorithm::Sha1, ChecksumAlgorithm::Crc64Nvme];
    for (size, algorithm) in [5, 200_000].into_iter().flat_map(|size| algorithms.map(|algorithm| (size, algorithm))) {
        let body = pattern(size, 0);
        let right = Checksum::of(algorithm, &body);
        let wrong = Checksum::of(algorithm, b"other");
        let md5 = world.put(&bucket, "md5", &body).await.etag.md5;
        let put = async |mut body: Body| {
            let grant = world.on_object(&bucket, "k", None);
            world.objects.put_object(&grant, PutRequest::default(), &mut body).await
        };
        let claims = |md5, checksum| Claims { md5, checksum };
        let outcome = put(Body::claiming(&body, claims(Some([0; 16]), None))).await;
        assert!(matches!(outcome, Err(ObjectError::BadDigest { computed, .. }) if computed == md5));
        let outcome = put(Body::claiming(&body, claims(None, Some(wrong)))).await;
        assert!(matches!(outcome, Err(ObjectError::BadChecksum { algorithm: refused }) if refused == algorithm));
        assert!(matches!(put(Body::broken(&body)).await, Err(ObjectError::Payload(_))));
        assert!(world.get(&bucket, "k", None, Selection::Whole).await.is_err());
        let written = put(Body::claiming(&body, claims(Some(md5), Some(right)))).await.unwrap();
        assert_eq!(written.checksum.unwrap().value, right);
        world.delete(&bucket, "k", None).await;
    }
    assert_eq!(world.blobs().await, 1, "only md5's");
}

#[tokio::test]
async fn versions_stack_and_unstack() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let kinds = async || -> Vec<(String, bool, bool)> {
        let line = |listed: &FoundVersion| (listed.id.to_string(), listed.is_latest, listed.size.is_some());
        world.versions(&bucket).await.iter().map(line).collect()
    };
    assert_eq!(world.put(&bucket, "k", b"null 1").await.version, None);
    world.set_versioning(&bucket, Versioning::Enabled).await;
    let first = world.put(&bucket, "k", b"first").await.version.unwrap();
    // The clock jumping back does not disturb the order.
    world.clock.set(types::Timestamp::from_secs(5));
    let marker = world.delete(&bucket, "k", None).await;
    assert!(marker.delete_marker);
    let marker = marker.version.unwrap();
    let line = |version: VersionId, latest, object| (version.to_string(), latest, object);
    let null = VersionId::Null;
    assert_eq!(kinds().await, [line(marker, true, false), line(first, false, true), line(null, false, true)]);
    let read = world.get(&bucket, "k", None, Selection::Whole).await;
    assert!(matches!(read, Err(ObjectError::DeleteMarker { version }) if version == marker));
    let read = world.get(&bucket, "k", Some(marker), Selection::Whole).await;
    assert!(matches!(read, Err(ObjectError::MethodNotAllowedOnDeleteMarker { .. })));
    let read = world.get(&bucket, "k", Some(null), Selection::Whole).await.unwrap();
    assert_eq!(read.body.collect().await.unwrap(), "null 1");

    world.set_versioning(&bucket, Versioning::Suspended).await;
    assert_eq!(world.put(&bucket, "k", b"null 2").await.version, None);
    assert_eq!(kinds().await, [line(null, true, true), line(marker, false, false), line(first, false, true)]);
    assert_eq!(world.usage(&bucket).await, Usage { bytes: 11, objects: 2 });
    assert_eq!(world.delete(&bucket, "k", None).await.version, Some(null));
    assert_eq!(kinds().await, [line(null, true, false), line(marker, false, false), line(first, false, true)]);
    assert!(world.delete(&bucket, "k", Some(null)).await.delete_marker);
    assert!(world.delete(&bucket, "k", Some(marker)).await.delete_marker);
    assert_eq!(kinds().await, [line(first, true, true)]);
    assert_eq!(world.body(&bucket, "k").await, b"first");
    let other = VersionId::Id([9; 16]);
    assert_eq!(world.delete(&bucket, "k", Some(other)).await.version, Some(other));
    world.delete(&bucket, "k", Some(first)).await;
    assert_eq!(kinds().await, []);
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
}

/// What was looked up for a decision is what the operation answers, whatever was written since; and only for the object
/// that was decided about.
#[tokio::test]
async fn what_was_decided_about_is_what_is_answered() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let old = pattern(700_000, 1);
    for body in [&old[..], b"old"] {
        world.put(&bucket, "k", body).await;
        let grant = world.on_object::<action::GetObject>(&bucket, "k", None);
        let see = || async { world.objects.look_up(grant.target().clone()).await.unwrap().expect("it is there") };
        let (seen, headed, elsewhere) = (see().await, see().await, see().await);
        assert_eq!(seen.facts().unwrap().owner, world.caller.user());
        world.put(&bucket, "k", b"new").await;
        world.put(&bucket, "other", b"other").await;

        let whole = ReadRequest::default();
        let head = world.objects.head_object(&grant, &whole, Some(headed)).await.unwrap();
        let read = world.objects.get_object(&grant, &whole, Some(seen)).await.unwrap();
        assert_eq!((head.info.size, &read.head), (body.len() as u64, &head));
        assert_eq!(read.body.collect().await.unwrap(), body);
        let other = world.on_object::<action::GetObject>(&bucket, "other", None);
        let read = world.objects.get_object(&other, &whole, Some(elsewhere)).await.unwrap();
        assert_eq!(read.body.collect().await.unwrap(), "other");
        assert_eq!(world.body(&bucket, "k").await, b"new");
    }
    let absent = world.on_object::<action::GetObject>(&bucket, "absent", None);
    assert!(world.objects.look_up(absent.target().clone()).await.unwrap().is_none());
    world.set_versioning(&bucket, Versioning::Enabled).await;
    world.delete(&bucket, "k", None).await;
    let marker = world.on_object::<action::GetObject>(&bucket, "k", None);
    let seen = world.objects.look_up(marker.target().clone()).await.unwrap().unwrap();
    assert!(seen.facts().is_none());
    let read = world.objects.get_object(&marker, &ReadRequest::default(), Some(seen)).await;
    assert!(matches!(read, Err(ObjectError::DeleteMarker { .. })));
}

#[tokio::test]
async fn conditions_are_those_of_the_commit() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    let absent = || Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
    let matching = |etag| Conditions { if_match: Some(EtagMatch::Tags(vec![etag])), ..Conditions::default() };
    let other = ETag::whole([1; 16]);
    assert!(matches!(world.try_put(&bucket, "k", b"a", matching(other)).await, Err(ObjectError::NoSuchKey)));
    let first = world.try_put(&bucket, "k", b"a", absent()).await.unwrap();
    let again = world.try_put(&bucket, "k", b"b", absent()).await;
    assert!(matches!(again, Err(ObjectError::PreconditionFailed { condition: "If-None-Match" })));
    let wrong = world.try_put(&bucket, "k", b"b", matching(other)).await;
    assert!(matches!(wrong, Err(ObjectError::PreconditionFailed { condition: "If-Match" })));
    world.try_put(&bucket, "k", b"b", matching(first.etag)).await.unwrap();
    let delete =
        async |conditions| world.objects.delete_object(&world.on_object(&bucket, "k", None), &conditions).await;
    assert!(matches!(delete(matching(other)).await, Err(ObjectError::PreconditionFailed { .. })));
    delete(Conditions { if_match: Some(EtagMatch::Any), ..Conditions::default() }).await.unwrap();
    assert!(matches!(delete(matching(other)).await, Err(ObjectError::PreconditionFailed { .. })), "a delete marker");
    world.try_put(&bucket, "k", b"c", absent()).await.unwrap();
    let sized = |size| Conditions { size: Some(size), ..Conditions::default() };
    assert!(matches!(delete(sized(2)).await, Err(ObjectError::PreconditionFailed { .. })));
    assert!(delete(sized(1)).await.unwrap().delete_marker);
}

#[tokio::test]
async fn selections_outside_the_object_are_refused() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.put(&bucket, "k", b"0123456789").await;
    let range = |first, last| Selection::Range(ByteRange::From { first, last });
    let read = async |selection| world.get(&bucket, "k", None, selection).await;
    assert!(matches!(read(range(10, None)).await, Err(ObjectError::InvalidRange(_))));
    assert!(matches!(read(Selection::Part(2)).await, Err(ObjectError::InvalidPartNumber)));
    let part = read(Selection::Part(1)).await.unwrap().head;
    assert_eq!((part.range, part.parts), (Some(0..10), None));
    let suffix = read(Selection::Range(ByteRange::Suffix { length: 3 })).await.unwrap();
    assert_eq!((suffix.head.range, suffix.body.collect().await.unwrap()), (Some(7..10), "789".into()));
}

/// Sixteen writers with `If-None-Match: *`, and then sixteen with the same `If-Match`, in two stores on one engine: one
/// of each wins.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_conditional_writers_wins() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let stores = [Arc::new(world.twin(2)), Arc::new(world.twin(3))];
    let mut conditions = Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
    for round in 0..8 {
        let writer = |number: usize| {
            let (store, bucket) = (Arc::clone(&stores[number % 2]), Arc::clone(&bucket));
            let (body, conditions) = (pattern(70_000, round * 16 + number), conditions.clone());
            tokio::spawn(async move { store.try_put(&bucket, "k", &body, conditions).await })
        };
        let writers: Vec<_> = (0..16).map(writer).collect();
        let mut won = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(written) => won.push(written.etag),
                Err(ObjectError::PreconditionFailed { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won.len(), 1);
        conditions = Conditions { if_match: Some(EtagMatch::Tags(won)), ..Conditions::default() };
    }
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage { bytes: 70_000, objects: 1 }, 1));
}

/// Writes, deletes and removals of versions of two keys meet in two stores on one engine.
/// What is left adds up.
#[tokio::test(flavor = "multi_thread")]
async fn racing_writers_leave_exact_usage() {
    for versioning in [Versioning::Unversioned, Versioning::Enabled, Versioning::Suspended] {
        let world = World::new();
        let bucket = world.bucket("data", versioning).await;
        let stores = [Arc::new(world.twin(2)), Arc::new(world.twin(3))];
        let writer = |number: usize| {
            let (store, bucket) = (Arc::clone(&stores[number % 2]), Arc::clone(&bucket));
            tokio::spawn(async move {
                for step in 0..20 {
                    let key = ["k", "l"][(number + step) % 2];
                    match (number * 7 + step * 3) % 5 {
                        0 => {
                            let listed = store.versions(&bucket).await;
                            if let Some(listed) = listed.get(step) {
                                store.delete(&bucket, &listed.key, Some(listed.id)).await;
                            }
                        }
                        1 => {
                            store.delete(&bucket, key, None).await;
                        }
                        _ => {
                            store.put(&bucket, key, &pattern(number * 20 + step, 1)).await;
                        }
                    }
                }
            })
        };
        let writers: Vec<_> = (0..8).map(writer).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let listed = world.versions(&bucket).await;
        let mut left = Usage::default();
        for listed in &listed {
            if let Some(size) = listed.size {
                let found = world.get(&bucket, &listed.key, Some(listed.id), Selection::Whole).await.unwrap();
                assert_eq!(found.body.collect().await.unwrap().len() as u64, size);
                left = Usage { bytes: left.bytes + size, objects: left.objects + 1 };
            }
        }
        assert_eq!(world.usage(&bucket).await, left, "{versioning:?}");
        for listed in &listed {
            world.delete(&bucket, &listed.key, Some(listed.id)).await;
        }
        assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
    }
}

/// What was made durable and then not committed is given back.
#[tokio::test]
async fn a_body_without_a_commit_is_discarded() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.faults.plan(Call::Commit, 1, Fault::Fail(StorageError::Full));
    let commits = world.faults.calls(Call::Commit);
    let outcome = world.try_put(&bucket, "k", &pattern(200_000, 1), Conditions::default()).await;
    assert!(matches!(outcome, Err(ObjectError::Storage(StorageError::Full))));
    world.blobs().await;
    assert_eq!(world.faults.calls(Call::Commit) - commits, 2, "one that failed, and one that discards");
    assert_eq!(world.usage(&bucket).await, Usage::default());
}

#[tokio::test]
async fn a_clock_that_jumps_back_neither_hides_a_write_nor_brings_one_back() {
    let world = World::new();
    for versioning in [Versioning::Unversioned, Versioning::Enabled, Versioning::Suspended] {
        let bucket = world.bucket(&format!("data-{versioning:?}").to_lowercase(), versioning).await;
        let mut kept = Vec::new();
        for (at_secs, body) in [(5_000_000, "first"), (10, "second"), (0, "third"), (4_999_999, "fourth")] {
            world.clock.set(types::Timestamp::from_secs(at_secs));
            world.put(&bucket, "k", body.as_bytes()).await;
            assert_eq!(world.body(&bucket, "k").await, body.as_bytes(), "{versioning:?}");
            kept.insert(0, body.len() as u64);
        }
        let versions = world.versions(&bucket).await;
        let sizes: Vec<u64> = versions.iter().map(|version| version.size.unwrap_or(0)).collect();
        let expected = if versioning == Versioning::Enabled { kept } else { vec![6] };
        assert_eq!(sizes, expected, "{versioning:?}");
        world.clock.set(types::Timestamp::from_secs(1));
        world.delete(&bucket, "k", None).await;
        let gone = world.get(&bucket, "k", None, Selection::Whole).await;
        assert!(gone.is_err(), "{versioning:?}: a delete at an earlier time is a delete");
    }
}
