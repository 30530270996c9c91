//! CreateBucket, DeleteBucket, HeadBucket, ListBuckets, GetBucketLocation, GetBucketVersioning, PutBucketVersioning,
//! ListObjects, ListObjectsV2, ListObjectVersions.

use crate::harness::Who::{Manager, Nobody, Owner, Stranger, User};
use crate::harness::{Case, World, check_all};

#[tokio::test]
async fn a_bucket_lives_and_dies() {
    let world = World::new().await;
    let create = world.send(Owner, "PUT", "/bkt", &[], b"").await;
    assert_eq!((create.status, create.header("location")), (200, Some("/bkt")));
    check_all(
        &world,
        &[
            Case::new(Owner, "PUT", "/bkt", 409, "BucketAlreadyOwnedByYou"),
            Case::new(User, "PUT", "/bkt", 409, "BucketAlreadyExists"),
            Case::new(Owner, "HEAD", "/bkt", 200, ""),
            Case::new(User, "HEAD", "/bkt", 403, ""),
            Case::new(Owner, "HEAD", "/missing", 404, ""),
            Case::new(Nobody, "HEAD", "/missing", 403, ""),
            Case::new(User, "DELETE", "/bkt", 403, "AccessDenied"),
            Case::new(Owner, "PUT", "/bkt/k", 200, "").body(b"x"),
            Case::new(Owner, "DELETE", "/bkt", 409, "BucketNotEmpty"),
            Case::new(Owner, "DELETE", "/bkt/k", 204, ""),
            Case::new(Owner, "DELETE", "/bkt", 204, ""),
            Case::new(Owner, "DELETE", "/bkt", 404, "NoSuchBucket"),
            Case::new(Owner, "GET", "/bkt", 404, "NoSuchBucket"),
        ],
    )
    .await;
}

#[tokio::test]
async fn create_bucket_errors() {
    let world = World::new().await;
    let location =
        b"<CreateBucketConfiguration><LocationConstraint>here</LocationConstraint></CreateBucketConfiguration>";
    check_all(
        &world,
        &[
            Case::new(Nobody, "PUT", "/bkt", 403, "AccessDenied"),
            Case::new(Stranger, "PUT", "/bkt", 403, "AccessDenied"),
            Case::new(Owner, "PUT", "/ab", 400, "InvalidBucketName"),
            Case::new(Owner, "PUT", "/192.168.5.4", 400, "InvalidBucketName"),
            Case::new(Owner, "PUT", "/bbb", 400, "InvalidArgument").header("x-amz-acl", "nonsense"),
            Case::new(Owner, "PUT", "/bbb", 400, "MalformedXML").body(b"<Create"),
            Case::new(Owner, "PUT", "/bbb", 501, "NotImplemented").header("x-amz-bucket-object-lock-enabled", "true"),
            Case::new(Owner, "PUT", "/bbb", 200, "").body(location),
        ],
    )
    .await;
    let reply = world.send(Owner, "GET", "/bbb?location", &[], b"").await;
    assert_eq!(reply.all("LocationConstraint"), ["here"]);
}

#[tokio::test]
async fn list_buckets_shows_what_the_caller_may_list() {
    let world = World::new().await;
    for (who, name) in [(Owner, "zeta"), (Owner, "alpha"), (User, "mine"), (Owner, "shared")] {
        world.send(who, "PUT", &format!("/{name}"), &[], b"").await.expect(200);
    }
    world.send(Owner, "PUT", "/shared?acl", &[("x-amz-acl", "authenticated-read")], b"").await.expect(200);
    for (who, names) in [
        (Owner, vec!["alpha", "shared", "zeta"]),
        (User, vec!["mine", "shared"]),
        (Manager, vec!["alpha", "mine", "shared", "zeta"]),
    ] {
        let reply = world.send(who, "GET", "/", &[], b"").await;
        assert_eq!(
            (reply.status, reply.all("Name")),
            (200, names.iter().map(ToString::to_string).collect()),
            "{who:?}"
        );
    }
    let page = world.send(Manager, "GET", "/?max-buckets=2", &[], b"").await;
    assert_eq!(page.all("Name"), ["alpha", "mine"]);
    let token = page.all("ContinuationToken").remove(0);
    let page = world.send(Manager, "GET", &format!("/?max-buckets=2&continuation-token={token}"), &[], b"").await;
    assert_eq!(page.all("Name"), ["shared", "zeta"]);
    assert!(page.all("ContinuationToken").is_empty());
    let page = world.send(Manager, "GET", "/?prefix=s", &[], b"").await;
    assert_eq!(page.all("Name"), ["shared"]);
    check_all(
        &world,
        &[
            Case::new(Nobody, "GET", "/", 403, "AccessDenied"),
            Case::new(Stranger, "GET", "/", 403, "AccessDenied"),
            Case::new(Owner, "GET", "/?max-buckets=0", 400, "InvalidArgument"),
        ],
    )
    .await;
}

#[tokio::test]
async fn location_and_region() {
    for (region, told) in
        [("us-east-1", ""), ("eu-west-2", "eu-west-2"), ("objectstore4.example.org", "objectstore4.example.org")]
    {
        let world = World::in_region(region).await;
        world.send(Owner, "PUT", "/bkt", &[], b"").await.expect(200);
        let reply = world.send(Owner, "GET", "/bkt?location", &[], b"").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.all("LocationConstraint").concat(), told, "{}", reply.text());
        let head = world.send(Owner, "HEAD", "/bkt", &[], b"").await;
        assert_eq!(head.header("x-amz-bucket-region"), Some(region));
    }
}

#[tokio::test]
async fn versioning_is_told_and_kept() {
    let world = World::with_bucket("bkt").await;
    let reply = world.send(Owner, "GET", "/bkt?versioning", &[], b"").await;
    assert_eq!((reply.status, reply.all("Status").len()), (200, 0));
    for status in ["Enabled", "Suspended"] {
        let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        world.send(Owner, "PUT", "/bkt?versioning", &[], body.as_bytes()).await.expect(200);
        let reply = world.send(Owner, "GET", "/bkt?versioning", &[], b"").await;
        assert_eq!(reply.all("Status"), [status]);
    }
    check_all(
        &world,
        &[
            Case::new(Owner, "PUT", "/bkt?versioning", 400, "MalformedXML").body(b"nonsense"),
            Case::new(User, "PUT", "/bkt?versioning", 403, "AccessDenied"),
        ],
    )
    .await;
}

#[tokio::test]
async fn versions_delete_markers_and_their_headers() {
    let world = World::with_bucket("bkt").await;
    world.enable_versioning("bkt").await;
    let first = world.send(Owner, "PUT", "/bkt/k", &[], b"1").await;
    let version = first.header("x-amz-version-id").expect("a version").to_owned();
    let delete = world.send(Owner, "DELETE", "/bkt/k", &[], b"").await;
    assert_eq!((delete.status, delete.header("x-amz-delete-marker")), (204, Some("true")));
    let marker = delete.header("x-amz-version-id").expect("a version").to_owned();
    let get = world.send(Owner, "GET", "/bkt/k", &[], b"").await;
    assert_eq!((get.status, get.header("x-amz-delete-marker")), (404, Some("true")));
    let get = world.send(Owner, "GET", &format!("/bkt/k?versionId={marker}"), &[], b"").await;
    assert_eq!((get.status, get.header("x-amz-delete-marker")), (405, Some("true")));
    let get = world.send(Owner, "GET", &format!("/bkt/k?versionId={version}"), &[], b"").await;
    assert_eq!((get.status, get.text().as_str()), (200, "1"));
    assert_eq!(get.header("x-amz-version-id"), Some(version.as_str()));
    let page = world.send(Owner, "GET", "/bkt?versions", &[], b"").await;
    assert_eq!(page.all("VersionId"), [marker.clone(), version]);
    assert_eq!(page.all("IsLatest"), ["true", "false"]);
    let delete = world.send(Owner, "DELETE", &format!("/bkt/k?versionId={marker}"), &[], b"").await;
    assert_eq!((delete.status, delete.header("x-amz-delete-marker")), (204, Some("true")));
    world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
}

#[tokio::test]
async fn listings_page_and_roll_up() {
    let world = World::with_bucket("bkt").await;
    for key in ["a", "d/1", "d/2", "e", "f%20g"] {
        world.put(&format!("bkt/{key}"), b"x").await;
    }
    let page = world.send(Owner, "GET", "/bkt?delimiter=%2F", &[], b"").await;
    assert_eq!(page.all("Key"), ["a", "e", "f g"]);
    assert_eq!(page.all("Prefix").last().map(String::as_str), Some("d/"));
    assert_eq!(page.all("IsTruncated"), ["false"]);
    let page = world.send(Owner, "GET", "/bkt?max-keys=2", &[], b"").await;
    assert_eq!((page.all("Key"), page.all("IsTruncated")), (vec!["a".into(), "d/1".into()], vec!["true".into()]));
    let page = world.send(Owner, "GET", "/bkt?marker=d%2F1&encoding-type=url", &[], b"").await;
    assert_eq!(page.all("Key"), ["d/2", "e", "f%20g"]);
    let page = world.send(Owner, "GET", "/bkt?list-type=2&max-keys=3", &[], b"").await;
    assert_eq!((page.all("Key").len(), page.all("KeyCount")), (3, vec!["3".to_owned()]));
    assert!(page.all("Owner").is_empty());
    let token = page.all("NextContinuationToken").remove(0);
    let target = format!("/bkt?list-type=2&fetch-owner=true&continuation-token={}", token.replace('=', "%3D"));
    let page = world.send(Owner, "GET", &target, &[], b"").await;
    assert_eq!(page.all("Key"), ["e", "f g"]);
    assert_eq!(page.all("DisplayName").first().map(String::as_str), Some("owner"));
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt?max-keys=-1", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt?max-keys=many", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt?encoding-type=morse", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt?list-type=2&continuation-token=%21", 400, "InvalidArgument"),
            Case::new(User, "GET", "/bkt", 403, "AccessDenied"),
            Case::new(Nobody, "GET", "/bkt?list-type=2", 403, "AccessDenied"),
            Case::new(Owner, "GET", "/missing?versions", 404, "NoSuchBucket"),
        ],
    )
    .await;
}

/// A page of no keys is a page, and the last one.
#[tokio::test]
async fn a_listing_of_nothing() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    for target in ["/bkt?max-keys=0", "/bkt?list-type=2&max-keys=0", "/bkt?versions&max-keys=0", "/bkt?prefix=none"] {
        let page = world.send(Owner, "GET", target, &[], b"").await.expect(200);
        assert_eq!((page.all("Key").len(), page.all("IsTruncated")), (0, vec!["false".to_owned()]), "{target}");
    }
    let page = world.send(Owner, "GET", "/bkt?list-type=2&continuation-token=", &[], b"").await.expect(200);
    assert_eq!((page.all("ContinuationToken"), page.all("Key")), (vec![String::new()], vec!["k".to_owned()]));
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt?versions&version-id-marker=null", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt?versions&key-marker=k&version-id-marker=nonsense", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt?uploads&key-marker=k&upload-id-marker=nonsense", 400, "InvalidArgument"),
        ],
    )
    .await;
}

#[tokio::test]
async fn versions_page_by_two_markers() {
    let world = World::with_bucket("bkt").await;
    world.enable_versioning("bkt").await;
    for _ in 0..3 {
        world.put("bkt/k", b"x").await;
        world.clock.advance_secs(1);
    }
    let all = world.send(Owner, "GET", "/bkt?versions", &[], b"").await.all("VersionId");
    assert_eq!(all.len(), 3);
    let first = world.send(Owner, "GET", "/bkt?versions&max-keys=2", &[], b"").await;
    assert_eq!((first.all("VersionId"), first.all("IsTruncated")), (all[..2].to_vec(), vec!["true".to_owned()]));
    let (key, version) = (first.all("NextKeyMarker").remove(0), first.all("NextVersionIdMarker").remove(0));
    let target = format!("/bkt?versions&key-marker={key}&version-id-marker={version}");
    let second = world.send(Owner, "GET", &target, &[], b"").await;
    assert_eq!((second.all("VersionId"), second.all("IsTruncated")), (all[2..].to_vec(), vec!["false".to_owned()]));
}
