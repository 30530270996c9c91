use std::sync::Arc;

use policy::QuotaState;
use storage::memory::MemoryStore;
use storage::{Batch, Metadata, Space};
use types::{BucketName, Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use super::{Held, Limits, Quota, QuotaChange, QuotaLimit, QuotaMarks, QuotaOverride, QuotaScope};
use crate::{Event, Identity, IdentityError, MasterKey, NewTenancy, NewUser, TenancyChange};

const START: Timestamp = Timestamp::from_secs(1_000_000_000);

struct World {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    identity: Identity,
}

async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> Identity {
    let entropy = Arc::new(SeededEntropy::new(7));
    let master = MasterKey::generate(&*entropy);
    Identity::open(Arc::clone(store) as _, master, Arc::clone(clock) as Arc<dyn Clock>, entropy).await.unwrap()
}

impl World {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(START)));
        let identity = open(&store, &clock).await;
        identity.create_tenancy(NewTenancy::named(lab())).await.unwrap();
        Self { store, clock, identity }
    }

    async fn set(&self, scope: &QuotaScope, change: QuotaChange) -> Result<Quota, IdentityError> {
        self.identity.set_quota(&lab(), scope, change).await
    }

    fn held(&self, scope: &QuotaScope) -> Option<Quota> {
        self.identity.quotas().of(&lab()).and_then(|quotas| quotas.get(scope).cloned())
    }
}

fn lab() -> TenancyName {
    TenancyName::new("lab-o").unwrap()
}

fn bucket(name: &str) -> QuotaScope {
    QuotaScope::Bucket(BucketName::new(name).unwrap())
}

fn owner(name: &str) -> QuotaScope {
    QuotaScope::Owner(UserName::new(name).unwrap())
}

fn bytes(held: u64) -> Held {
    Held { bytes: held, objects: 1 }
}

#[tokio::test]
async fn quotas_are_there_after_a_restart_and_go_with_their_tenancy() {
    let world = World::new().await;
    let scopes = [QuotaScope::Tenancy, bucket("b"), owner("ada"), owner("bob")];
    for (at, scope) in scopes.iter().enumerate() {
        let change = QuotaChange { hard_objects: Some(Some(at as u64 + 1)), ..QuotaChange::of_bytes(Some(100)) };
        world.set(scope, change).await.unwrap();
    }
    world.set(&scopes[3], QuotaChange::cleared()).await.unwrap();
    let reopened = open(&world.store, &world.clock).await;
    for identity in [&world.identity, &reopened] {
        let all = identity.quotas().of(&lab()).unwrap().all();
        assert_eq!(all.iter().map(|(scope, _)| scope).collect::<Vec<_>>(), scopes[..3].iter().collect::<Vec<_>>());
        for (at, (_, quota)) in all.iter().enumerate() {
            assert_eq!(quota.hard, Limits { bytes: Some(100), objects: Some(at as u64 + 1) });
        }
    }
    world.identity.delete_tenancy(&lab()).await.unwrap();
    assert!(world.identity.quotas().of(&lab()).is_none());
    world.identity.create_tenancy(NewTenancy::named(lab())).await.unwrap();
    assert!(open(&world.store, &world.clock).await.quotas().of(&lab()).is_none());
}

#[tokio::test]
async fn the_limit_of_a_tenancy_is_one_whichever_way_it_is_set() {
    let world = World::new().await;
    let change = TenancyChange { quota_bytes: Some(Some(10)), ..TenancyChange::default() };
    world.identity.change_tenancy(&lab(), change).await.unwrap();
    let quota = world.held(&QuotaScope::Tenancy).unwrap();
    assert_eq!((quota.hard.bytes, quota.action), (Some(10), QuotaState::ReadAndDelete));
    let change = QuotaChange { action: Some(QuotaState::Lockout), ..QuotaChange::of_bytes(Some(20)) };
    world.set(&QuotaScope::Tenancy, change).await.unwrap();
    let tenancy = world.identity.tenancy(&lab()).unwrap();
    assert_eq!((tenancy.quota.hard.bytes, tenancy.quota.action), (Some(20), QuotaState::Lockout));
    let change = TenancyChange { description: Some("d".to_owned()), ..TenancyChange::default() };
    world.identity.change_tenancy(&lab(), change).await.unwrap();
    assert_eq!(world.held(&QuotaScope::Tenancy).unwrap().action, QuotaState::Lockout);
}

#[tokio::test]
async fn records_with_the_limit_of_bytes_alone_are_read() {
    for (stored, expected) in [(r#""quota_bytes":10,"#, Some(10)), (r#""quota_bytes":null,"#, None), ("", None)] {
        let world = World::new().await;
        let record = format!(r#"{{"name":"lab-o",{stored}"default_policy":"owner","created":1,"life":"live"}}"#);
        let key = b"i/tenancy/lab-o/".to_vec();
        let batch = Batch { put: vec![(key.clone(), record.into())], ..Batch::default() };
        world.store.commit(Space::CONTROL, &key, batch).await.unwrap();
        let identity = open(&world.store, &world.clock).await;
        assert_eq!(identity.tenancy(&lab()).unwrap().quota, Quota::of_bytes(expected), "{stored}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new().await;
    let until = |until| Some(Some(QuotaOverride { action: QuotaState::Notify, until, reason: String::new() }));
    let open = QuotaChange { action: Some(QuotaState::Open), ..QuotaChange::default() };
    for (what, change) in [
        ("soft above hard", QuotaChange { soft_bytes: Some(Some(11)), ..QuotaChange::of_bytes(Some(10)) }),
        ("an override that has ended", QuotaChange { overridden: until(START), ..QuotaChange::default() }),
        ("no action", open),
        ("more than a counter holds", QuotaChange::of_bytes(Some(u64::MAX))),
    ] {
        let outcome = world.set(&bucket("b"), change).await;
        assert!(matches!(outcome, Err(IdentityError::Invalid { .. })), "{what}: {outcome:?}");
        assert_eq!(world.held(&bucket("b")), None, "{what}");
    }
    let nobody = TenancyName::new("nobody-o").unwrap();
    let outcome = world.identity.set_quota(&nobody, &bucket("b"), QuotaChange::of_bytes(Some(1))).await;
    assert!(matches!(outcome, Err(IdentityError::NoSuchTenancy(_))), "{outcome:?}");
}

#[test]
fn an_override_counts_until_it_ends() {
    let until = START.plus_secs(10);
    let other = |action| Some(QuotaOverride { action, until, reason: String::new() });
    for (own, overridden, before, after) in [
        (QuotaState::ReadAndDelete, None, QuotaState::ReadAndDelete, QuotaState::ReadAndDelete),
        (QuotaState::ReadAndDelete, other(QuotaState::Notify), QuotaState::Notify, QuotaState::ReadAndDelete),
        (QuotaState::Notify, other(QuotaState::Lockout), QuotaState::Lockout, QuotaState::Notify),
    ] {
        let quota = Quota { action: own, overridden, ..Quota::of_bytes(Some(10)) };
        for (now, action) in [(START, before), (until, after)] {
            assert_eq!(quota.action_at(now), action);
            let bound = if action == QuotaState::Notify { None } else { Some(10) };
            assert_eq!(quota.bound_at(now).bytes, bound);
        }
    }
}

/// Each row: what is held, whether a write was refused, and whether soft and hard limit (80 and 100 bytes) are reached
/// afterwards.
#[test]
fn a_limit_is_reached_once_until_something_is_freed() {
    let soft = Limits { bytes: Some(80), objects: None };
    let mut quota = Quota { soft, ..Quota::of_bytes(Some(100)) };
    for (step, (held, refused, soft, hard)) in [
        (79, false, false, false),
        (80, false, true, false),
        (80, false, true, false),
        (99, true, true, true),
        (99, false, true, true),
        (98, false, true, false),
        (98, true, true, true),
        (100, false, true, true),
        (90, false, true, false),
        (79, false, false, false),
        (120, false, true, true),
    ]
    .into_iter()
    .enumerate()
    {
        let now = START.plus_secs(step as u64);
        let marks = quota.reviewed(bytes(held), refused, now);
        assert_eq!((marks.soft.is_some(), marks.hard.is_some()), (soft, hard), "step {step}");
        for (old, new) in [(quota.marks.soft, marks.soft), (quota.marks.hard, marks.hard)] {
            let began = new.filter(|_| old.is_none());
            assert!(began.is_none_or(|mark| mark.since == now) && (began.is_some() || new.is_none() || new == old));
        }
        quota.marks = marks;
    }
    let raised = quota.changed(QuotaChange::of_bytes(Some(200)));
    assert!(raised.reviewed(bytes(120), false, START).hard.is_none(), "a raised limit is no longer reached");
    assert!(raised.reviewed(bytes(200), false, START).hard.is_some());
    let objects = Quota { hard: Limits { bytes: None, objects: Some(1) }, ..Quota::default() };
    assert!(objects.reviewed(bytes(0), false, START).hard.is_some(), "objects have a limit of their own");
}

#[tokio::test]
async fn a_crossing_is_told_once_whatever_comes_between() {
    let world = World::new().await;
    let quota = world.set(&bucket("b"), QuotaChange::of_bytes(Some(10))).await.unwrap();
    let marks = quota.reviewed(bytes(10), false, START);
    let event = || Event::QuotaReached {
        tenancy: lab(),
        scope: bucket("b"),
        limit: QuotaLimit::Hard,
        allowed: quota.hard,
        held: bytes(10),
        action: Some(quota.action),
    };
    for expected in [true, false] {
        let marked = world.identity.mark_quota(&lab(), &bucket("b"), &quota, marks, vec![event()]).await;
        assert_eq!(marked.unwrap(), expected);
    }
    let reopened = open(&world.store, &world.clock).await;
    let events = reopened.pending_events(10).await.unwrap();
    assert_eq!(events.iter().map(|pending| &pending.event).collect::<Vec<_>>(), [&event()]);
    let stored = reopened.quotas().of(&lab()).and_then(|quotas| quotas.get(&bucket("b")).cloned());
    assert_eq!(stored.unwrap().marks, marks);
    assert_ne!(marks, QuotaMarks::default());
}

#[tokio::test]
async fn the_strictest_state_counts() {
    let world = World::new().await;
    let (bob, there) = (UserName::new("bob").unwrap(), BucketName::new("b").unwrap());
    for (scope, action) in [
        (QuotaScope::Tenancy, QuotaState::ReadAndDelete),
        (bucket("b"), QuotaState::ReadOnly),
        (owner("bob"), QuotaState::Lockout),
    ] {
        let change = QuotaChange { action: Some(action), ..QuotaChange::of_bytes(Some(10)) };
        let quota = world.set(&scope, change).await.unwrap();
        let marks = quota.reviewed(bytes(10), false, START);
        world.identity.mark_quota(&lab(), &scope, &quota, marks, Vec::new()).await.unwrap();
    }
    for (bucket, user, expected) in [
        (None, None, QuotaState::Notify),
        (Some(&there), None, QuotaState::ReadOnly),
        (None, Some(&bob), QuotaState::Lockout),
        (Some(&there), Some(&bob), QuotaState::Lockout),
    ] {
        assert_eq!(world.identity.quotas().state(&lab(), bucket, user, START), expected);
    }
    world.identity.quotas().refuse(&lab(), &bucket("b"));
    world.identity.quotas().refuse(&TenancyName::new("other-o").unwrap(), &bucket("b"));
    assert_eq!(world.identity.quotas().take_refusals(&lab()).len(), 1);
    assert_eq!(world.identity.quotas().take_refusals(&lab()).len(), 0);
}

/// What is held in memory of people is looked up for every request: only what changes it may empty it.
#[tokio::test]
async fn quotas_leave_what_is_known_of_people() {
    let world = World::new().await;
    let ada = UserName::new("ada").unwrap();
    world.identity.create_user(NewUser { name: ada.clone(), email: None }, None).await.unwrap();
    let standing = async || world.identity.standing(&ada).await.unwrap().unwrap();
    let before = standing().await;
    world.set(&QuotaScope::Tenancy, QuotaChange::of_bytes(Some(10))).await.unwrap();
    world.set(&bucket("b"), QuotaChange::of_bytes(Some(10))).await.unwrap();
    let described = TenancyChange { summary: Some("s".to_owned()), ..TenancyChange::default() };
    world.identity.change_tenancy(&lab(), described).await.unwrap();
    assert!(Arc::ptr_eq(&before, &standing().await));
    let ends = TenancyChange { ends: Some(Some(START.plus_secs(10))), ..TenancyChange::default() };
    world.identity.change_tenancy(&lab(), ends).await.unwrap();
    assert!(!Arc::ptr_eq(&before, &standing().await));
}
