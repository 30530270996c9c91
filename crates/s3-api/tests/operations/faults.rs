//! What clients are told while the engine fails.

use storage::StorageError;
use storage::faults::{Call, Fault};

use crate::harness::Who::Owner;
use crate::harness::World;

#[tokio::test]
async fn a_failing_engine_is_told_in_terms_of_s3() {
    let world = World::with_bucket("bkt").await;
    for (error, status, code) in [
        // Not a 5xx: clients would try again and again, and room does not come from that.
        (StorageError::Full, 403, "QuotaExceeded"),
        (StorageError::ReadOnly("a sync failed".into()), 503, "ServiceUnavailable"),
        (StorageError::Io("gone".into()), 500, "InternalError"),
    ] {
        world.faults.plan(Call::Commit, 1, Fault::Fail(error));
        let put = world.send(Owner, "PUT", "/bkt/k", &[], b"hello").await;
        assert_eq!((put.status, put.code().as_deref()), (status, Some(code)));
        world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(404);
    }
    world.put("bkt/k", b"hello").await;
    world.faults.plan(Call::Read, 1, Fault::Fail(StorageError::Damaged("a block does not verify".into())));
    let get = world.send(Owner, "GET", "/bkt/k", &[], b"").await;
    assert_eq!((get.status, get.code().as_deref()), (500, Some("InternalError")));
    assert!(!get.text().contains("block"), "what is wrong inside is for the log: {}", get.text());
    world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
}
