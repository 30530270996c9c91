use identity::{Actor, MasterKey, NewKey, NewRole, NewTenancy, NewUser, Revocation};
use policy::{BucketFacts, CannedAcl, Facts, KeyScope, ObjectFacts, Resource, Role};
use storage::memory::MemoryStore;
use types::{BucketName, ManualClock, ObjectKey, SeededEntropy, Timestamp};

use super::*;
use crate::grant::{BucketTarget, ObjectTarget, action};
use crate::host::Endpoint;

struct World {
    access: Access,
    clock: Arc<ManualClock>,
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

impl World {
    /// Tenancies `a` and `b`; ann is USER of both, bob MANAGER of `b`.
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let metadata = Arc::new(MemoryStore::new());
        let identity = Identity::open(metadata, master, Arc::clone(&clock) as Arc<dyn Clock>, entropy).await;
        let identity = Arc::new(identity.expect("opens"));
        for name in ["a", "b"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        for name in ["ann", "bob"] {
            identity.create_user(NewUser { name: user(name), email: None }, None).await.expect("made");
        }
        let world = Self {
            access: Access::new(identity, Domains::default(), Some(tenancy("b")), Arc::clone(&clock) as Arc<dyn Clock>),
            clock,
        };
        world.grant("a", "ann", Role::User, None).await;
        world.grant("b", "ann", Role::User, None).await;
        world.grant("b", "bob", Role::Manager, None).await;
        world
    }

    async fn grant(&self, name: &str, who: &str, role: Role, expires: Option<Timestamp>) {
        let new = NewRole { tenancy: tenancy(name), user: user(who), role, expires };
        self.access.identity.grant_role(new).await.expect("granted");
    }

    async fn key(&self, name: &str, owner: &str, expires: Option<Timestamp>) -> Arc<KeyRecord> {
        let new = NewKey {
            tenancy: tenancy(name),
            owner: user(owner),
            description: String::new(),
            expires,
            scope: KeyScope::default(),
        };
        self.access.identity.create_key(new).await.expect("made")
    }

    /// `role` in the tenancy, or how it was refused.
    async fn try_key(&self, key: &KeyRecord, name: &str) -> Result<Option<Role>, &'static str> {
        let result = match self.access.find_credential(&key.info.id, None).await {
            Ok(key) => self.access.principal_for(&key, &tenancy(name)).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(principal) => {
                assert_eq!((&principal.tenancy, principal.user()), (&tenancy(name), Some(&key.info.owner)));
                Ok(principal.role)
            }
            Err(AuthenticationError::UnknownKey) => Err("unknown"),
            Err(AuthenticationError::OwnerDisabled(_)) => Err("disabled"),
            Err(AuthenticationError::OwnerWithoutRole { .. }) => Err("no role"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_key_has_the_power_of_its_owner_in_its_own_tenancy_only() {
    let world = World::new().await;
    let ann = world.key("a", "ann", None).await;
    let bob = world.key("b", "bob", None).await;
    assert_eq!(world.try_key(&ann, "a").await, Ok(Some(Role::User)));
    assert_eq!(world.try_key(&ann, "b").await, Ok(None), "ann is USER of b, but this key is of a");
    assert_eq!(world.try_key(&bob, "b").await, Ok(Some(Role::Manager)));
    assert_eq!(world.try_key(&bob, "a").await, Ok(None));
    let principal = world.access.principal_for(&Credential::Key(ann), &tenancy("a")).await.expect("ann");
    assert_eq!(principal.groups, ["a-members", "b-members"]);
}

#[tokio::test]
async fn keys_lose_their_power_and_regain_it() {
    let world = World::new().await;
    let identity = world.access.identity();
    let key = world.key("a", "ann", None).await;
    assert_eq!(world.try_key(&key, "a").await, Ok(Some(Role::User)));

    identity.set_user_status(&user("ann"), UserStatus::Disabled).await.expect("disabled");
    assert_eq!(world.try_key(&key, "a").await, Err("disabled"));
    assert_eq!(world.try_key(&key, "b").await, Err("disabled"));
    identity.set_user_status(&user("ann"), UserStatus::Active).await.expect("enabled");
    assert_eq!(world.try_key(&key, "a").await, Ok(Some(Role::User)));

    identity
        .revoke_role(&Actor::Operator, Revocation::of_all(&tenancy("a"), &user("ann"), "gone"))
        .await
        .expect("revoked");
    assert_eq!(world.try_key(&key, "a").await, Err("no role"));
    assert_eq!(world.try_key(&key, "b").await, Err("no role"), "a role in b does not help a key of a");
    world.grant("a", "ann", Role::Deputy, Some(Timestamp::from_secs(2_000))).await;
    assert_eq!(world.try_key(&key, "a").await, Ok(Some(Role::Deputy)));
    world.clock.set(Timestamp::from_secs(2_000));
    assert_eq!(world.try_key(&key, "a").await, Err("no role"));
    world.grant("a", "ann", Role::User, None).await;

    identity.delete_key(&key.info.id).await.expect("deleted");
    assert_eq!(world.try_key(&key, "a").await, Err("unknown"));

    let key = world.key("a", "ann", Some(Timestamp::from_secs(3_000))).await;
    assert_eq!(world.try_key(&key, "a").await, Ok(Some(Role::User)));
    world.clock.set(Timestamp::from_secs(3_000));
    assert_eq!(world.try_key(&key, "a").await, Err("unknown"));
    let held = world.access.principal_for(&Credential::Key(Arc::clone(&key)), &tenancy("a")).await;
    assert!(matches!(held, Err(AuthenticationError::UnknownKey)), "one that was found before it expired");

    let key = world.key("a", "ann", None).await;
    identity.delete_user(&user("ann")).await.expect("deleted");
    assert_eq!(world.try_key(&key, "a").await, Err("unknown"));
    let key = world.key("b", "bob", None).await;
    identity.delete_tenancy(&tenancy("b")).await.expect("deleted");
    assert_eq!(world.try_key(&key, "b").await, Err("unknown"));
}

#[tokio::test]
async fn the_tenancy_is_that_of_the_host_then_of_the_key_then_the_default_one() {
    let world = World::new().await;
    let key = Credential::Key(world.key("a", "ann", None).await);
    let host = |tenancy| HostTarget { tenancy, bucket: None, endpoint: Endpoint::Internal };
    let named = || host(NamedTenancy::Known(tenancy("b")));
    let access = &world.access;
    assert_eq!(access.resolve_tenancy(&named(), Some(&key)).expect("named"), tenancy("b"));
    assert_eq!(access.resolve_tenancy(&named(), None).expect("named"), tenancy("b"));
    assert_eq!(access.resolve_tenancy(&HostTarget::NONE, Some(&key)).expect("the key's"), tenancy("a"));
    assert_eq!(access.resolve_tenancy(&HostTarget::NONE, None).expect("the default one"), tenancy("b"));
    for key in [None, Some(&key)] {
        let unknown = access.resolve_tenancy(&host(NamedTenancy::Unknown), key);
        assert!(matches!(unknown, Err(AuthenticationError::UnknownTenancy)));
    }
    access.identity().delete_tenancy(&tenancy("b")).await.expect("deleted");
    let gone = access.resolve_tenancy(&HostTarget::NONE, None);
    assert!(matches!(gone, Err(AuthenticationError::UnknownTenancy)));
}

/// A bucket of ann in tenancy `b`, asked for by everyone under each ACL: who may list it and read an object in it.
#[tokio::test]
async fn strangers_have_what_acls_grant() {
    use CannedAcl::{AuthenticatedRead, Private, PublicRead};
    let world = World::new().await;
    let stranger = Credential::Key(world.key("a", "ann", None).await);
    let member = Credential::Key(world.key("b", "ann", None).await);
    let access = &world.access;
    let bucket = BucketTarget { tenancy: tenancy("b"), bucket: BucketName::new("data").expect("a name"), bucket_id: 7 };
    let object = ObjectTarget { bucket: bucket.clone(), key: ObjectKey::new("x").expect("a key"), version: None };
    for (acl, expected) in [
        (Private, [false, false, true, true]),
        (AuthenticatedRead, [false, true, true, true]),
        (PublicRead, [true, true, true, true]),
    ] {
        // ann owns the bucket; the ACL's line for the owner is left out, to see what strangers have by the rest.
        let mut acl = acl.expand(&user("ann"), &user("ann"));
        acl.grants.remove(0);
        let owner = user("ann");
        let facts = Facts {
            bucket: Some(BucketFacts::new(&bucket.bucket, &owner, &acl)),
            ..Facts::about(Resource::Bucket(&bucket.bucket))
        };
        let object_facts = Facts { object: Some(ObjectFacts { owner: None, acl: &acl }), ..facts };
        let mut allowed = Vec::new();
        for principal in [
            access.anonymous(tenancy("b")),
            access.principal_for(&stranger, &tenancy("b")).await.expect("a stranger"),
            access.principal_for(&member, &tenancy("b")).await.expect("the owner"),
            access.operator(tenancy("b")),
        ] {
            let list = access.authorize::<action::ListBucket>(&principal, bucket.clone(), facts);
            let get = access.authorize::<action::GetObject>(&principal, object.clone(), object_facts);
            assert_eq!(list.is_ok(), get.is_ok(), "{principal:?}");
            let put = access.authorize::<action::PutObject>(&principal, object.clone(), object_facts);
            assert_eq!(put.is_ok(), allowed.len() >= 2, "{principal:?}");
            allowed.push(list.is_ok());
        }
        assert_eq!(allowed, expected, "{acl:?}");
    }
}

#[tokio::test]
async fn nobody_acts_outside_the_tenancy_that_the_request_is_for() {
    let world = World::new().await;
    let bucket = BucketTarget { tenancy: tenancy("a"), bucket: BucketName::new("data").expect("a name"), bucket_id: 7 };
    let acl = CannedAcl::PublicRead.expand(&user("bob"), &user("bob"));
    let owner = user("bob");
    let facts = Facts {
        bucket: Some(BucketFacts::new(&bucket.bucket, &owner, &acl)),
        ..Facts::about(Resource::Bucket(&bucket.bucket))
    };
    for principal in [world.access.operator(tenancy("b")), world.access.anonymous(tenancy("b"))] {
        let denied = world.access.authorize::<action::ListBucket>(&principal, bucket.clone(), facts);
        assert!(denied.is_err(), "{principal:?}");
    }
}
