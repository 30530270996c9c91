//! The configurations that no bucket has yet, as AWS answers for one that has none.

use crate::harness::Who::{Owner, User};
use crate::harness::{Case, World, check_all};

#[tokio::test]
async fn each_is_absent_in_its_own_way() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    let cases: Vec<Case> = [
        ("/bkt?lifecycle", 404, "NoSuchLifecycleConfiguration"),
        ("/bkt?tagging", 404, "NoSuchTagSet"),
        ("/bkt?encryption", 404, "ServerSideEncryptionConfigurationNotFoundError"),
        ("/bkt?website", 404, "NoSuchWebsiteConfiguration"),
        ("/bkt?replication", 404, "ReplicationConfigurationNotFoundError"),
        ("/bkt?object-lock", 404, "ObjectLockConfigurationNotFoundError"),
        ("/bkt?logging", 200, ""),
        ("/bkt?notification", 200, ""),
        ("/bkt?accelerate", 200, ""),
        ("/bkt?requestPayment", 200, ""),
        ("/bkt/k?tagging", 200, ""),
        ("/bkt/k?retention", 404, "NoSuchObjectLockConfiguration"),
        ("/bkt/k?legal-hold", 404, "NoSuchObjectLockConfiguration"),
        ("/bkt/absent?tagging", 404, "NoSuchKey"),
        ("/missing?lifecycle", 404, "NoSuchBucket"),
    ]
    .into_iter()
    .flat_map(|(target, status, code)| {
        let denied = match target {
            "/missing?lifecycle" => (404, "NoSuchBucket"),
            _ => (403, "AccessDenied"),
        };
        [Case::new(Owner, "GET", target, status, code), Case::new(User, "GET", target, denied.0, denied.1)]
    })
    .collect();
    check_all(&world, &cases).await;
    let payer = world.send(Owner, "GET", "/bkt?requestPayment", &[], b"").await;
    assert_eq!(payer.all("Payer"), ["BucketOwner"]);
}

#[tokio::test]
async fn setting_one_is_not_implemented_and_removing_one_removes_nothing() {
    let world = World::with_bucket("bkt").await;
    for sub_resource in ["lifecycle", "tagging", "encryption", "website", "replication"] {
        let target = format!("/bkt?{sub_resource}");
        let set = world.send(Owner, "PUT", &target, &[], b"").await;
        assert_eq!((set.status, set.code().as_deref()), (501, Some("NotImplemented")), "{sub_resource}");
        world.send(Owner, "DELETE", &target, &[], b"").await.expect(204);
        let foreign = world.send(User, "DELETE", &target, &[], b"").await;
        assert_eq!((foreign.status, foreign.code().as_deref()), (403, Some("AccessDenied")), "{sub_resource}");
    }
    world.send(Owner, "HEAD", "/bkt", &[], b"").await.expect(200);
}
