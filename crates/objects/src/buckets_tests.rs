//! Buckets: made, found, changed, deleted, and what a crash leaves of that.

use std::sync::Arc;

use identity::{Identity, IdentityError, MasterKey, NewTenancy};
use policy::{Acl, Role};
use storage::StorageError;
use storage::faults::{Call, Fault};
use types::SeededEntropy;

use crate::fixture::{World, person};
use crate::{ObjectError, Usage, Versioning};

#[tokio::test]
async fn names_are_taken_once_in_a_tenancy() {
    let mut world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.bucket("Zoo", Versioning::Unversioned).await;
    assert!(matches!(world.try_create("data").await, Err(ObjectError::BucketAlreadyOwnedByYou)));
    world.caller = person("bob", Role::Manager);
    let taken = world.try_create("data").await;
    assert!(matches!(taken, Err(ObjectError::BucketAlreadyExists { owner }) if owner.as_str() == "ada"));
    let names = async |world: &World| -> Vec<String> {
        let buckets = world.objects.list_buckets(&world.on_tenancy()).await.unwrap();
        buckets.iter().map(|bucket| bucket.name.to_string()).collect()
    };
    assert_eq!(names(&world).await, ["Zoo", "data"]);
    world.objects.put_bucket_acl(&world.on_bucket(&bucket), Acl { grants: Vec::new() }).await.unwrap();
    world.set_versioning(&bucket, Versioning::Suspended).await;
    let back = world.objects.put_bucket_versioning(&world.on_bucket(&bucket), Versioning::Unversioned).await;
    assert!(matches!(back, Err(ObjectError::InvalidArgument(_))));
    for restart in [false, true] {
        if restart {
            world.restart(7);
        }
        let found = world.objects.find_bucket(&world.tenancy(), &bucket.name).await.unwrap().unwrap();
        assert_eq!((found.id, found.versioning, found.acl.grants.len()), (bucket.id, Versioning::Suspended, 0));
    }
}

#[tokio::test]
async fn a_bucket_goes_only_when_it_is_empty_and_for_good() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    world.put(&bucket, "k", b"x").await;
    let marker = world.delete(&bucket, "k", None).await.version;
    let delete = async || world.objects.delete_bucket(&world.on_bucket(&bucket)).await;
    assert!(matches!(delete().await, Err(ObjectError::BucketNotEmpty)));
    world.put(&bucket, "l", b"still works").await;
    world.delete(&bucket, "k", marker).await;
    for listed in world.versions(&bucket).await {
        assert!(listed.size.is_some(), "a marker is left");
        world.delete(&bucket, &listed.key, Some(listed.id)).await;
    }
    delete().await.unwrap();
    assert!(matches!(delete().await, Err(ObjectError::NoSuchBucket)));
    let late = world.try_put(&bucket, "k", b"late", types::Conditions::default()).await;
    assert!(matches!(late, Err(ObjectError::NoSuchBucket)));
    // The old grant is for the old bucket, not for the new one of this name.
    let new = world.bucket("data", Versioning::Unversioned).await;
    assert_ne!(new.id, bucket.id);
    assert!(matches!(delete().await, Err(ObjectError::NoSuchBucket)));
    assert_eq!(world.usage(&new).await, Usage::default());
}

#[tokio::test]
async fn a_delete_survives_a_crash_after_every_step() {
    let fail = || Fault::Fail(StorageError::Io("the plug".to_owned()));
    for (call, step) in [(Call::Commit, 1), (Call::Close, 1), (Call::Erase, 1), (Call::Commit, 2)] {
        for fault in [fail(), Fault::UnknownDone, Fault::UnknownUndone] {
            let place = format!("{call:?} {step}, {fault:?}");
            let mut world = World::new();
            let bucket = world.bucket("data", Versioning::Unversioned).await;
            world.faults.plan(call, step, fault);
            let outcome = world.objects.delete_bucket(&world.on_bucket(&bucket)).await;
            world.restart(step + 50);
            assert_eq!(world.objects.recover().await.unwrap().failed, 0, "{place}");
            let left = world.objects.find_bucket(&world.tenancy(), &bucket.name).await.unwrap();
            assert!(left.is_none() || outcome.is_err(), "{place}");
            if left.is_some() {
                // Whole, as before.
                world.put(&bucket, "k", b"x").await;
                world.delete(&bucket, "k", None).await;
                world.objects.delete_bucket(&world.on_bucket(&bucket)).await.unwrap();
            }
            world.bucket("data", Versioning::Unversioned).await;
        }
    }
}

/// A tenancy has a bound, and deleting makes room.
#[tokio::test]
async fn a_tenancy_has_so_many_buckets() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let count = storage::Bounded {
        name: identity::bucket_counter(&world.tenancy()),
        delta: crate::MAX_BUCKETS - 1,
        at_most: None,
    };
    let batch = storage::Batch { count: vec![count], ..storage::Batch::default() };
    world.faults.engine().metadata.commit(storage::Space::CONTROL, b"x/", batch).await.unwrap();
    assert!(matches!(world.try_create("more").await, Err(ObjectError::TooManyBuckets)));
    world.objects.delete_bucket(&world.on_bucket(&bucket)).await.unwrap();
    world.try_create("more").await.unwrap();
}

/// Buckets are made by whoever was let in before their tenancy was deleted: with the delete, and after it.
#[tokio::test(flavor = "multi_thread")]
async fn no_bucket_is_made_in_a_tenancy_that_is_deleted() {
    let world = Arc::new(World::new());
    let entropy = Arc::new(SeededEntropy::new(2));
    let (metadata, master) = (world.faults.engine().metadata, MasterKey::generate(&*entropy));
    let identity = Identity::open(metadata, master, Arc::clone(&world.clock) as _, entropy).await.unwrap();
    let tenancy = world.tenancy();
    for round in 0..100 {
        identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.unwrap();
        let maker = Arc::clone(&world);
        let making = tokio::spawn(async move { maker.try_create("data").await });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        let deleted = identity.delete_tenancy(&tenancy).await;
        match (deleted, making.await.unwrap()) {
            (Ok(()), Err(ObjectError::Contention)) => {}
            (Err(IdentityError::TenancyHasBuckets { .. } | IdentityError::Contention), Ok(bucket)) => {
                world.objects.delete_bucket(&world.on_bucket(&bucket)).await.unwrap();
                identity.delete_tenancy(&tenancy).await.unwrap();
            }
            outcomes => panic!("round {round}: {outcomes:?}"),
        }
        assert!(matches!(world.try_create("late").await, Err(ObjectError::Contention)));
        assert!(world.objects.list_buckets(&world.on_tenancy()).await.unwrap().is_empty());
    }
}
