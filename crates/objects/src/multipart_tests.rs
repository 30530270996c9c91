//! Multipart uploads: what clients see, what a crash leaves, and what racing requests do.

use std::sync::Arc;
use std::time::Duration;

use access::action;
use storage::faults::{Call, Fault};
use storage::maintenance::Progress;
use storage::{Space, StorageError};
use types::{ByteRange, Checksum, ChecksumAlgorithm, ChecksumType, Conditions, ETag, EtagMatch, Timestamp, UploadId};

use crate::fixture::{Body, World, pattern};
use crate::inspect::WrongCounters;
use crate::listing::{Filter, ListUploads};
use crate::multipart::{CompleteUpload, CompletedPart, MIN_PART_BYTES, NewUpload, WrittenPart};
use crate::object::{Selection, Written};
use crate::{Bucket, Claims, ObjectError, Usage, Versioning};

const MIN: usize = MIN_PART_BYTES as usize;

impl World {
    pub(crate) async fn begin(&self, bucket: &Bucket, key: &str, new: NewUpload) -> UploadId {
        self.objects.create_upload(&self.on_object(bucket, key, None), new).await.unwrap().upload
    }

    pub(crate) async fn part(
        &self,
        bucket: &Bucket,
        key: &str,
        upload: UploadId,
        number: u16,
        body: &[u8],
    ) -> Result<WrittenPart, ObjectError> {
        let grant = self.on_object(bucket, key, None);
        self.objects.upload_part(&grant, upload, number, &mut Body::new(body)).await
    }

    pub(crate) async fn complete(
        &self,
        bucket: &Bucket,
        key: &str,
        upload: UploadId,
        request: CompleteUpload,
    ) -> Result<Written, ObjectError> {
        self.objects.complete_upload(&self.on_object(bucket, key, None), upload, request).await
    }

    pub(crate) async fn abort(&self, bucket: &Bucket, key: &str, upload: UploadId) -> Result<(), ObjectError> {
        self.objects.abort_upload(&self.on_object(bucket, key, None), upload).await
    }

    async fn uploads(&self, bucket: &Bucket) -> Vec<UploadId> {
        let filter = Filter { max_keys: 1000, ..Filter::default() };
        let request = ListUploads { filter, ..ListUploads::default() };
        let page = self.objects.list_uploads(&self.on_bucket(bucket), &request).await.unwrap();
        page.uploads.into_iter().map(|listed| listed.upload).collect()
    }

    /// Waits until nothing of finished uploads is left, and checks that.
    async fn settled(&self, bucket: &Bucket) {
        assert_eq!(self.objects.recover().await.unwrap().failed, 0);
        let pairs = self.faults.engine().metadata.scan(bucket.space(), b"", None, 1000).await.unwrap();
        for (name, _) in pairs {
            let place = crate::keyspace::Place::parse(&name).unwrap();
            let is_head = name[0] == b'o' && place.rest().is_empty();
            assert!(is_head || (storage::side::is_back(&name) && place.is_older()), "{name:?} is left");
        }
    }
}

pub(crate) fn request(parts: &[(u16, ETag)]) -> CompleteUpload {
    let parts = parts.iter().map(|(number, etag)| CompletedPart { number: *number, etag: *etag, checksum: None });
    CompleteUpload {
        parts: parts.collect(),
        checksum: None,
        checksum_type: None,
        size: None,
        conditions: Conditions::default(),
    }
}

#[tokio::test]
async fn parts_become_an_object() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.put(&bucket, "k", b"before").await;
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let initiated = Timestamp::from_secs(1_000_000);
    world.clock.advance_secs(60);
    let bodies = [pattern(MIN, 1), pattern(MIN + 7, 2), pattern(11, 3)];
    // Part 5 is written twice, part 8 is not chosen, and the numbers have gaps.
    world.part(&bucket, "k", upload, 5, b"first try").await.unwrap();
    let mut parts = Vec::new();
    for (number, body) in [2, 5, 9].into_iter().zip(&bodies) {
        parts.push((number, world.part(&bucket, "k", upload, number, body).await.unwrap().etag));
    }
    world.part(&bucket, "k", upload, 8, b"unused").await.unwrap();
    let size = bodies.iter().map(Vec::len).sum::<usize>() as u64;
    assert_eq!(world.usage(&bucket).await, Usage { bytes: 6 + 6 + size, objects: 1 });
    assert_eq!(world.uploads(&bucket).await, [upload]);
    let page = world.objects.list_parts(&world.on_object(&bucket, "k", None), upload, 2, 2).await.unwrap();
    assert_eq!(page.parts.iter().map(|part| part.number).collect::<Vec<_>>(), [5, 8]);
    assert_eq!(page.next, Some(8));

    let written = world.complete(&bucket, "k", upload, request(&parts)).await.unwrap();
    let whole = bodies.concat();
    assert_eq!((written.size, written.etag.parts, written.last_modified), (size, 3, initiated));
    let checksum = written.checksum.unwrap();
    assert_eq!(checksum.value, Checksum::of(ChecksumAlgorithm::Crc64Nvme, &whole));
    assert_eq!(checksum.kind, ChecksumType::FullObject);
    assert_eq!(world.usage(&bucket).await, Usage { bytes: size, objects: 1 });
    assert_eq!(world.uploads(&bucket).await, []);
    assert!(world.body(&bucket, "k").await == whole);
    for (first, last) in [(0, 0), (MIN - 3, MIN + 3), (2 * MIN + 5, 2 * MIN + 20), (3, 2 * MIN + 9)] {
        let last = last.min(whole.len() - 1);
        assert!(world.range(&bucket, "k", first as u64, last as u64).await == whole[first..=last], "{first}");
    }
    let read = world.get(&bucket, "k", None, Selection::Part(5)).await.unwrap();
    assert_eq!((read.head.range.clone(), read.head.parts), (Some(MIN as u64..2 * MIN as u64 + 7), Some(3)));
    assert!(read.body.collect().await.unwrap() == bodies[1]);
    assert!(matches!(world.get(&bucket, "k", None, Selection::Part(8)).await, Err(ObjectError::InvalidPartNumber)));
    world.settled(&bucket).await;
    let again = world.complete(&bucket, "k", upload, request(&parts)).await;
    assert!(matches!(again, Err(ObjectError::NoSuchUpload)));
    assert_eq!(world.blobs().await, 4, "three parts and their map");
    world.delete(&bucket, "k", None).await;
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
}

#[tokio::test]
async fn what_a_completion_says_is_checked() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let sha = ChecksumAlgorithm::Sha256;
    let checksum = Some((sha, ChecksumType::Composite));
    let upload = world.begin(&bucket, "k", NewUpload { checksum, ..NewUpload::default() }).await;
    let bodies = [pattern(MIN, 1), pattern(3, 2)];
    let grant = world.on_object::<action::PutObject>(&bucket, "k", None);
    let other = Claims { md5: None, checksum: Some(Checksum::of(ChecksumAlgorithm::Crc32, b"x")) };
    let outcome = world.objects.upload_part(&grant, upload, 1, &mut Body::claiming(b"x", other)).await;
    assert!(matches!(outcome, Err(ObjectError::InvalidRequest(_))));
    for number in [0, 10_001] {
        assert!(matches!(world.part(&bucket, "k", upload, number, b"").await, Err(ObjectError::InvalidArgument(_))));
    }
    let first = world.part(&bucket, "k", upload, 1, &bodies[0]).await.unwrap();
    let second = world.part(&bucket, "k", upload, 2, &bodies[1]).await.unwrap();
    assert_eq!(second.checksum, Some(Checksum::of(sha, &bodies[1])));
    let (first, second) = ((1, first.etag), (2, second.etag));
    let good = || request(&[first, second]);
    let mut wrong_sum = good();
    wrong_sum.parts[1].checksum = Some(Checksum::of(sha, b"other"));
    let whole = Checksum::composite(sha, &bodies.each_ref().map(|body| Checksum::of(sha, body)));
    type Check = fn(&ObjectError) -> bool;
    let cases: [(CompleteUpload, Check); 9] = [
        (request(&[]), |error| matches!(error, ObjectError::InvalidRequest(_))),
        (request(&[second, first]), |error| matches!(error, ObjectError::InvalidPartOrder)),
        (request(&[first, first]), |error| matches!(error, ObjectError::InvalidPartOrder)),
        (request(&[first, (3, second.1)]), |error| matches!(error, ObjectError::InvalidPart)),
        (request(&[first, (2, first.1)]), |error| matches!(error, ObjectError::InvalidPart)),
        (wrong_sum, |error| matches!(error, ObjectError::InvalidPart)),
        (CompleteUpload { size: Some(1), ..good() }, |error| matches!(error, ObjectError::InvalidRequest(_))),
        (CompleteUpload { checksum_type: Some(ChecksumType::FullObject), ..good() }, |error| {
            matches!(error, ObjectError::InvalidRequest(_))
        }),
        (CompleteUpload { checksum: Some(Checksum::of(sha, b"other")), ..good() }, |error| {
            matches!(error, ObjectError::BadChecksum { .. })
        }),
    ];
    for (request, check) in cases {
        let error = world.complete(&bucket, "k", upload, request.clone()).await.unwrap_err();
        assert!(check(&error), "{request:?}: {error}");
    }
    let third = world.part(&bucket, "k", upload, 3, b"after a small one").await.unwrap();
    let small = world.complete(&bucket, "k", upload, request(&[first, second, (3, third.etag)])).await;
    assert!(matches!(small, Err(ObjectError::EntityTooSmall { number: 2, size: 3, .. })));
    let good = CompleteUpload { checksum: Some(whole), size: Some(MIN_PART_BYTES + 3), ..good() };
    let written = world.complete(&bucket, "k", upload, good).await.unwrap();
    assert_eq!(written.checksum.map(|sum| (sum.value, sum.kind)), Some((whole, ChecksumType::Composite)));
    world.settled(&bucket).await;
}

#[tokio::test]
async fn a_refused_completion_leaves_the_upload_open() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let part = (1, world.part(&bucket, "k", upload, 1, b"content").await.unwrap().etag);
    let present = world.put(&bucket, "k", b"present").await;
    let absent = Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
    let conditional = |conditions| CompleteUpload { conditions, ..request(&[part]) };
    let outcome = world.complete(&bucket, "k", upload, conditional(absent)).await;
    assert!(matches!(outcome, Err(ObjectError::PreconditionFailed { .. })));
    assert_eq!(world.uploads(&bucket).await, [upload]);
    let matching = Conditions { if_match: Some(EtagMatch::Tags(vec![present.etag])), ..Conditions::default() };
    world.complete(&bucket, "k", upload, conditional(matching)).await.unwrap();
    assert_eq!(world.body(&bucket, "k").await, b"content");
    world.settled(&bucket).await;
}

/// Whoever is told of an error is told so once: the completion does not happen later, over what came since.
#[tokio::test]
async fn a_completion_that_fails_leaves_the_upload_open() {
    let io = || Fault::Fail(StorageError::Io("planned fault".to_owned()));
    let faults = [
        (Call::Commit, 2, Fault::Fail(StorageError::Full)),
        (Call::Commit, 2, io()),
        // Of the parts, and of the key's head.
        (Call::Scan, 2, io()),
        (Call::Get, 4, io()),
    ];
    for (call, ahead, fault) in faults {
        let place = format!("{call:?} {ahead}: {fault:?}");
        let world = World::new();
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let upload = world.begin(&bucket, "k", NewUpload::default()).await;
        let part = (1, world.part(&bucket, "k", upload, 1, b"content").await.unwrap().etag);
        let commits = world.faults.calls(Call::Commit);
        world.faults.plan(call, ahead, fault);
        let outcome = world.complete(&bucket, "k", upload, request(&[part])).await;
        assert!(matches!(outcome, Err(ObjectError::Storage(StorageError::Full | StorageError::Io(_)))), "{place}");
        assert!(world.faults.calls(Call::Commit) > commits + 1, "{place}: the completion had begun");
        assert_eq!(world.uploads(&bucket).await, [upload], "{place}");
        world.put(&bucket, "k", b"newer").await;
        assert_eq!(world.objects.recover().await.unwrap(), crate::Recovered::default(), "{place}");
        assert_eq!(world.body(&bucket, "k").await, b"newer", "{place}");
        world.complete(&bucket, "k", upload, request(&[part])).await.unwrap();
        assert_eq!(world.body(&bucket, "k").await, b"content", "{place}");
        world.settled(&bucket).await;
    }
}

/// A completion whose second step was done before the answer to it got lost, and could not be looked for, is done.
#[tokio::test]
async fn a_completion_that_happened_is_not_taken_back() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let part = (1, world.part(&bucket, "k", upload, 1, b"content").await.unwrap().etag);
    world.faults.plan(Call::Commit, 2, Fault::UnknownDone);
    world.faults.plan(Call::Get, 5, Fault::Fail(StorageError::Io("planned fault".to_owned())));
    world.complete(&bucket, "k", upload, request(&[part])).await.unwrap();
    assert_eq!(world.body(&bucket, "k").await, b"content");
    world.settled(&bucket).await;
}

/// Where an upload can be neither completed nor opened again, it is finished as soon as recovery runs, which is asked for.
#[tokio::test]
async fn an_upload_that_is_left_half_done_asks_for_recovery() {
    let io = || Fault::Fail(StorageError::Io("planned fault".to_owned()));
    for (failing, completes) in [(&[2, 3][..], true), (&[2][..], false)] {
        let world = World::new();
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let upload = world.begin(&bucket, "k", NewUpload::default()).await;
        let part = (1, world.part(&bucket, "k", upload, 1, b"content").await.unwrap().etag);
        let calm = tokio::time::timeout(Duration::from_millis(10), world.objects.interrupted()).await;
        assert!(calm.is_err());
        failing.iter().for_each(|commit| world.faults.plan(Call::Commit, *commit, io()));
        if completes {
            world.complete(&bucket, "k", upload, request(&[part])).await.unwrap_err();
        } else {
            world.abort(&bucket, "k", upload).await.unwrap_err();
        }
        assert_eq!(world.uploads(&bucket).await, []);
        tokio::time::timeout(Duration::from_secs(60), world.objects.interrupted()).await.unwrap();
        assert_eq!(world.objects.recover().await.unwrap().uploads, 1);
        if completes {
            assert_eq!(world.body(&bucket, "k").await, b"content");
        }
        world.settled(&bucket).await;
    }
}

/// Every commit of a completion fails once in every way, and the process dies there. Whether the client sends it again
/// first or recovery comes first, what is found is one of the two states that the client may expect, whole.
#[tokio::test]
async fn a_completion_survives_a_crash_after_every_step() {
    let io = || Fault::Fail(StorageError::Io("the plug".to_owned()));
    for step in 1..=6 {
        for fault in [io(), Fault::UnknownDone, Fault::UnknownUndone] {
            for again in [false, true] {
                crash_completing(step, fault.clone(), again).await;
            }
        }
    }
}

async fn crash_completing(step: u64, fault: Fault, again: bool) {
    let place = format!("step {step}, {fault:?}, again: {again}");
    let mut world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    world.put(&bucket, "k", b"before").await;
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let part = (3, world.part(&bucket, "k", upload, 3, &pattern(70_000, 3)).await.unwrap().etag);
    world.part(&bucket, "k", upload, 4, b"unused").await.unwrap();
    world.faults.plan(Call::Commit, step, fault);
    let outcome = world.complete(&bucket, "k", upload, request(&[part])).await;
    // The last steps come after the answer.
    while Arc::strong_count(&world.objects.locks) > 1 {
        tokio::task::yield_now().await;
    }
    world.restart(step + 100);
    world.is_whole(&place).await;
    if again {
        match (&outcome, world.complete(&bucket, "k", upload, request(&[part])).await) {
            (Ok(first), Ok(second)) => assert_eq!(*first, second, "{place}"),
            (Err(_), Ok(_)) | (Ok(_), Err(ObjectError::NoSuchUpload)) => {}
            (first, second) => panic!("{place}: {first:?}, then {second:?}"),
        }
    }
    world.settled_or_open(&bucket, upload).await;
    if !world.uploads(&bucket).await.is_empty() {
        assert!(outcome.is_err() && !again, "{place}");
        assert_eq!(world.body(&bucket, "k").await, b"before", "{place}");
        world.complete(&bucket, "k", upload, request(&[part])).await.expect(&place);
    }
    world.settled(&bucket).await;
    assert!(world.body(&bucket, "k").await == pattern(70_000, 3), "{place}");
    assert_eq!(world.usage(&bucket).await, Usage { bytes: 70_006, objects: 2 }, "{place}");
    assert_eq!(world.versions(&bucket).await.len(), 2, "{place}");
    assert_eq!(world.blobs().await, 3, "{place}");
}

impl World {
    /// Checks that nothing is damaged, whatever was broken off.
    async fn is_whole(&self, place: &str) {
        let checked = self.objects.check(&Progress::unpaced(), WrongCounters::Tell).await.expect("looked");
        assert_eq!(checked.damages.listed, [], "{place}");
    }

    /// Recovers, and checks that nothing is left but what an open upload has.
    async fn settled_or_open(&self, bucket: &Bucket, upload: UploadId) {
        assert_eq!(self.objects.recover().await.unwrap().failed, 0);
        if self.uploads(bucket).await != [upload] {
            self.settled(bucket).await;
        }
    }
}

#[tokio::test]
async fn an_abort_survives_a_crash_after_every_step() {
    for step in 1..=2 {
        for fault in [Fault::Fail(StorageError::Full), Fault::UnknownDone, Fault::UnknownUndone] {
            let mut world = World::new();
            let bucket = world.bucket("data", Versioning::Unversioned).await;
            let upload = world.begin(&bucket, "k", NewUpload::default()).await;
            for number in 1..=3 {
                world.part(&bucket, "k", upload, number, &pattern(70_000, 3)).await.unwrap();
            }
            world.faults.plan(Call::Commit, step, fault);
            let _ = world.abort(&bucket, "k", upload).await;
            world.restart(step + 100);
            world.is_whole(&format!("step {step}")).await;
            world.settled_or_open(&bucket, upload).await;
            if !world.uploads(&bucket).await.is_empty() {
                world.abort(&bucket, "k", upload).await.unwrap();
            }
            world.settled(&bucket).await;
            assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0), "{step}");
            assert!(matches!(world.abort(&bucket, "k", upload).await, Err(ObjectError::NoSuchUpload)));
            let late = world.part(&bucket, "k", upload, 4, b"late").await;
            assert!(matches!(late, Err(ObjectError::NoSuchUpload)));
        }
    }
}

/// Parts, completions and aborts of one upload race. One completion or abort wins, and usage and blobs are exact.
#[tokio::test(flavor = "multi_thread")]
async fn racing_requests_leave_one_outcome() {
    for round in 0..12 {
        let world = Arc::new(World::new());
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let upload = world.begin(&bucket, "k", NewUpload::default()).await;
        let part = (1, world.part(&bucket, "k", upload, 1, b"content").await.unwrap().etag);
        let mut racers = Vec::new();
        for racer in 0..9 {
            let (world, bucket) = (Arc::clone(&world), Arc::clone(&bucket));
            racers.push(tokio::spawn(async move {
                match (racer + round) % 3 {
                    0 => world.part(&bucket, "k", upload, 2, &pattern(70_000, racer)).await.map(|_| false),
                    1 => world.complete(&bucket, "k", upload, request(&[part])).await.map(|_| true),
                    _ => world.abort(&bucket, "k", upload).await.map(|()| false),
                }
            }));
        }
        let mut completed = false;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(done) => completed |= done,
                Err(ObjectError::NoSuchUpload) => {}
                Err(error) => panic!("{error}"),
            }
        }
        world.settled(&bucket).await;
        let expected = if completed { (Usage { bytes: 7, objects: 1 }, 2) } else { (Usage::default(), 0) };
        assert_eq!((world.usage(&bucket).await, world.blobs().await), expected, "round {round}");
    }
}

/// More parts than a slab of the map has lines, all of them copies that share bytes.
#[tokio::test]
async fn many_parts_copied_and_read_across_slabs() {
    const PARTS: u16 = 260;
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let body = pattern(MIN, 9);
    world.put(&bucket, "source", &body).await;
    let upload = world.begin(&bucket, "many", NewUpload::default()).await;
    let (source, destination) = (world.on_object(&bucket, "source", None), world.on_object(&bucket, "many", None));
    let none = Conditions::default();
    let mut parts = Vec::new();
    for number in 1..=PARTS {
        let written = world.objects.upload_part_copy(&source, &destination, upload, number, None, &none).await.unwrap();
        parts.push((number, written.etag));
    }
    let range = |first, last| Some(ByteRange::From { first, last: Some(last) });
    let outside = range(0, MIN as u64);
    let outcome = world.objects.upload_part_copy(&source, &destination, upload, 1, outside, &none).await;
    assert!(matches!(outcome, Err(ObjectError::InvalidRange(_))));
    let tail = world.objects.upload_part_copy(&source, &destination, upload, PARTS + 1, range(5, 14), &none).await;
    parts.push((PARTS + 1, tail.unwrap().etag));
    let written = world.complete(&bucket, "many", upload, request(&parts)).await.unwrap();
    assert_eq!(written.size, u64::from(PARTS) * MIN_PART_BYTES + 10);

    let copy = crate::object::CopyRequest {
        metadata: crate::object::MetadataDirective::Copy,
        storage_class: None,
        acl: None,
        source_conditions: none.clone(),
        conditions: none.clone(),
        checksum_algorithm: None,
    };
    let (source, destination) = (world.on_object(&bucket, "many", None), world.on_object(&bucket, "copy", None));
    let copied = world.objects.copy_object(&source, &destination, copy).await.unwrap();
    assert_eq!(copied.written.etag, written.etag);
    world.delete(&bucket, "many", None).await;
    for slab in [1, 2] {
        let boundary = slab * 128 * MIN;
        let found = world.range(&bucket, "copy", boundary as u64 - 4, boundary as u64 + 3).await;
        assert_eq!(found, [&body[MIN - 4..], &body[..4]].concat());
    }
    let end = world.get(&bucket, "copy", None, Selection::Range(ByteRange::Suffix { length: 12 })).await.unwrap();
    assert_eq!(end.body.collect().await.unwrap(), [&body[MIN - 2..], &body[5..15]].concat());
    let part = world.get(&bucket, "copy", None, Selection::Part(200)).await.unwrap();
    assert!(part.body.collect().await.unwrap() == body);
    let grant = world.on_object(&bucket, "copy", None);
    let attributes = world.objects.object_attributes(&grant, &none, 255, 4).await.unwrap();
    assert_eq!(attributes.parts.iter().map(|part| (part.number, part.size)).next(), Some((256, MIN_PART_BYTES)));
    assert_eq!((attributes.parts.len(), attributes.next_part, attributes.parts_count), (4, Some(259), Some(261)));
    world.delete(&bucket, "copy", None).await;
    world.delete(&bucket, "source", None).await;
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_age() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let mut begun = Vec::new();
    for key in ["b", "a/2", "a/1", "b", "a/1", "c/x"] {
        world.clock.advance_secs(1);
        let upload = world.begin(&bucket, key, NewUpload::default()).await;
        world.part(&bucket, key, upload, 1, b"part").await.unwrap();
        begun.push((key, upload));
    }
    begun.sort();
    let list = async |delimiter: &str, max_keys, marker: (String, Option<UploadId>)| {
        let filter = Filter { delimiter: delimiter.to_owned(), max_keys, ..Filter::default() };
        let request = ListUploads { filter, key_marker: marker.0, upload_id_marker: marker.1 };
        let page = world.objects.list_uploads(&world.on_bucket(&bucket), &request).await.unwrap();
        let uploads: Vec<_> = page.uploads.iter().map(|listed| (listed.key.to_string(), listed.upload)).collect();
        (uploads, page.common_prefixes, page.next)
    };
    for max_keys in 1..8 {
        let (mut found, mut marker) = (Vec::new(), (String::new(), None));
        loop {
            let (page, _, next) = list("", max_keys, marker).await;
            found.extend(page);
            match next {
                Some(next) => marker = next,
                None => break,
            }
        }
        assert!(found.iter().map(|(key, upload)| (key.as_str(), *upload)).eq(begun.iter().copied()), "{max_keys}");
    }
    let (uploads, prefixes, next) = list("/", 2, (String::new(), None)).await;
    assert_eq!((uploads.len(), prefixes, next.clone().unwrap().0), (1, vec!["a/".to_owned()], "b".to_owned()));
    let (uploads, prefixes, next) = list("/", 9, next.unwrap()).await;
    assert_eq!((uploads.len(), prefixes, next), (1, vec!["c/".to_owned()], None));
    // With a key but no upload, the marker passes all of the key's.
    assert_eq!(list("", 9, ("b".to_owned(), None)).await.0.len(), 1);

    // A bucket with nothing but uploads can go, and they go with it.
    world.objects.delete_bucket(&world.on_bucket(&bucket)).await.unwrap();
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
    let space = Space(bucket.id);
    assert!(world.faults.engine().metadata.scan(space, b"", None, 10).await.unwrap().is_empty());
}

/// What a reader has begun stays whole, whatever is written meanwhile.
#[tokio::test]
async fn readers_keep_what_they_began_to_read() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let bodies = [pattern(MIN, 1), pattern(70_000, 2)];
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        parts.push((number, world.part(&bucket, "k", upload, number, body).await.unwrap().etag));
    }
    world.complete(&bucket, "k", upload, request(&parts)).await.unwrap();
    let reading = world.get(&bucket, "k", None, Selection::Whole).await.unwrap();
    world.put(&bucket, "k", b"anew").await;
    assert_eq!(world.blobs().await, 1);
    assert!(reading.body.collect().await.unwrap() == bodies.concat());
    assert_eq!(world.body(&bucket, "k").await, b"anew");
}
