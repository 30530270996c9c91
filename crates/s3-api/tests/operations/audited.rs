//! What changes a bucket, or who may reach it, is in the audit log; what happens to objects is not.

use audit::{Entry, Filter, Order, Outcome};

use crate::harness::{Who, World};

async fn entries(world: &World) -> Vec<Entry> {
    world.audit.idle().await;
    let page = world.audit.page(&Filter::default(), Order::Oldest, None, 100).await.expect("a page");
    page.lines.into_iter().map(|line| line.entry).collect()
}

#[tokio::test]
async fn changes_of_buckets_are_recorded_with_key_and_address() {
    let world = World::new().await;
    let versioning = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    world.send(Who::Owner, "PUT", "/bkt", &[], b"").await.expect(200);
    world.send(Who::Owner, "PUT", "/bkt?versioning", &[], versioning).await.expect(200);
    world.send(Who::Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "public-read")], b"").await.expect(200);
    world.send(Who::User, "DELETE", "/bkt", &[], b"").await.expect(403);
    // What the log leaves out: objects, reads, and what strangers may not do.
    world.send(Who::Owner, "PUT", "/bkt/k", &[], b"x").await.expect(200);
    world.send(Who::Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
    world.send(Who::Owner, "GET", "/bkt?acl", &[], b"").await.expect(200);
    world.send(Who::Nobody, "DELETE", "/bkt", &[], b"").await.expect(403);
    world.send(Who::Owner, "DELETE", "/bkt", &[], b"").await.expect(409);

    let found = entries(&world).await;
    let told: Vec<_> = found
        .iter()
        .map(|entry| (entry.actor.to_string(), entry.action.as_str(), entry.outcome, entry.error.as_str()))
        .collect();
    let (owner, user) = ("user:owner".to_owned(), "user:user".to_owned());
    assert_eq!(
        told,
        [
            (owner.clone(), "s3:CreateBucket", Outcome::Done, ""),
            (owner.clone(), "s3:PutBucketVersioning", Outcome::Done, ""),
            (owner.clone(), "s3:PutBucketAcl", Outcome::Done, ""),
            (user, "s3:DeleteBucket", Outcome::Refused, "AccessDenied"),
            (owner, "s3:DeleteBucket", Outcome::Refused, "BucketNotEmpty"),
        ]
    );
    for entry in &found {
        let key = world.key(if entry.actor.to_string() == "user:user" { Who::User } else { Who::Owner });
        assert_eq!(entry.key.as_ref().map(ToString::to_string), key.map(|key| key.id.clone()));
        assert_eq!(entry.address, Some([127, 0, 0, 1].into()));
        assert_eq!((entry.tenancy.as_ref().map(AsRef::as_ref), entry.target.as_str()), (Some("t"), "bucket bkt"));
        assert_eq!(entry.request.as_ref().map(String::len), Some(16));
    }
    let verified = world.audit.verify(None).await.expect("read");
    assert_eq!((verified.entries, verified.fault_count), (5, 0));
}

#[tokio::test]
async fn an_act_that_can_not_be_recorded_is_not_answered_as_done() {
    use storage::StorageError;
    use storage::faults::{Call, Fault};
    let world = World::new().await;
    // The first commit makes the bucket, the second one records it.
    world.faults.plan(Call::Commit, 2, Fault::Fail(StorageError::Full));
    let reply = world.send(Who::Owner, "PUT", "/bkt", &[], b"").await;
    assert_eq!((reply.status, reply.code().as_deref()), (500, Some("InternalError")));
    assert_eq!(entries(&world).await.len(), 0);
}
