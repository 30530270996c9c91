//! The configurations that no bucket has yet, as AWS answers for one that has none.

use crate::harness::Who::{Owner, User};
use crate::harness::{Case, World, check_all};

#[tokio::test]
async fn each_is_absent_in_its_own_way() {
    let world = World::with_bucket("b").await;
    world.put("b/k", b"x").await;
    let cases: Vec<Case> = [
        ("/b?policy", 404, "NoSuchBucketPolicy"),
        ("/b?policyStatus", 404, "NoSuchBucketPolicy"),
        ("/b?cors", 404, "NoSuchCORSConfiguration"),
        ("/b?lifecycle", 404, "NoSuchLifecycleConfiguration"),
        ("/b?tagging", 404, "NoSuchTagSet"),
        ("/b?encryption", 404, "ServerSideEncryptionConfigurationNotFoundError"),
        ("/b?website", 404, "NoSuchWebsiteConfiguration"),
        ("/b?replication", 404, "ReplicationConfigurationNotFoundError"),
        ("/b?object-lock", 404, "ObjectLockConfigurationNotFoundError"),
        ("/b?ownershipControls", 404, "OwnershipControlsNotFoundError"),
        ("/b?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"),
        ("/b?logging", 200, ""),
        ("/b?notification", 200, ""),
        ("/b?accelerate", 200, ""),
        ("/b?requestPayment", 200, ""),
        ("/b/k?tagging", 200, ""),
        ("/b/k?retention", 404, "NoSuchObjectLockConfiguration"),
        ("/b/k?legal-hold", 404, "NoSuchObjectLockConfiguration"),
        ("/b/absent?tagging", 404, "NoSuchKey"),
        ("/missing?cors", 404, "NoSuchBucket"),
    ]
    .into_iter()
    .flat_map(|(target, status, code)| {
        let denied = match target {
            "/missing?cors" => (404, "NoSuchBucket"),
            _ => (403, "AccessDenied"),
        };
        [Case::new(Owner, "GET", target, status, code), Case::new(User, "GET", target, denied.0, denied.1)]
    })
    .collect();
    check_all(&world, &cases).await;
    let payer = world.send(Owner, "GET", "/b?requestPayment", &[], b"").await;
    assert_eq!(payer.all("Payer"), ["BucketOwner"]);
}

#[tokio::test]
async fn setting_one_is_not_implemented_and_deletes_nothing() {
    let world = World::with_bucket("b").await;
    for sub_resource in
        ["policy", "cors", "lifecycle", "tagging", "encryption", "website", "replication", "ownershipControls", "publicAccessBlock"]
    {
        for method in ["PUT", "DELETE"] {
            let reply = world.send(Owner, method, &format!("/b?{sub_resource}"), &[], b"").await;
            assert_eq!((reply.status, reply.code().as_deref()), (501, Some("NotImplemented")), "{method} {sub_resource}");
        }
    }
    world.send(Owner, "HEAD", "/b", &[], b"").await.expect(200);
}

/// A browser asks before it sends, and never with credentials.
#[tokio::test]
async fn no_bucket_answers_a_preflight() {
    let world = World::with_bucket("b").await;
    let headers = [("origin", "http://example.org"), ("access-control-request-method", "GET")];
    for target in ["/b/k", "/b", "/missing/k"] {
        let reply = world.send_plain("OPTIONS", target, &headers, b"").await;
        assert_eq!(reply.status, 403);
        assert_eq!(reply.all("Message"), ["CORSResponse: CORS is not enabled for this bucket."]);
    }
}
