use std::sync::Arc;

use policy::{KeyScope, Role};
use storage::Metadata;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy};

use super::*;
use crate::{MasterKey, NewKey, NewRole, NewTenancy, NewUser};

struct World {
    identity: Identity,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> Identity {
    let metadata = Arc::clone(store) as Arc<dyn Metadata>;
    let master = MasterKey::generate(&SeededEntropy::new(7));
    let entropy = Arc::new(SeededEntropy::new(clock.now().as_secs()));
    Identity::open(metadata, master, Arc::clone(clock) as Arc<dyn Clock>, entropy).await.expect("opens")
}

fn tenancy() -> TenancyName {
    TenancyName::new("t").expect("a name")
}

fn ann() -> UserName {
    UserName::new("ann").expect("a name")
}

impl World {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(6_000))));
        let identity = open(&store, &clock).await;
        identity.create_tenancy(NewTenancy::named(tenancy())).await.expect("made");
        identity.create_user(NewUser { name: ann(), email: None }, None).await.expect("made");
        let role = NewRole { tenancy: tenancy(), user: ann(), role: Role::User, expires: None };
        identity.grant_role(role).await.expect("granted");
        Self { identity, store, clock }
    }

    async fn key(&self) -> Arc<KeyRecord> {
        let (description, scope) = (String::new(), KeyScope::default());
        let new = NewKey { tenancy: tenancy(), owner: ann(), description, expires: None, scope };
        let made = self.identity.create_key(new).await.expect("made");
        self.identity.key(&made.info.id).await.expect("asked").expect("there")
    }

    fn use_at(&self, key: &KeyRecord, secs: u64, operation: &str) {
        self.clock.set(Timestamp::from_secs(secs));
        self.identity.note_use(key, [192, 0, 2, 7].into(), operation);
    }

    /// The second and the operation of the last use.
    async fn seen(&self, key: &KeyRecord) -> Option<(u64, String)> {
        seen(&self.identity, key).await
    }
}

async fn seen(identity: &Identity, key: &KeyRecord) -> Option<(u64, String)> {
    let found = identity.last_uses(std::slice::from_ref(&key.info)).await.expect("asked");
    found.into_iter().next().flatten().map(|last_use| (last_use.at.as_secs(), last_use.operation))
}

#[tokio::test]
async fn the_first_use_of_each_minute_is_told_and_kept() {
    let world = World::new().await;
    let (used, idle) = (world.key().await, world.key().await);
    assert_eq!(world.seen(&used).await, None);
    world.use_at(&used, 6_001, "GetObject");
    world.use_at(&used, 6_030, "PutObject");
    assert_eq!(world.seen(&used).await, Some((6_001, "GetObject".to_owned())), "the same minute");
    world.use_at(&used, 6_060, "ListObjectsV2");
    assert_eq!(world.seen(&used).await, Some((6_060, "ListObjectsV2".to_owned())));

    let restarted = open(&world.store, &world.clock).await;
    assert_eq!(seen(&restarted, &used).await, None, "what was not written is what a crash loses");
    assert_eq!(world.identity.flush_last_uses().await.expect("written"), 1);
    assert_eq!(world.identity.flush_last_uses().await.expect("written"), 0, "it waits no longer");
    for identity in [&world.identity, &restarted] {
        assert_eq!(seen(identity, &used).await, Some((6_060, "ListObjectsV2".to_owned())));
        assert_eq!(seen(identity, &idle).await, None);
    }
}

#[tokio::test]
async fn a_deleted_key_leaves_nothing_and_its_id_begins_anew() {
    let world = World::new().await;
    let key = world.key().await;
    world.use_at(&key, 6_100, "GetObject");
    world.identity.flush_last_uses().await.expect("written");
    world.use_at(&key, 6_200, "GetObject");
    world.identity.delete_key(&key.info.id).await.expect("deleted");
    assert_eq!(world.identity.flush_last_uses().await.expect("written"), 0, "the key is gone");
    let left = world.store.scan(storage::Space::CONTROL, b"i/tenancy/t/used/", Some(b"i/tenancy/t/used0"), 9).await;
    assert_eq!(left.expect("scanned"), []);

    world.use_at(&key, 6_300, "GetObject");
    world.clock.set(Timestamp::from_secs(6_400));
    let (description, scope) = (String::new(), KeyScope::default());
    let new = NewKey { tenancy: tenancy(), owner: ann(), description, expires: None, scope };
    let again = world.identity.import_key(new, key.info.id.clone(), key.secret.clone()).await.expect("imported");
    assert_eq!(world.seen(&again).await, None);
}

#[tokio::test]
async fn many_keys_are_written_in_batches_and_never_more_wait_than_fit() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for _ in 0..=BATCH_RECORDS {
        keys.push(world.key().await);
    }
    for key in &keys {
        world.use_at(key, 6_100, "GetObject");
    }
    assert_eq!(world.identity.flush_last_uses().await.expect("written"), keys.len() as u64);

    let last_uses = LastUses::default();
    let last_use = LastUse { at: Timestamp::from_secs(1), source: [127, 0, 0, 1].into(), operation: String::new() };
    for n in 0..WAITING_KEYS + 10 {
        let id = AccessKeyId::new(&format!("key-{n}")).expect("an id");
        last_uses.add(&KeyInfo { id, ..keys[0].info.clone() }, last_use.clone());
    }
    assert_eq!(last_uses.waiting.lock().len(), WAITING_KEYS);
}
