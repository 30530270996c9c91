//! GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy and GetBucketPolicyStatus, and what a policy gives and takes.

use crate::harness::Who::{Deputy, Manager, Nobody, Owner, Stranger, User};
use crate::harness::{Case, Who, World, check_all};

/// A policy of AWS's dialect with these statements.
fn aws(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

async fn world_under(policy: &str) -> World {
    let world = World::with_bucket("bkt").await;
    for key in ["public/a", "private/b", "own/user/c"] {
        world.put(&format!("bkt/{key}"), b"content").await;
    }
    put(&world, policy).await;
    world
}

async fn put(world: &World, policy: &str) {
    world.send(Owner, "PUT", "/bkt?policy", &[], policy.as_bytes()).await.expect(204);
}

#[tokio::test]
async fn a_policy_comes_back_byte_for_byte() {
    let world = World::with_bucket("bkt").await;
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt?policy", 404, "NoSuchBucketPolicy"),
            Case::new(Owner, "DELETE", "/bkt?policy", 204, ""),
        ],
    )
    .await;
    for document in [
        "{\n  \"Statement\" : [ ],\r\n \"Id\":\"bkt policy\", \"Version\": \"2008-10-17\"  }\n",
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Sid\":\"\u{e9}t\u{e9} \\u00e9\",\"Effect\":\"Allow\",\
         \"Principal\":{\"user\":[\"\"],\"group\":[\"t-members\"]},\"Action\":[\"GetObject\"],\"Resource\":\"/*\"}}",
    ] {
        put(&world, document).await;
        let reply = world.send(Manager, "GET", "/bkt?policy", &[], b"").await.expect(200);
        assert_eq!((reply.text().as_str(), reply.header("content-type")), (document, Some("application/json")));
    }
    world.send(Deputy, "DELETE", "/bkt?policy", &[], b"").await.expect(204);
    world.send(Owner, "GET", "/bkt?policy", &[], b"").await.expect(404);
}

#[tokio::test]
async fn of_two_editors_the_second_is_told() {
    let world = World::with_bucket("bkt").await;
    let first = aws(&[]);
    let created = world.send(Owner, "PUT", "/bkt?policy", &[("if-none-match", "*")], first.as_bytes()).await;
    let tag = created.expect(204).header("etag").expect("a tag").to_owned();
    let read = world.send(Manager, "GET", "/bkt?policy", &[], b"").await.expect(200);
    assert_eq!(read.header("etag"), Some(tag.as_str()));
    let changed = first.replace("2012-10-17", "2008-10-17");
    let case = |method, status, code| Case::new(Owner, method, "/bkt?policy", status, code);
    check_all(
        &world,
        &[
            case("PUT", 412, "PreconditionFailed").header("if-none-match", "*").body(changed.as_bytes()),
            case("PUT", 204, "").header("if-match", &tag).body(changed.as_bytes()),
            case("PUT", 412, "PreconditionFailed").header("if-match", &tag).body(first.as_bytes()),
            case("DELETE", 412, "PreconditionFailed").header("if-match", &tag),
        ],
    )
    .await;
    let kept = world.send(Owner, "GET", "/bkt?policy", &[], b"").await.expect(200);
    assert_eq!(kept.text(), changed);
}

#[tokio::test]
async fn what_is_no_policy_is_refused_with_the_element() {
    let world = World::with_bucket("bkt").await;
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}"#;
    let large = aws(&[statement]).replace("Allow", &"A".repeat(21 * 1024));
    for (document, element) in [
        ("", "no policy"),
        ("<Policy/>", "no policy"),
        ("{}", "Statement"),
        (aws(&[&statement.replace("GetObject", "GetObjekt")]).as_str(), "Statement[0].Action"),
        (aws(&[statement, &statement.replace("Allow", "Maybe")]).as_str(), "Statement[1].Effect"),
        (aws(&[&statement.replace("Resource", "Ressource")]).as_str(), "Statement[0]"),
        (aws(&[&statement.replace("bkt/*", "other/*")]).as_str(), "Statement[0].Resource"),
        (large.as_str(), "bytes"),
    ] {
        let reply = world.send(Owner, "PUT", "/bkt?policy", &[], document.as_bytes()).await.expect(400);
        let message = reply.all("Message").remove(0);
        assert_eq!(reply.code().as_deref(), Some("MalformedPolicy"), "{document}");
        assert!(message.contains(element), "{message}");
    }
    world.send(Owner, "GET", "/bkt?policy", &[], b"").await.expect(404);
}

#[tokio::test]
async fn a_policy_lets_others_in_and_no_further() {
    let world = world_under(&aws(&[
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/public/*"}"#,
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::t:user/user"},"Action":["s3:PutObject","s3:GetObject"],
            "Resource":"arn:aws:s3:::bkt/own/${aws:username}/*"}"#,
    ]))
    .await;
    check_all(
        &world,
        &[
            Case::new(Nobody, "GET", "/bkt/public/a", 200, ""),
            Case::new(Stranger, "GET", "/bkt/public/a", 200, ""),
            Case::new(Nobody, "GET", "/bkt/private/b", 403, "AccessDenied"),
            Case::new(Nobody, "GET", "/bkt", 403, "AccessDenied"),
            Case::new(Nobody, "PUT", "/bkt/public/a", 403, "AccessDenied"),
            Case::new(Nobody, "GET", "/bkt?policy", 403, "AccessDenied"),
            Case::new(User, "GET", "/bkt/own/user/c", 200, ""),
            Case::new(User, "PUT", "/bkt/own/user/d", 200, ""),
            Case::new(User, "PUT", "/bkt/own/other/d", 403, "AccessDenied"),
            Case::new(User, "DELETE", "/bkt/own/user/c", 403, "AccessDenied"),
        ],
    )
    .await;
}

/// Each key of DeleteObjects, and each side of a copy, is a decision of its own.
#[tokio::test]
async fn every_key_is_decided_for_itself() {
    let world = world_under(&aws(&[
        r#"{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],
            "Resource":"arn:aws:s3:::bkt/public/*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bkt/*/b"}"#,
    ]))
    .await;
    let copy = |to: &str, from: &str, status, code| {
        Case::new(User, "PUT", &format!("/bkt/{to}"), status, code).header("x-amz-copy-source", from)
    };
    check_all(
        &world,
        &[
            copy("public/x", "bkt/public/a", 200, ""),
            copy("public/x", "bkt/private/b", 403, "AccessDenied"),
            copy("private/x", "bkt/public/a", 403, "AccessDenied"),
        ],
    )
    .await;
    let names = ["public/a", "public/x", "private/b", "own/user/c"];
    let keys: String = names.map(|key| format!("<Object><Key>{key}</Key></Object>")).concat();
    let delete = format!("<Delete>{keys}</Delete>");
    let reply = world.send_with_md5(User, "POST", "/bkt?delete", &delete).await.expect(200);
    assert_eq!(reply.all("Key"), names);
    assert_eq!(reply.all("Code"), ["AccessDenied", "AccessDenied"]);
    // The owner is bound where the policy denies, key by key.
    let reply = world.send_with_md5(Owner, "POST", "/bkt?delete", &delete).await.expect(200);
    assert_eq!(reply.all("Code"), ["AccessDenied"]);
}

#[tokio::test]
async fn conditions_see_the_request() {
    let allow_if = |action: &str, condition: &str| {
        aws(&[&format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"],
                "Condition":{condition}}}"#
        )])
    };
    let plain: &[(&str, &str)] = &[];
    for (action, condition, who, method, target, headers, allowed) in [
        (
            "s3:GetObject",
            r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            plain,
            true,
        ),
        (
            "s3:GetObject",
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            plain,
            false,
        ),
        ("s3:GetObject", r#"{"Bool":{"aws:SecureTransport":"true"}}"#, Nobody, "GET", "/bkt/private/b", plain, false),
        ("s3:GetObject", r#"{"Bool":{"aws:SecureTransport":"false"}}"#, Nobody, "GET", "/bkt/private/b", plain, true),
        (
            "s3:GetObject",
            r#"{"StringLike":{"aws:Referer":"http://example.org/*"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            &[("referer", "http://example.org/page")],
            true,
        ),
        (
            "s3:GetObject",
            r#"{"StringLike":{"aws:Referer":"http://example.org/*"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            &[("referer", "http://example.com/page")],
            false,
        ),
        (
            "s3:GetObject",
            r#"{"StringLike":{"aws:UserAgent":"zarr/*"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            &[("user-agent", "zarr/3")],
            true,
        ),
        (
            "s3:ListBucket",
            r#"{"StringLike":{"s3:prefix":"public/*"}}"#,
            User,
            "GET",
            "/bkt?prefix=public/",
            plain,
            true,
        ),
        ("s3:ListBucket", r#"{"StringLike":{"s3:prefix":"public/*"}}"#, User, "GET", "/bkt?prefix=p", plain, false),
        ("s3:ListBucket", r#"{"StringLike":{"s3:prefix":"public/*"}}"#, User, "GET", "/bkt", plain, false),
        (
            "s3:ListBucket",
            r#"{"NumericLessThanEquals":{"s3:max-keys":"10"}}"#,
            User,
            "GET",
            "/bkt?list-type=2&max-keys=11",
            plain,
            false,
        ),
        (
            "s3:ListBucket",
            r#"{"NumericLessThanEquals":{"s3:max-keys":"10"}}"#,
            User,
            "GET",
            "/bkt?list-type=2&max-keys=10",
            plain,
            true,
        ),
        // What is no listing has no prefix, whatever its query says.
        (
            "s3:GetObject",
            r#"{"StringLike":{"s3:prefix":"public/*"}}"#,
            User,
            "GET",
            "/bkt/private/b?prefix=public/",
            plain,
            false,
        ),
        (
            "s3:PutObject",
            r#"{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}"#,
            User,
            "PUT",
            "/bkt/new",
            &[("x-amz-acl", "bucket-owner-full-control")],
            true,
        ),
        (
            "s3:PutObject",
            r#"{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}"#,
            User,
            "PUT",
            "/bkt/new",
            plain,
            false,
        ),
        (
            "s3:GetObject",
            r#"{"StringEquals":{"s3:authType":"REST-HEADER"}}"#,
            User,
            "GET",
            "/bkt/private/b",
            plain,
            true,
        ),
        (
            "s3:GetObject",
            r#"{"StringEquals":{"s3:authType":"REST-HEADER"}}"#,
            Nobody,
            "GET",
            "/bkt/private/b",
            plain,
            false,
        ),
        ("s3:GetObject", r#"{"StringEquals":{"aws:username":"user"}}"#, User, "GET", "/bkt/private/b", plain, true),
        (
            "s3:GetObject",
            r#"{"StringEquals":{"aws:username":"user"}}"#,
            Stranger,
            "GET",
            "/bkt/private/b",
            plain,
            false,
        ),
        (
            "s3:GetObject",
            r#"{"DateLessThan":{"aws:CurrentTime":"2001-01-01T00:00:00Z"}}"#,
            User,
            "GET",
            "/bkt/private/b",
            plain,
            false,
        ),
        (
            "s3:GetObject",
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2001-01-01T00:00:00Z"}}"#,
            User,
            "GET",
            "/bkt/private/b",
            plain,
            true,
        ),
    ] {
        let world = world_under(&allow_if(action, condition)).await;
        let reply = world.send(who, method, target, headers, b"").await;
        let expected = if allowed { 200 } else { 403 };
        assert_eq!(reply.status, expected, "{condition} {who:?} {target} {headers:?}: {}", reply.text());
    }
}

/// Pages that are kept are told to those alone who may see them at that moment.
#[tokio::test]
async fn a_kept_page_is_not_told_to_those_who_may_not_list() {
    let of = |prefix: &str| {
        aws(&[&format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bkt",
                "Condition":{{"StringEquals":{{"s3:prefix":"{prefix}"}}}}}}"#
        )])
    };
    let world = world_under(&of("public/")).await;
    let list = async |who: Who, prefix: &str| {
        let target = format!("/bkt?list-type=2&prefix={prefix}");
        world.send(who, "GET", &target, &[], b"").await.status
    };
    for prefix in ["public/", "private/"] {
        assert_eq!(list(Owner, prefix).await, 200, "the page is kept");
    }
    assert_eq!((list(Nobody, "public/").await, list(Nobody, "private/").await), (200, 403));
    put(&world, &of("private/")).await;
    assert_eq!((list(Nobody, "public/").await, list(Nobody, "private/").await), (403, 200));
    world.send(Owner, "DELETE", "/bkt?policy", &[], b"").await.expect(204);
    assert_eq!((list(Nobody, "public/").await, list(Nobody, "private/").await), (403, 403));
}

#[tokio::test]
async fn a_deny_binds_the_owner_who_can_still_change_the_policy() {
    let deny =
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}"#;
    let world = world_under(&aws(&[deny])).await;
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt/private/b", 403, "AccessDenied"),
            Case::new(Manager, "GET", "/bkt/absent", 403, "AccessDenied"),
            Case::new(Manager, "GET", "/bkt", 403, "AccessDenied"),
            Case::new(Owner, "GET", "/bkt?policy", 200, ""),
            Case::new(User, "GET", "/bkt?policy", 403, "AccessDenied"),
            Case::new(Owner, "DELETE", "/bkt?policy", 204, ""),
            Case::new(Owner, "GET", "/bkt/private/b", 200, ""),
        ],
    )
    .await;
    // Nor is a bucket listed that may not be.
    put(&world, &aws(&[deny])).await;
    let listed = world.send(Owner, "GET", "/", &[], b"").await.expect(200);
    assert_eq!(listed.all("Name"), Vec::<String>::new());
}

/// Those whom a policy lets edit it are asked before they shut themselves out; those of elsewhere never edit it.
#[tokio::test]
async fn who_would_shut_themselves_out_must_say_so() {
    let everyone = r#"{"Effect":"Allow","Principal":"*","Action":["s3:PutBucketPolicy","s3:GetBucketPolicy"],
        "Resource":"arn:aws:s3:::bkt"}"#;
    let world = world_under(&aws(&[everyone])).await;
    let confirmed = |case: Case| case.header("x-amz-confirm-remove-self-bucket-access", "true");
    let (same, closed) = (aws(&[everyone]), aws(&[]));
    let put = |who, status, code| Case::new(who, "PUT", "/bkt?policy", status, code);
    check_all(
        &world,
        &[
            put(Nobody, 405, "MethodNotAllowed").body(same.as_bytes()),
            put(Stranger, 405, "MethodNotAllowed").body(same.as_bytes()),
            Case::new(Stranger, "GET", "/bkt?policy", 405, "MethodNotAllowed"),
            put(User, 204, "").body(same.as_bytes()),
            put(User, 403, "AccessDenied").body(closed.as_bytes()),
            confirmed(put(User, 204, "")).body(closed.as_bytes()),
            put(User, 403, "AccessDenied").body(same.as_bytes()),
            put(Owner, 204, "").body(same.as_bytes()),
        ],
    )
    .await;
}

/// A policy that lets somebody write lets them not share what they write, unless it says so.
#[tokio::test]
async fn sharing_what_one_writes_is_another_action() {
    let write = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*"}"#;
    let share = write.replace("PutObject", "PutObjectAcl");
    let keep = share.replace("Allow", "Deny");
    let put = |who, acl: &str, status, code| Case::new(who, "PUT", "/bkt/new", status, code).header("x-amz-acl", acl);
    let begin =
        |acl: &str, status, code| Case::new(User, "POST", "/bkt/new?uploads", status, code).header("x-amz-acl", acl);
    let world = world_under(&aws(&[write])).await;
    check_all(
        &world,
        &[
            put(User, "private", 200, ""),
            put(User, "bucket-owner-full-control", 200, ""),
            put(User, "public-read", 403, "AccessDenied"),
            put(Nobody, "public-read", 403, "AccessDenied"),
            put(Owner, "public-read", 200, ""),
            begin("private", 200, ""),
            begin("public-read", 403, "AccessDenied"),
        ],
    )
    .await;
    self::put(&world, &aws(&[write, &share])).await;
    check_all(&world, &[put(User, "public-read", 200, "")]).await;
    self::put(&world, &aws(&[write, &keep])).await;
    check_all(&world, &[put(Owner, "public-read", 403, "AccessDenied"), put(Owner, "private", 200, "")]).await;
    // Who writes by the bucket's ACL owns what they write.
    world.send(Owner, "DELETE", "/bkt?policy", &[], b"").await.expect(204);
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-grant-write", "id=user")], b"").await.expect(200);
    check_all(&world, &[put(User, "public-read", 200, ""), put(Nobody, "public-read", 403, "AccessDenied")]).await;
}

/// Swarm's CreateObject is for new keys; S3 has one verb for both.
#[tokio::test]
async fn who_may_create_may_not_replace() {
    let world = world_under(
        r#"{"Version":"2008-10-17","Id":"bkt policy","Statement":[{"Sid":"drop","Effect":"Allow",
            "Principal":{"anonymous":["*"]},"Action":["CreateObject"],"Resource":"/*"}]}"#,
    )
    .await;
    check_all(
        &world,
        &[
            Case::new(Nobody, "PUT", "/bkt/fresh", 200, "").body(b"x"),
            Case::new(Nobody, "PUT", "/bkt/fresh", 403, "AccessDenied").body(b"y"),
            Case::new(Nobody, "PUT", "/bkt/public/a", 403, "AccessDenied").body(b"y"),
            Case::new(Nobody, "GET", "/bkt/fresh", 403, "AccessDenied"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_status_says_whether_a_bucket_is_public() {
    let world = World::with_bucket("bkt").await;
    let status = async || world.send(Owner, "GET", "/bkt?policyStatus", &[], b"").await.expect(200).all("IsPublic");
    assert_eq!(status().await, ["false"]);
    let read = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}"#;
    put(&world, &aws(&[read])).await;
    assert_eq!(status().await, ["true"]);
    put(&world, &aws(&[&read.replace(r#""*","Action""#, r#"{"AWS":"arn:aws:iam::t:user/user"},"Action""#)])).await;
    assert_eq!(status().await, ["false"]);
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "authenticated-read")], b"").await.expect(200);
    assert_eq!(status().await, ["true"]);
    let block =
        "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    world.send(Owner, "PUT", "/bkt?publicAccessBlock", &[], block.as_bytes()).await.expect(200);
    assert_eq!(status().await, ["false"]);
}
