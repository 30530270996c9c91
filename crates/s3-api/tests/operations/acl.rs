//! GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl, and what they give to whom.

use crate::harness::Who::{Manager, Nobody, Owner, Stranger, User};
use crate::harness::{Case, World, check_all};

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn document(owner: &str, grantee: &str, permission: &str) -> String {
    format!(
        "<AccessControlPolicy><Owner><ID>{owner}</ID></Owner><AccessControlList><Grant>\
         <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">{grantee}</Grantee>\
         <Permission>{permission}</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
}

#[tokio::test]
async fn owners_are_bare_user_names() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        let reply = world.send(Owner, "GET", target, &[], b"").await.expect(200);
        assert_eq!(reply.all("ID"), ["owner", "owner"], "{target}");
        assert_eq!(reply.all("DisplayName"), ["owner", "owner"], "{target}");
        assert_eq!(reply.all("Permission"), ["FULL_CONTROL"], "{target}");
    }
}

#[tokio::test]
async fn canned_header_and_document_all_set_an_acl() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        world.send(Owner, "PUT", target, &[("x-amz-acl", "public-read")], b"").await.expect(200);
        let reply = world.send(Owner, "GET", target, &[], b"").await;
        assert_eq!(
            (reply.all("Permission"), reply.all("URI")),
            (vec!["READ".into(), "FULL_CONTROL".into()], vec![ALL_USERS.to_owned()])
        );
        let grants = [("x-amz-grant-read", "id=\"user\""), ("x-amz-grant-write-acp", "id=manager")];
        world.send(Owner, "PUT", target, &grants, b"").await.expect(200);
        let reply = world.send(Owner, "GET", target, &[], b"").await;
        assert_eq!(reply.all("Permission"), ["READ", "WRITE_ACP"]);
        for address in ["user@example.org", "USER@Example.org"] {
            let body = document("owner", &format!("<EmailAddress>{address}</EmailAddress>"), "WRITE_ACP");
            world.send(Owner, "PUT", target, &[], body.as_bytes()).await.expect(200);
            let reply = world.send(Owner, "GET", target, &[], b"").await;
            assert_eq!(reply.all("ID"), ["owner", "user"]);
        }
        let body = document("owner", "<ID>user</ID>", "READ_ACP");
        world.send(Owner, "PUT", target, &[], body.as_bytes()).await.expect(200);
        let reply = world.send(Owner, "GET", target, &[], b"").await;
        assert_eq!(
            (reply.all("Permission"), reply.all("ID")),
            (vec!["READ_ACP".into()], vec!["owner".into(), "user".into()])
        );
    }
}

/// PutBucketAcl and PutObjectAcl, "Errors".
#[tokio::test]
async fn what_is_no_acl_is_refused() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    let body = document("owner", "<ID>user</ID>", "READ");
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        let put = |status, code| Case::new(Owner, "PUT", target, status, code);
        check_all(
            &world,
            &[
                put(400, "InvalidArgument").header("x-amz-acl", "public"),
                put(400, "InvalidArgument").header("x-amz-grant-read", "id=\"nobody-of-this-name\""),
                put(400, "InvalidArgument").header("x-amz-grant-read", "uri=\"http://example.org/group\""),
                put(400, "UnresolvableGrantByEmailAddress")
                    .header("x-amz-grant-read", "emailAddress=\"nobody@example.org\""),
                put(400, "AmbiguousGrantByEmailAddress")
                    .header("x-amz-grant-read", "emailAddress=\"shared@example.org\""),
                put(400, "InvalidRequest").header("x-amz-acl", "private").header("x-amz-grant-read", "id=user"),
                put(400, "UnexpectedContent").header("x-amz-acl", "private").body(body.as_bytes()),
                put(400, "MissingSecurityHeader"),
                put(400, "MalformedACLError").body(b"<AccessControlPolicy>"),
                put(400, "MalformedACLError").body(document("owner", "<ID>user</ID>", "EVERYTHING").as_bytes()),
                put(400, "InvalidArgument").body(document("owner", "<ID>no-such</ID>", "READ").as_bytes()),
                put(403, "AccessDenied").body(document("user", "<ID>user</ID>", "READ").as_bytes()),
                put(200, "").body(body.as_bytes()),
            ],
        )
        .await;
    }
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt/absent?acl", 404, "NoSuchKey"),
            Case::new(Owner, "PUT", "/bkt/absent?acl", 404, "NoSuchKey").header("x-amz-acl", "private"),
            Case::new(Owner, "GET", "/missing?acl", 404, "NoSuchBucket"),
            Case::new(Nobody, "GET", "/missing?acl", 403, "AccessDenied"),
        ],
    )
    .await;
}

#[tokio::test]
async fn acls_give_what_they_say_and_no_more() {
    let world = World::with_bucket("bkt").await;
    for (key, acl) in [("private", "private"), ("public", "public-read"), ("signed", "authenticated-read")] {
        world.send(Owner, "PUT", &format!("/bkt/{key}"), &[("x-amz-acl", acl)], b"x").await.expect(200);
    }
    check_all(
        &world,
        &[
            Case::new(Nobody, "GET", "/bkt/public", 200, ""),
            Case::new(Nobody, "GET", "/bkt/signed", 403, "AccessDenied"),
            Case::new(Stranger, "GET", "/bkt/signed", 200, ""),
            Case::new(Stranger, "GET", "/bkt/private", 403, "AccessDenied"),
            Case::new(User, "GET", "/bkt/public", 200, ""),
            Case::new(User, "GET", "/bkt/private", 403, "AccessDenied"),
            Case::new(Manager, "GET", "/bkt/private", 200, ""),
            Case::new(Nobody, "DELETE", "/bkt/public", 403, "AccessDenied"),
            Case::new(Nobody, "GET", "/bkt/public?acl", 403, "AccessDenied"),
            // Reading an object of a bucket does not give the list, nor tells which keys there are.
            Case::new(Nobody, "GET", "/bkt", 403, "AccessDenied"),
            Case::new(Nobody, "GET", "/bkt/absent", 403, "AccessDenied"),
            Case::new(Owner, "PUT", "/bkt?acl", 200, "").header("x-amz-acl", "public-read"),
            Case::new(Nobody, "GET", "/bkt", 200, ""),
            Case::new(Nobody, "GET", "/bkt/absent", 404, "NoSuchKey"),
            Case::new(Nobody, "GET", "/bkt/private", 403, "AccessDenied"),
            Case::new(Nobody, "PUT", "/bkt/new", 403, "AccessDenied").body(b"x"),
            Case::new(Owner, "PUT", "/bkt?acl", 200, "").header("x-amz-acl", "public-read-write"),
            Case::new(Nobody, "PUT", "/bkt/new", 200, "").body(b"x"),
            Case::new(Owner, "GET", "/bkt/new", 200, ""),
        ],
    )
    .await;
    let reply = world.send(Owner, "GET", "/bkt/new?acl", &[], b"").await.expect(200);
    assert_eq!(reply.all("ID").first().map(String::as_str), Some("anonymous"));
}

#[tokio::test]
async fn an_owner_who_is_expected_and_is_another_is_denied() {
    let world = World::with_bucket("bkt").await;
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt", 200, "").header("x-amz-expected-bucket-owner", "owner"),
            Case::new(Owner, "GET", "/bkt", 403, "AccessDenied").header("x-amz-expected-bucket-owner", "user"),
        ],
    )
    .await;
}

/// The group is kept and told as it was put, and nobody is in it.
#[tokio::test]
async fn log_delivery_is_granted_and_is_nobody() {
    let world = World::with_bucket("bkt").await;
    let granted = async || {
        let reply = world.send(Owner, "GET", "/bkt?acl", &[], b"").await.expect(200);
        (reply.all("URI"), reply.all("Permission"), reply.text())
    };
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "log-delivery-write")], b"").await.expect(200);
    let (uris, mut permissions, document) = granted().await;
    permissions.sort();
    assert_eq!(uris, ["http://acs.amazonaws.com/groups/s3/LogDelivery"; 2]);
    assert_eq!(permissions, ["FULL_CONTROL", "READ_ACP", "WRITE"]);
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "private")], b"").await.expect(200);
    world.send(Owner, "PUT", "/bkt?acl", &[], document.as_bytes()).await.expect(200);
    assert_eq!(granted().await.2, document);
    world.send(Owner, "PUT", "/bkt/k", &[("x-amz-acl", "log-delivery-write")], b"x").await.expect(200);
    let listed = world.send(Owner, "GET", "/bkt", &[], b"").await.expect(200);
    assert_eq!(listed.all("Key"), ["k"]);
    check_all(
        &world,
        &[
            Case::new(Nobody, "PUT", "/bkt/log", 403, "AccessDenied").body(b"x"),
            Case::new(Stranger, "PUT", "/bkt/log", 403, "AccessDenied").body(b"x"),
            Case::new(Stranger, "GET", "/bkt?acl", 403, "AccessDenied"),
        ],
    )
    .await;
}
