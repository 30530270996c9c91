//! What has to hold across nouns: encryption at rest, caches, expiry, deletions that are interrupted.

use std::sync::Arc;

use policy::{KeyScope, Role};
use storage::memory::MemoryStore;
use storage::{Batch, Bounded, Metadata, Space};
use types::{AccessKeyId, Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::control::{Life, put, read};
use crate::directory::conformance;
use crate::tenancy::{MAX_ENDPOINTS, TenancyRecord, bucket_counter};
use crate::user::UserRecord;
use crate::{
    Actor, Identity, IdentityError, KeyRecord, MasterKey, NewKey, NewRole, NewTenancy, NewUser, Revocation, Secret,
    TenancyChange, UserStatus, keyspace,
};

struct World {
    identity: Identity,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

fn id(name: &str) -> AccessKeyId {
    AccessKeyId::new(name).expect("an id")
}

fn new_key(tenancy_name: &str, owner: &str) -> NewKey {
    NewKey {
        tenancy: tenancy(tenancy_name),
        owner: user(owner),
        description: "laptop".to_owned(),
        expires: None,
        scope: KeyScope::default(),
    }
}

/// The same key for the same seed.
fn master(seed: u64) -> MasterKey {
    MasterKey::generate(&SeededEntropy::new(seed))
}

async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, seed: u64) -> Result<Identity, IdentityError> {
    let metadata = Arc::clone(store) as Arc<dyn Metadata>;
    let entropy = Arc::new(SeededEntropy::new(store.scan(Space::CONTROL, b"", None, 1024).await?.len() as u64));
    Identity::open(metadata, master(seed), Arc::clone(clock) as Arc<dyn Clock>, entropy).await
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let identity = open(&store, &clock, 7).await.expect("opens");
        Self { identity, store, clock }
    }

    /// With tenancies `a` and `a-b`, and ann, who is USER of both.
    async fn with_ann() -> Self {
        let world = Self::new().await;
        for name in ["a", "a-b"] {
            world.identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        world.make("ann").await;
        for name in ["a", "a-b"] {
            world.grant(name, "ann", None).await;
        }
        world
    }

    async fn make(&self, name: &str) {
        self.identity.create_user(NewUser { name: user(name), email: None }, None).await.expect("made");
    }

    async fn grant(&self, name: &str, who: &str, expires: Option<Timestamp>) {
        let new = NewRole { tenancy: tenancy(name), user: user(who), role: Role::User, expires };
        self.identity.grant_role(new).await.expect("granted");
    }

    async fn role(&self, name: &str, who: &str) -> Option<Role> {
        let now = self.clock.now();
        self.identity.role_of(&tenancy(name), &user(who), now).await.expect("asked")
    }

    async fn key(&self, id: &AccessKeyId) -> Option<Arc<KeyRecord>> {
        self.identity.key(id).await.expect("asked")
    }

    /// The store after a restart of the program.
    async fn restarted(&self) -> Identity {
        open(&self.store, &self.clock, 7).await.expect("opens")
    }

    /// As whoever makes or deletes buckets does.
    async fn count_buckets(&self, name: &str, delta: i64) {
        let count = vec![Bounded { name: bucket_counter(&tenancy(name)), delta, at_most: None }];
        let batch = Batch { count, ..Batch::default() };
        self.store.commit(Space::CONTROL, b"b/", batch).await.expect("counted");
    }

    async fn records(&self) -> Vec<(String, String)> {
        let pairs = self.store.scan(Space::CONTROL, b"", None, 1024).await.expect("scanned");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        pairs.iter().map(|(key, value)| (text(key), text(value))).collect()
    }
}

#[tokio::test]
async fn no_record_holds_a_secret_or_a_password() {
    let world = World::with_ann().await;
    world.identity.set_password(&user("ann"), "correct horse").await.expect("set");
    let made = world.identity.create_key(new_key("a", "ann")).await.expect("made");
    let secret = Secret::import("imported+secret").expect("a secret");
    let imported = world.identity.import_key(new_key("a", "ann"), id("old"), secret).await.expect("imported");
    for (key, value) in world.records().await {
        for secret in [made.secret.expose(), imported.secret.expose(), "correct horse"] {
            assert!(!value.contains(secret) && !value.contains(&hex::encode(secret)), "{key}");
        }
    }
    assert!(!format!("{made:?}").contains(made.secret.expose()));

    let identity = world.restarted().await;
    let found = identity.key(&made.info.id).await.expect("asked").expect("there");
    assert_eq!(found, made);
    assert!(matches!(open(&world.store, &world.clock, 8).await, Err(IdentityError::WrongMasterKey)));
}

#[tokio::test]
async fn a_secret_moved_to_another_key_does_not_decrypt() {
    let world = World::with_ann().await;
    let ann = world.identity.create_key(new_key("a", "ann")).await.expect("made");
    let other = world.identity.create_key(new_key("a", "ann")).await.expect("made");
    let sealed = world.store.get(Space::CONTROL, &keyspace::key_secret(&ann.info.id)).await.expect("read");
    let place = keyspace::key_secret(&other.info.id);
    let batch = Batch { put: vec![(place.clone(), sealed.expect("there"))], ..Batch::default() };
    world.store.commit(Space::CONTROL, &place, batch).await.expect("moved");
    assert!(matches!(world.identity.key(&other.info.id).await, Err(IdentityError::Damaged { .. })));
}

#[tokio::test]
async fn all_is_there_after_a_restart() {
    let world = World::with_ann().await;
    let change = TenancyChange {
        quota_bytes: Some(Some(10)),
        endpoints: Some(vec!["data.example.org".to_owned()]),
        ..TenancyChange::default()
    };
    world.identity.change_tenancy(&tenancy("a"), change).await.expect("changed");
    world.identity.create_key(new_key("a", "ann")).await.expect("made");
    world.identity.set_user_status(&user("ann"), UserStatus::Disabled).await.expect("disabled");

    let identity = world.restarted().await;
    assert_eq!(identity.tenancies(), world.identity.tenancies());
    assert_eq!(identity.tenancies().len(), 2);
    assert_eq!(identity.tenancy_of_endpoint("data.example.org"), Some(tenancy("a")));
    assert_eq!(identity.users(10).await.expect("listed"), world.identity.users(10).await.expect("listed"));
    let standing = identity.standing(&user("ann")).await.expect("asked").expect("there");
    assert_eq!((standing.roles.len(), standing.user.status), (2, UserStatus::Disabled));
    assert_eq!(identity.keys(&tenancy("a"), None, 10).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn roles_end_when_they_expire() {
    let world = World::with_ann().await;
    let until = Timestamp::from_secs(2_000);
    world.grant("a", "ann", Some(until)).await;
    assert_eq!(world.role("a", "ann").await, Some(Role::User));
    world.clock.set(Timestamp(until.0 - 1));
    assert_eq!(world.role("a", "ann").await, Some(Role::User));
    world.clock.set(until);
    assert_eq!(world.role("a", "ann").await, None);
    assert_eq!(world.role("a-b", "ann").await, Some(Role::User));
    let standing = world.identity.standing(&user("ann")).await.expect("asked").expect("there");
    assert_eq!(standing.groups(until), ["a-b-members"]);
    assert!(matches!(world.identity.create_key(new_key("a", "ann")).await, Err(IdentityError::NoRole { .. })));
    let late = NewKey { expires: Some(until), ..new_key("a-b", "ann") };
    assert!(matches!(world.identity.create_key(late).await, Err(IdentityError::Invalid { .. })));
}

#[tokio::test]
async fn every_change_is_seen_by_the_next_request() {
    let world = World::with_ann().await;
    let identity = &world.identity;
    let key = identity.create_key(new_key("a", "ann")).await.expect("made").info.id.clone();
    assert!(world.key(&key).await.is_some());
    assert!(Arc::ptr_eq(&world.key(&key).await.expect("cached"), &world.key(&key).await.expect("cached")));

    assert_eq!(world.role("a", "ann").await, Some(Role::User));
    identity
        .revoke_role(&Actor::Operator, Revocation::of_all(&tenancy("a"), &user("ann"), "gone"))
        .await
        .expect("revoked");
    assert_eq!(world.role("a", "ann").await, None);
    world.grant("a", "ann", None).await;
    assert_eq!(world.role("a", "ann").await, Some(Role::User));
    identity.set_user_status(&user("ann"), UserStatus::Disabled).await.expect("disabled");
    let standing = identity.standing(&user("ann")).await.expect("asked").expect("there");
    assert_eq!(standing.user.status, UserStatus::Disabled);

    identity.delete_key(&key).await.expect("deleted");
    assert!(world.key(&key).await.is_none());
    assert!(matches!(identity.delete_key(&key).await, Err(IdentityError::NoSuchKey(_))));

    let key = identity.create_key(new_key("a", "ann")).await.expect("made").info.id.clone();
    assert!(world.key(&key).await.is_some());
    identity.delete_tenancy(&tenancy("a")).await.expect("deleted");
    assert!(world.key(&key).await.is_none());
    assert_eq!(world.role("a", "ann").await, None);
    assert_eq!(world.role("a-b", "ann").await, Some(Role::User), "a name that begins alike");
}

#[tokio::test]
async fn who_is_deleted_leaves_nothing_to_whoever_takes_the_name() {
    let world = World::with_ann().await;
    let key = world.identity.create_key(new_key("a", "ann")).await.expect("made").info.id.clone();
    world.identity.delete_user(&user("ann")).await.expect("deleted");
    assert!(world.identity.standing(&user("ann")).await.expect("asked").is_none());
    world.make("ann").await;
    assert!(world.key(&key).await.is_none());
    assert_eq!(world.role("a", "ann").await, None);

    world.grant("a", "ann", None).await;
    let key = world.identity.create_key(new_key("a", "ann")).await.expect("made").info.id.clone();
    world.count_buckets("a", 3).await;
    assert!(matches!(
        world.identity.delete_tenancy(&tenancy("a")).await,
        Err(IdentityError::TenancyHasBuckets { buckets: 3, .. })
    ));
    world.count_buckets("a", -3).await;
    world.identity.delete_tenancy(&tenancy("a")).await.expect("deleted");
    world.identity.create_tenancy(NewTenancy::named(tenancy("a"))).await.expect("made");
    assert!(world.key(&key).await.is_none());
    assert_eq!(world.role("a", "ann").await, None);
    // What happened is told all the same.
    let left = world.records().await.into_iter().map(|(key, _)| key).filter(|key| !key.contains("/event/"));
    let left: Vec<_> = left.collect();
    // That the sessions of the ann before were ended outlives her.
    assert_eq!(left, ["i/check/", "i/session/ann/", "i/tenancy/a-b/", "i/tenancy/a/", "i/user/ann/"]);
}

/// A deletion that a crash cut off after its first batch: the name counts as free, and taking it finishes the deletion.
#[tokio::test]
async fn an_interrupted_deletion_is_taken_up_again() {
    let world = World::with_ann().await;
    let key = world.identity.create_key(new_key("a", "ann")).await.expect("made").info.id.clone();
    for place in [keyspace::tenancy(&tenancy("a")), keyspace::user(&user("ann"))] {
        let record = if place == keyspace::user(&user("ann")) {
            let found = read::<UserRecord>(&*world.store, &place).await.expect("read").expect("there");
            put(place.clone(), &UserRecord { life: Life::Deleting, ..found.value })
        } else {
            let found = read::<TenancyRecord>(&*world.store, &place).await.expect("read").expect("there");
            put(place.clone(), &found.value.deleting())
        };
        let batch = Batch { put: vec![record], ..Batch::default() };
        world.store.commit(Space::CONTROL, &place, batch).await.expect("marked");
    }

    let identity = world.restarted().await;
    assert!(identity.tenancy(&tenancy("a")).is_none());
    assert!(identity.user(&user("ann")).await.expect("asked").is_none());
    assert_eq!(identity.users(10).await.expect("listed"), []);
    let grant = NewRole { tenancy: tenancy("a-b"), user: user("ann"), role: Role::User, expires: None };
    assert!(matches!(identity.grant_role(grant).await, Err(IdentityError::NoSuchUser(_))));
    identity.create_tenancy(NewTenancy::named(tenancy("a"))).await.expect("made");
    identity.create_user(NewUser { name: user("ann"), email: None }, None).await.expect("made");
    assert!(identity.key(&key).await.expect("asked").is_none());
    let standing = identity.standing(&user("ann")).await.expect("asked").expect("there");
    assert_eq!(standing.roles, []);
}

/// A crash between the two batches of making or deleting a key leaves a secret without effect, which stands in
/// nobody's way.
#[tokio::test]
async fn a_secret_alone_is_no_key() {
    let world = World::with_ann().await;
    let secret = || Secret::import("imported+secret").expect("a secret");
    world.identity.import_key(new_key("a", "ann"), id("old"), secret()).await.expect("imported");
    let again = world.identity.import_key(new_key("a-b", "ann"), id("old"), secret()).await;
    assert!(matches!(again, Err(IdentityError::KeyExists(_))));

    let info = keyspace::key_info(&tenancy("a"), &user("ann"), &id("old"));
    let batch = Batch { delete: vec![info], ..Batch::default() };
    world.store.commit(Space::CONTROL, &keyspace::tenancy(&tenancy("a")), batch).await.expect("cut off");
    let identity = world.restarted().await;
    assert!(identity.key(&id("old")).await.expect("asked").is_none());
    let imported = identity.import_key(new_key("a-b", "ann"), id("old"), secret()).await.expect("imported");
    assert_eq!(identity.key(&id("old")).await.expect("asked"), Some(imported));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused() {
    let world = World::with_ann().await;
    for endpoint in ["", "a b", "http://x.org", "x.org:80", "192.168.1.1", "::1", "-x.org", "x..org", &"x.".repeat(200)]
    {
        let endpoints = vec![endpoint.to_owned()];
        let new = NewTenancy { endpoints, ..NewTenancy::named(tenancy("b")) };
        assert!(matches!(world.identity.create_tenancy(new).await, Err(IdentityError::Invalid { .. })), "{endpoint:?}");
    }
    let endpoints = (0..=MAX_ENDPOINTS).map(|n| format!("x{n}.org")).collect();
    let new = NewTenancy { endpoints, ..NewTenancy::named(tenancy("b")) };
    assert!(matches!(world.identity.create_tenancy(new).await, Err(IdentityError::TooMany { .. })));
    for email in ["", "x", "@x", "x@", "a b@x.org", "a@x\n.org", &format!("{}@x.org", "a".repeat(300))] {
        let new = NewUser { name: user("bob"), email: Some(email.to_owned()) };
        let refused = world.identity.create_user(new, None).await;
        assert!(matches!(refused, Err(IdentityError::Invalid { .. })), "{email:?}");
    }
    for description in ["x".repeat(257), "two\nlines".to_owned()] {
        let refused = world.identity.create_key(NewKey { description, ..new_key("a", "ann") }).await;
        assert!(matches!(refused, Err(IdentityError::Invalid { .. })));
    }
    let long = NewKey { description: "é".repeat(256), ..new_key("a", "ann") };
    world.identity.create_key(long).await.expect("256 characters, not bytes");
}

#[tokio::test]
async fn passwords_open_for_active_people_only() {
    let world = World::with_ann().await;
    let directory = world.identity.directory();
    let check = async |name: &str, password: &str| {
        directory.verify_password(&user(name), password).await.expect("checked").is_some()
    };
    assert!(!check("ann", "correct horse").await, "no password was set");
    world.identity.set_password(&user("ann"), "correct horse").await.expect("set");
    assert!(check("ann", "correct horse").await);
    for (name, password) in [("ann", "wrong horse"), ("ann", ""), ("bob", "correct horse")] {
        assert!(!check(name, password).await, "{name} {password}");
    }
    world.identity.set_user_status(&user("ann"), UserStatus::Disabled).await.expect("disabled");
    assert!(!check("ann", "correct horse").await);
}

#[tokio::test]
async fn lists_go_beyond_one_page_of_the_store() {
    let world = World::new().await;
    for n in 0..1_100 {
        world.make(&format!("u{n:04}")).await;
    }
    let users = world.identity.users(usize::MAX).await.expect("listed");
    assert_eq!(users.len(), 1_100);
    assert!(users.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(world.identity.users(1_050).await.expect("listed").len(), 1_050);
}

#[tokio::test]
async fn a_change_runs_to_its_end_when_its_caller_goes_away() {
    let world = World::new().await;
    tokio::select! {
        biased;
        _ = world.identity.create_tenancy(NewTenancy::named(tenancy("a"))) => panic!("the change has an await"),
        () = std::future::ready(()) => {}
    }
    assert!(world.identity.tenancy(&tenancy("a")).is_none(), "the caller is gone before the change is made");
    while world.identity.tenancy(&tenancy("a")).is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_built_in_directory_keeps_the_contract() {
    let world = World::new().await;
    for person in conformance::PEOPLE {
        let new = NewUser { name: user(person.name), email: person.email.map(str::to_owned) };
        world.identity.create_user(new, Some(person.password)).await.expect("made");
        world.identity.set_user_status(&user(person.name), person.status).await.expect("set");
    }
    conformance::run(&**world.identity.directory(), conformance::HasGroups::No).await;
}
