//! Quotas under every kind of write and delete, and the counters against a recount.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::action;
use bytes::Bytes;
use identity::quota::{Limits, QuotaLimit, QuotaOverride};
use identity::{Event, Identity, MasterKey, NewTenancy, Quota, QuotaChange, QuotaScope};
use policy::{QuotaState, Role};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::proptest;
use storage::maintenance::Progress;
use types::{Clock, Conditions, ETag, SeededEntropy, Timestamp, UploadId, UserName, VersionId};

use crate::fixture::{Body, World, pattern, person};
use crate::inspect::WrongCounters;
use crate::multipart::{MIN_PART_BYTES, NewUpload};
use crate::multipart_tests::request;
use crate::object::{CopyRequest, MetadataDirective, PutRequest};
use crate::usage::Measure;
use crate::{Bucket, ObjectError, Payload, PayloadError, QuotaExceeded, Review, Usage, UsageDetail, Versioning};

const MIN: usize = MIN_PART_BYTES as usize;

impl World {
    fn limit(&self, scope: &QuotaScope, bytes: Option<u64>, objects: Option<u64>) {
        let quota = Quota { hard: Limits { bytes, objects }, ..Quota::default() };
        self.objects.quotas().set(&self.tenancy(), scope, quota);
    }

    async fn write(&self, bucket: &Bucket, key: &str, size: usize) -> Result<(), ObjectError> {
        self.try_put(bucket, key, &pattern(size, 1), Conditions::default()).await.map(|_| ())
    }

    async fn duplicate(&self, bucket: &Bucket, from: &str, to: &str) -> Result<(), ObjectError> {
        let request = CopyRequest {
            metadata: MetadataDirective::Copy,
            storage_class: None,
            acl: None,
            source_conditions: Conditions::default(),
            conditions: Conditions::default(),
            checksum_algorithm: None,
        };
        let (source, destination) = (self.on_object(bucket, from, None), self.on_object(bucket, to, None));
        self.objects.copy_object(&source, &destination, request).await.map(|_| ())
    }

    async fn check(&self) {
        let inspected = self.objects.check(&Progress::unpaced(), WrongCounters::Tell).await.unwrap();
        assert_eq!(inspected.damages.listed, []);
    }
}

fn refused(outcome: Result<impl std::fmt::Debug, ObjectError>) -> QuotaExceeded {
    match outcome {
        Err(ObjectError::QuotaExceeded(exceeded)) => *exceeded,
        other => panic!("{other:?}"),
    }
}

fn scopes(world: &World, bucket: &Bucket) -> [QuotaScope; 3] {
    let owner = world.caller.user().unwrap().clone();
    [QuotaScope::Tenancy, QuotaScope::Bucket(bucket.name.clone()), QuotaScope::Owner(owner)]
}

/// Sixty-four writers of all kinds race for each kind of quota. Every success fits, nothing passes the limit at any
/// moment, and what could not fit leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn racing_writers_never_pass_a_limit() {
    const LIMIT: u64 = 100_000;
    for at in 0..3 {
        for versioning in [Versioning::Unversioned, Versioning::Enabled] {
            let world = Arc::new(World::new());
            let bucket = world.bucket("data", versioning).await;
            world.limit(&scopes(&world, &bucket)[at], Some(LIMIT), None);
            let most = Arc::new(AtomicU64::new(0));
            let writers: Vec<_> = (0..64)
                .map(|number| {
                    let (world, bucket, most) = (Arc::clone(&world), Arc::clone(&bucket), Arc::clone(&most));
                    tokio::spawn(async move {
                        for step in 0..12_usize {
                            let key = format!("k{}", (number + step) % 40);
                            // Both below and above what travels inside a commit.
                            let size = [100, 3_000, 900, 80_000][(number * 5 + step) % 4];
                            match world.write(&bucket, &key, size).await {
                                Ok(()) | Err(ObjectError::QuotaExceeded(_)) => {}
                                Err(error) => panic!("{error}"),
                            }
                            if step % 5 == 4 {
                                world.delete(&bucket, &key, None).await;
                            }
                            let used = world.objects.tenancy_usage(&world.tenancy()).await.unwrap();
                            most.fetch_max(used.bytes, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
            let most = most.load(Ordering::Relaxed);
            assert!(most <= LIMIT && most > LIMIT / 2, "{most} with quota {at}");
            let listed = world.versions(&bucket).await;
            let bytes: u64 = listed.iter().filter_map(|version| version.size).sum();
            assert_eq!(world.usage(&bucket).await.bytes, bytes);
            world.check().await;
        }
    }
}

/// At each kind of limit, exactly full: what adds is refused and changes nothing, everything else goes on.
#[tokio::test]
async fn what_adds_is_refused_and_nothing_else() {
    for at in 0..3 {
        for versioning in [Versioning::Unversioned, Versioning::Suspended, Versioning::Enabled] {
            let world = World::new();
            let bucket = world.bucket("data", versioning).await;
            let scope = scopes(&world, &bucket)[at].clone();
            let context = format!("{scope} {versioning:?}");
            world.write(&bucket, "k", 1000).await.unwrap();
            let upload = world.begin(&bucket, "open", NewUpload::default()).await;
            world.part(&bucket, "open", upload, 1, &pattern(500, 1)).await.unwrap();
            world.limit(&scope, Some(1500), None);
            let full = world.usage(&bucket).await;
            assert_eq!(full, Usage { bytes: 1500, objects: 1 });

            let exceeded = refused(world.write(&bucket, "new", 1).await);
            assert_eq!(
                (&exceeded.scope, exceeded.measure, exceeded.limit),
                (&scope, Measure::Bytes, 1500),
                "{context}"
            );
            assert!(exceeded.to_string().contains("1500 bytes"), "{exceeded}");
            refused(world.write(&bucket, "k", 1001).await.and(world.write(&bucket, "k", 3000).await));
            refused(world.duplicate(&bucket, "k", "copy").await);
            refused(world.part(&bucket, "open", upload, 2, b"x").await);
            refused(world.part(&bucket, "open", upload, 1, &pattern(501, 1)).await);
            let grant = world.on_object(&bucket, "another", None);
            refused(world.objects.create_upload(&grant, NewUpload::default()).await);
            assert_eq!(world.usage(&bucket).await, full, "{context}");
            assert_eq!(world.blobs().await, 2, "{context}: what was refused is given up");

            // What adds no byte goes on.
            world.part(&bucket, "open", upload, 1, &pattern(500, 2)).await.unwrap();
            world.write(&bucket, "empty", 0).await.unwrap();
            if versioning == Versioning::Enabled {
                refused(world.write(&bucket, "k", 1000).await);
            } else {
                for size in [1000, 999] {
                    world.write(&bucket, "k", size).await.unwrap();
                }
                world.write(&bucket, "new", 1).await.unwrap();
                refused(world.write(&bucket, "newer", 1).await);
            }
            // Every kind of delete, and the room is free at once.
            world.delete(&bucket, "k", None).await;
            for version in world.versions(&bucket).await {
                world.delete(&bucket, &version.key, Some(version.id)).await;
            }
            world.write(&bucket, "k", 1000).await.unwrap();
            refused(world.write(&bucket, "l", 500).await);
            world.abort(&bucket, "open", upload).await.unwrap();
            world.write(&bucket, "l", 500).await.unwrap();
            world.check().await;
        }
    }
}

#[tokio::test]
async fn objects_are_limited_like_bytes() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    world.limit(&QuotaScope::Tenancy, None, Some(2));
    world.write(&bucket, "a", 0).await.unwrap();
    world.write(&bucket, "a", 1).await.unwrap();
    let exceeded = refused(world.write(&bucket, "a", 0).await);
    assert_eq!((exceeded.measure, exceeded.limit, exceeded.added), (Measure::Objects, 2, 1));
    // A delete marker is no object, and the marked versions still are.
    let marker = world.delete(&bucket, "a", None).await.version;
    refused(world.write(&bucket, "b", 0).await);
    world.delete(&bucket, "a", marker).await;
    let oldest = world.versions(&bucket).await.last().unwrap().id;
    world.delete(&bucket, "a", Some(oldest)).await;
    world.write(&bucket, "b", 0).await.unwrap();
    world.check().await;
}

/// The parts of an upload count as they come, under who began it; the object that they become adds nothing but itself.
#[tokio::test]
async fn an_upload_is_held_against_the_limit_part_by_part() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let detail = async || {
        world.usage(&bucket).await;
        world.objects.bucket_usage_detail(&bucket).await.unwrap()
    };
    world.limit(&QuotaScope::Tenancy, Some(2 * MIN as u64), Some(1));
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let mut parts: Vec<(u16, ETag)> = Vec::new();
    for number in [1, 2] {
        parts.push((number, world.part(&bucket, "k", upload, number, &pattern(MIN, 1)).await.unwrap().etag));
    }
    refused(world.part(&bucket, "k", upload, 3, b"x").await);
    let open = Usage { bytes: 2 * MIN as u64, objects: 2 };
    let total = Usage { bytes: open.bytes, objects: 0 };
    assert_eq!(detail().await, UsageDetail { total, older: Usage::default(), parts: open });
    // Another object has taken the last place: the completion is refused, the upload stays and can be completed later.
    world.write(&bucket, "other", 0).await.unwrap();
    refused(world.complete(&bucket, "k", upload, request(&parts)).await);
    world.check().await;
    world.delete(&bucket, "other", None).await;
    world.complete(&bucket, "k", upload, request(&parts)).await.unwrap();
    let total = Usage { bytes: open.bytes, objects: 1 };
    assert_eq!(detail().await, UsageDetail { total, ..UsageDetail::default() });
    world.check().await;
}

/// A payload that says how long it is and must not be read.
struct Unread(u64);

#[async_trait::async_trait]
impl Payload for Unread {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        panic!("the body was read")
    }

    fn length(&self) -> Option<u64> {
        Some(self.0)
    }

    fn claims(&self) -> crate::Claims {
        crate::Claims::default()
    }

    fn checksum_algorithm(&self) -> Option<types::ChecksumAlgorithm> {
        None
    }
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.write(&bucket, "k", 600_000).await.unwrap();
    world.limit(&QuotaScope::Tenancy, Some(1_000_000), None);
    let put = async |key: &str, size| {
        let grant = world.on_object(&bucket, key, None);
        world.objects.put_object(&grant, PutRequest::default(), &mut Unread(size)).await
    };
    refused(put("new", 400_001).await);
    refused(put("k", 1_000_001).await);
    let upload = world.begin(&bucket, "k", NewUpload::default()).await;
    let grant = world.on_object(&bucket, "k", None);
    refused(world.objects.upload_part(&grant, upload, 1, &mut Unread(400_001)).await);
    // As large as what it replaces leaves.
    let body = pattern(1_000_000, 1);
    world.objects.put_object(&grant, PutRequest::default(), &mut Body::new(&body)).await.unwrap();
    world.objects.quotas().take_refusals(&world.tenancy());
}

/// Each person has a limit of their own, whoever's version is replaced.
#[tokio::test]
async fn a_person_is_held_to_what_is_theirs() {
    let mut world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.write(&bucket, "k", 100).await.unwrap();
    let (ada, bob) = (Arc::clone(&world.caller), person("bob", Role::Manager));
    world.limit(&QuotaScope::Owner(bob.user().unwrap().clone()), Some(50), None);
    world.caller = Arc::clone(&bob);
    refused(world.write(&bucket, "k", 60).await);
    world.write(&bucket, "k", 50).await.unwrap();
    refused(world.write(&bucket, "l", 1).await);
    world.caller = ada;
    world.write(&bucket, "l", 1000).await.unwrap();
    world.write(&bucket, "k", 1).await.unwrap();
    let of = |name: &str| UserName::new(name).unwrap();
    for (name, bytes, objects) in [("ada", 1001, 2), ("bob", 0, 0)] {
        let usage = world.objects.user_usage(&world.tenancy(), &of(name)).await.unwrap();
        assert_eq!(usage, Usage { bytes, objects }, "{name}");
    }
    world.check().await;
}

#[tokio::test]
async fn actions_and_overrides_decide_whether_a_limit_binds() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let until = world.clock.now().plus_secs(60);
    let other = |action| Some(QuotaOverride { action, until, reason: String::new() });
    for (action, overridden, binds_now, binds_after) in [
        (QuotaState::Notify, None, false, false),
        (QuotaState::ReadAndDelete, None, true, true),
        (QuotaState::ReadOnly, None, true, true),
        (QuotaState::Lockout, None, true, true),
        (QuotaState::ReadAndDelete, other(QuotaState::Notify), false, true),
        (QuotaState::Notify, other(QuotaState::Lockout), true, false),
    ] {
        let quota = Quota { action, overridden, ..Quota::of_bytes(Some(10)) };
        world.objects.quotas().set(&world.tenancy(), &QuotaScope::Tenancy, quota);
        for (now, binds) in [(until.0 - 1, binds_now), (until.0, binds_after)] {
            world.clock.set(Timestamp(now));
            assert_eq!(world.write(&bucket, "k", 11).await.is_err(), binds, "{action} {now}");
            world.delete(&bucket, "k", None).await;
        }
        world.clock.set(Timestamp(until.0 - 60_000_000));
    }
}

/// A world whose quotas are those of an identity, so that they are recorded.
async fn recorded() -> (World, Identity) {
    let world = World::new();
    let entropy = Arc::new(SeededEntropy::new(1));
    let master = MasterKey::generate(&*entropy);
    let metadata = world.faults.engine().metadata;
    let identity = Identity::open(metadata, master, Arc::clone(&world.clock) as Arc<dyn Clock>, entropy).await.unwrap();
    identity.create_tenancy(NewTenancy::named(world.tenancy())).await.unwrap();
    let objects = world.objects.clone().with_quotas(identity.quotas().clone());
    (World { objects, ..world }, identity)
}

/// Looks at the quotas, and takes what is told: whether a limit was reached or no longer is, which, and what was held.
async fn told(world: &World, identity: &Identity, review: Review) -> Vec<(bool, QuotaLimit, u64)> {
    world.objects.review_quotas(identity, &world.tenancy(), review).await.unwrap();
    let mut told = Vec::new();
    for pending in identity.pending_events(100).await.unwrap() {
        identity.acknowledge_event(&pending.id).await.unwrap();
        match pending.event {
            Event::QuotaReached { limit, held, .. } => told.push((true, limit, held.bytes)),
            Event::QuotaEnded { limit, held, .. } => told.push((false, limit, held.bytes)),
            other => panic!("{other:?}"),
        }
    }
    told
}

#[tokio::test]
async fn crossings_are_found_told_once_and_ended() {
    let (world, identity) = recorded().await;
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let change = QuotaChange { soft_bytes: Some(Some(50)), ..QuotaChange::of_bytes(Some(100)) };
    let scope = QuotaScope::Bucket(bucket.name.clone());
    identity.set_quota(&world.tenancy(), &scope, change).await.unwrap();
    let told = || told(&world, &identity, Review::Whole);
    let (soft, hard) = (QuotaLimit::Soft, QuotaLimit::Hard);
    assert_eq!(told().await, []);
    world.write(&bucket, "a", 60).await.unwrap();
    assert_eq!((told().await, told().await), (vec![(true, soft, 60)], vec![]));
    refused(world.write(&bucket, "b", 41).await);
    refused(world.write(&bucket, "b", 41).await);
    assert_eq!((told().await, told().await), (vec![(true, hard, 60)], vec![]));
    world.write(&bucket, "a", 59).await.unwrap();
    assert_eq!((told().await, told().await), (vec![(false, hard, 59)], vec![]));
    world.delete(&bucket, "a", None).await;
    assert_eq!((told().await, told().await), (vec![(false, soft, 0)], vec![]));
}

#[tokio::test]
async fn a_quota_that_is_cleared_while_it_is_reached_is_told_to_have_ended() {
    for at in 0..3 {
        let (world, identity) = recorded().await;
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let scope = scopes(&world, &bucket)[at].clone();
        identity.set_quota(&world.tenancy(), &scope, QuotaChange::of_bytes(Some(50))).await.unwrap();
        world.write(&bucket, "k", 50).await.unwrap();
        assert_eq!(told(&world, &identity, Review::Whole).await, [(true, QuotaLimit::Hard, 50)], "{scope}");
        identity.set_quota(&world.tenancy(), &scope, QuotaChange::cleared()).await.unwrap();
        world.write(&bucket, "k", 60).await.unwrap();
        assert_eq!(told(&world, &identity, Review::Whole).await, [(false, QuotaLimit::Hard, 60)], "{scope}");
        assert!(identity.quotas().of(&world.tenancy()).is_none(), "{scope}: nothing is left of it");
        assert_eq!(told(&world, &identity, Review::Whole).await, [], "{scope}");
    }
}

/// Of what presses are the quotas that decide about requests, and those that refused one.
#[tokio::test]
async fn what_presses_is_seen_first() {
    for (action, is_refused, is_seen) in [
        (QuotaState::Notify, false, false),
        (QuotaState::ReadAndDelete, false, false),
        (QuotaState::ReadAndDelete, true, true),
        (QuotaState::ReadOnly, false, true),
        (QuotaState::Lockout, false, true),
    ] {
        let (world, identity) = recorded().await;
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let change = QuotaChange { action: Some(action), ..QuotaChange::of_bytes(Some(50)) };
        identity.set_quota(&world.tenancy(), &QuotaScope::Tenancy, change).await.unwrap();
        world.write(&bucket, "k", 50).await.unwrap();
        if is_refused {
            refused(world.write(&bucket, "l", 1).await);
        }
        let reached = [(true, QuotaLimit::Hard, 50)];
        let expected = if is_seen { (&reached[..], &[][..]) } else { (&[][..], &reached[..]) };
        let seen = (told(&world, &identity, Review::Pressing).await, told(&world, &identity, Review::Whole).await);
        assert_eq!((&seen.0[..], &seen.1[..]), expected, "{action}");
    }
}

/// What a property test does.
#[derive(Clone, Debug)]
enum Step {
    Put { key: u8, size: u16, by: bool },
    Copy { from: u8, to: u8 },
    Delete { key: u8 },
    DeleteVersion { at: usize },
    Versioning(Versioning),
    Part { number: u16, size: u16 },
    Abort,
    Limit { bytes: Option<u16> },
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..3_u8;
    prop_oneof![
        4 => (key(), 0..300_u16, any::<bool>()).prop_map(|(key, size, by)| Step::Put { key, size, by }),
        1 => (key(), key()).prop_map(|(from, to)| Step::Copy { from, to }),
        2 => key().prop_map(|key| Step::Delete { key }),
        2 => (0..9_usize).prop_map(|at| Step::DeleteVersion { at }),
        1 => prop_oneof![Just(Versioning::Enabled), Just(Versioning::Suspended)].prop_map(Step::Versioning),
        2 => (1..3_u16, 0..300_u16).prop_map(|(number, size)| Step::Part { number, size }),
        1 => Just(Step::Abort),
        1 => prop_oneof![Just(None), (0..1500_u16).prop_map(Some)].prop_map(|bytes| Step::Limit { bytes }),
    ]
}

async fn take(world: &mut World, bucket: &Bucket, upload: &mut Option<UploadId>, step: Step) {
    let name = |key: u8| format!("k{key}");
    let outcome = match step {
        Step::Put { key, size, by } => {
            world.caller = person(if by { "ada" } else { "bob" }, Role::Manager);
            world.write(bucket, &name(key), usize::from(size)).await
        }
        Step::Copy { from, to } if from != to => match world.duplicate(bucket, &name(from), &name(to)).await {
            Err(ObjectError::NoSuchKey) => Ok(()),
            outcome => outcome,
        },
        Step::Copy { .. } => Ok(()),
        Step::Delete { key } => {
            world.delete(bucket, &name(key), None).await;
            Ok(())
        }
        Step::DeleteVersion { at } => {
            let version: Option<(String, VersionId)> =
                world.versions(bucket).await.get(at).map(|listed| (listed.key.clone(), listed.id));
            if let Some((key, id)) = version {
                world.delete(bucket, &key, Some(id)).await;
            }
            Ok(())
        }
        Step::Versioning(versioning) => {
            world.set_versioning(bucket, versioning).await;
            Ok(())
        }
        Step::Part { number, size } => {
            if upload.is_none() {
                let grant = world.on_object::<action::PutObject>(bucket, "u", None);
                *upload = world.objects.create_upload(&grant, NewUpload::default()).await.ok().map(|made| made.upload);
            }
            match *upload {
                Some(id) => world.part(bucket, "u", id, number, &pattern(usize::from(size), 1)).await.map(|_| ()),
                None => Ok(()),
            }
        }
        Step::Abort => match upload.take() {
            Some(id) => world.abort(bucket, "u", id).await,
            None => Ok(()),
        },
        Step::Limit { bytes } => {
            world.limit(&QuotaScope::Tenancy, bytes.map(u64::from), None);
            Ok(())
        }
    };
    assert!(matches!(outcome, Ok(()) | Err(ObjectError::QuotaExceeded(_))), "{outcome:?}");
}

proptest! {
    /// Whatever happens, the counters are what a recount finds, and a write never carries usage above the limit.
    #[test]
    fn counters_are_a_recount(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            let bucket = world.bucket("data", Versioning::Unversioned).await;
            let mut upload = None;
            for step in steps {
                let before = world.objects.bucket_usage(&bucket).await.unwrap().bytes;
                take(&mut world, &bucket, &mut upload, step).await;
                let after = world.objects.bucket_usage_detail(&bucket).await.unwrap();
                let limit = world.objects.quotas().of(&world.tenancy()).and_then(|quotas| quotas.tenancy().hard.bytes);
                assert!(limit.is_none_or(|limit| after.total.bytes <= limit.max(before)));
                let listed = world.versions(&bucket).await;
                let sizes = |latest: bool| listed.iter().filter(move |one| one.is_latest == latest).filter_map(|one| one.size);
                let older = Usage { bytes: sizes(false).sum(), objects: sizes(false).count() as u64 };
                let current = Usage { bytes: sizes(true).sum(), objects: sizes(true).count() as u64 };
                assert_eq!((after.older, after.current()), (older, current));
            }
            world.check().await;
        });
    }
}
