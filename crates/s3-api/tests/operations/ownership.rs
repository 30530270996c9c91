//! GetBucketOwnershipControls, PutBucketOwnershipControls, DeleteBucketOwnershipControls, and whose objects are.

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::{Case, World, check_all};

fn controls(ownership: &str) -> String {
    format!("<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule></OwnershipControls>")
}

/// The owner's bucket, into which everybody may write.
async fn world_with(ownership: &str) -> World {
    let world = World::with_bucket("bkt").await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
        "Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":"arn:aws:s3:::bkt/*"}]}"#;
    world.send(Owner, "PUT", "/bkt?policy", &[], policy.as_bytes()).await.expect(204);
    world.send(Owner, "PUT", "/bkt?ownershipControls", &[], controls(ownership).as_bytes()).await.expect(200);
    world
}

#[tokio::test]
async fn controls_are_set_read_and_removed() {
    let world = World::with_bucket("bkt").await;
    let absent = || Case::new(Owner, "GET", "/bkt?ownershipControls", 404, "OwnershipControlsNotFoundError");
    let put = |status, code| Case::new(Owner, "PUT", "/bkt?ownershipControls", status, code);
    check_all(
        &world,
        &[
            absent(),
            put(400, "MalformedXML").body(b"<OwnershipControls/>"),
            put(400, "MalformedXML").body(controls("Everybody").as_bytes()),
        ],
    )
    .await;
    for ownership in ["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"] {
        world.send(Owner, "PUT", "/bkt?ownershipControls", &[], controls(ownership).as_bytes()).await.expect(200);
        let read = world.send(Owner, "GET", "/bkt?ownershipControls", &[], b"").await.expect(200);
        assert_eq!(read.all("ObjectOwnership"), [ownership]);
    }
    check_all(&world, &[Case::new(Owner, "DELETE", "/bkt?ownershipControls", 204, ""), absent()]).await;
}

#[tokio::test]
async fn a_new_bucket_can_have_them() {
    let world = World::new().await;
    let create = |name: &str, ownership: &str, status, code| {
        Case::new(Owner, "PUT", name, status, code).header("x-amz-object-ownership", ownership)
    };
    check_all(
        &world,
        &[
            create("/enforced", "BucketOwnerEnforced", 200, ""),
            create("/writers", "ObjectWriter", 200, "").header("x-amz-acl", "public-read"),
            create("/strange", "Everybody", 400, "InvalidArgument"),
            create("/shared", "BucketOwnerEnforced", 400, "InvalidBucketAclWithObjectOwnership")
                .header("x-amz-acl", "public-read"),
            Case::new(Owner, "PUT", "/plain", 200, ""),
            Case::new(Owner, "GET", "/plain?ownershipControls", 404, "OwnershipControlsNotFoundError"),
            Case::new(Owner, "PUT", "/plain?acl", 200, "").header("x-amz-acl", "public-read"),
            Case::new(Owner, "PUT", "/plain?ownershipControls", 400, "InvalidBucketAclWithObjectOwnership")
                .body(controls("BucketOwnerEnforced").as_bytes()),
        ],
    )
    .await;
    let read = world.send(Owner, "GET", "/enforced?ownershipControls", &[], b"").await.expect(200);
    assert_eq!(read.all("ObjectOwnership"), ["BucketOwnerEnforced"]);
}

#[tokio::test]
async fn acls_do_not_count_where_all_is_the_bucket_owners() {
    let world = world_with("ObjectWriter").await;
    world.send(Owner, "PUT", "/bkt/old", &[("x-amz-acl", "public-read")], b"x").await.expect(200);
    check_all(&world, &[Case::new(Nobody, "GET", "/bkt/old", 200, "")]).await;
    world
        .send(Owner, "PUT", "/bkt?ownershipControls", &[], controls("BucketOwnerEnforced").as_bytes())
        .await
        .expect(200);
    let put = |acl: &str, status, code| Case::new(User, "PUT", "/bkt/new", status, code).header("x-amz-acl", acl);
    check_all(
        &world,
        &[
            Case::new(Nobody, "GET", "/bkt/old", 403, "AccessDenied"),
            put("public-read", 400, "AccessControlListNotSupported"),
            put("bucket-owner-full-control", 200, ""),
            put("private", 200, ""),
            Case::new(User, "PUT", "/bkt/plain", 200, ""),
            Case::new(Owner, "PUT", "/bkt?acl", 400, "AccessControlListNotSupported").header("x-amz-acl", "private"),
            Case::new(Owner, "PUT", "/bkt/old?acl", 400, "AccessControlListNotSupported")
                .header("x-amz-acl", "private"),
            Case::new(Owner, "POST", "/bkt/m?uploads", 400, "AccessControlListNotSupported")
                .header("x-amz-acl", "public-read"),
            Case::new(Owner, "PUT", "/bkt/copy", 400, "AccessControlListNotSupported")
                .header("x-amz-copy-source", "bkt/old")
                .header("x-amz-acl", "public-read"),
        ],
    )
    .await;
    for target in ["/bkt?acl", "/bkt/old?acl", "/bkt/new?acl", "/bkt/plain?acl"] {
        let acl = world.send(Owner, "GET", target, &[], b"").await.expect(200);
        assert_eq!(acl.all("ID"), ["owner", "owner"], "{target}");
        assert_eq!(acl.all("Permission"), ["FULL_CONTROL"], "{target}");
    }
    // What was granted before counts again once ACLs do.
    world.send(Owner, "DELETE", "/bkt?ownershipControls", &[], b"").await.expect(204);
    check_all(&world, &[Case::new(Nobody, "GET", "/bkt/old", 200, "")]).await;
}

#[tokio::test]
async fn who_gives_the_bucket_owner_full_control_gives_the_object_away() {
    for (ownership, acl, owner) in [
        ("ObjectWriter", "bucket-owner-full-control", "user"),
        ("BucketOwnerPreferred", "bucket-owner-full-control", "owner"),
        ("BucketOwnerPreferred", "bucket-owner-read", "user"),
    ] {
        let world = world_with(ownership).await;
        world.send(User, "PUT", "/bkt/k", &[("x-amz-acl", acl)], b"x").await.expect(200);
        let read = world.send(Owner, "GET", "/bkt/k?acl", &[], b"").await.expect(200);
        assert_eq!(read.all("ID").first().map(String::as_str), Some(owner), "{ownership} {acl}");
    }
}
