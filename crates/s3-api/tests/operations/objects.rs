//! PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects, CopyObject, GetObjectAttributes.

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::{Case, World, check_all};

const HELLO_MD5: &str = "5d41402abc4b2a76b9719d911017c592";

async fn world() -> World {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/hello", b"hello").await;
    world
}

#[tokio::test]
async fn put_object_happy_path() {
    let world = world().await;
    let headers = [("content-type", "text/plain"), ("x-amz-meta-colour", "blue"), ("cache-control", "no-cache")];
    let put = world.send(Owner, "PUT", "/bkt/k", &headers, b"hello").await;
    assert_eq!((put.status, put.header("etag")), (200, Some(format!("\"{HELLO_MD5}\"").as_str())));
    assert_eq!(put.header("x-amz-version-id"), None);
    let get = world.send(Owner, "GET", "/bkt/k", &[], b"").await;
    assert_eq!((get.status, &get.body[..]), (200, &b"hello"[..]));
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-amz-meta-colour", "blue"),
        ("cache-control", "no-cache"),
        ("content-length", "5"),
        ("accept-ranges", "bytes"),
        ("server", "Commonhold"),
    ] {
        assert_eq!(get.header(name), Some(value), "{name}");
    }
    assert!(get.header("last-modified").is_some_and(|date| date.ends_with("GMT")));
    assert!(get.header("x-amz-storage-class").is_none());
    let head = world.send(Owner, "HEAD", "/bkt/k", &[], b"").await;
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some("5")));
}

/// s3fs 0.4 sends an empty ACL where it asks for none.
#[tokio::test]
async fn an_empty_acl_is_none() {
    let world = world().await;
    for target in ["/bkt/k", "/another"] {
        world.send(Owner, "PUT", target, &[("x-amz-acl", "")], b"").await.expect(200);
        let acl = world.send(Owner, "GET", &format!("{target}?acl"), &[], b"").await.expect(200);
        assert_eq!(acl.all("Permission"), ["FULL_CONTROL"], "{target}");
    }
}

/// PutObject, "Errors", and the error list.
#[tokio::test]
async fn put_object_errors() {
    let world = world().await;
    let big_meta = "m".repeat(2049);
    check_all(
        &world,
        &[
            Case::new(Owner, "PUT", "/missing/k", 404, "NoSuchBucket"),
            Case::new(Nobody, "PUT", "/bkt/k", 403, "AccessDenied").body(b"x"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "InvalidDigest").header("content-md5", "nonsense").body(b"x"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "BadDigest")
                .header("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")
                .body(b"not hello"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "BadDigest")
                .header("x-amz-checksum-crc32", "AAAAAA==")
                .body(b"not zero"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "InvalidStorageClass").header("x-amz-storage-class", "SLOW"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "MetadataTooLarge").header("x-amz-meta-m", &big_meta),
            Case::new(Owner, "PUT", "/bkt/k", 400, "InvalidArgument").header("x-amz-acl", "public"),
            Case::new(Owner, "PUT", "/bkt/k", 501, "NotImplemented").header("x-amz-tagging", "a=b"),
            Case::new(Owner, "PUT", "/bkt/k", 501, "NotImplemented").header("x-amz-server-side-encryption", "AES256"),
            Case::new(Owner, "PUT", "/bkt/k", 501, "NotImplemented")
                .header("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            Case::new(Owner, "PUT", "/bkt/k", 400, "InvalidRequest").header("x-amz-object-lock-mode", "GOVERNANCE"),
            Case::new(Owner, "PUT", "/bkt/hello", 412, "PreconditionFailed").header("if-none-match", "*"),
            Case::new(Owner, "PUT", "/bkt/hello", 412, "PreconditionFailed").header("if-match", "\"0\""),
            Case::new(Owner, "PUT", "/bkt/absent", 404, "NoSuchKey").header("if-match", "*"),
            Case::new(Owner, "PUT", &format!("/bkt/{}", "k".repeat(1025)), 400, "KeyTooLongError"),
        ],
    )
    .await;
    // Nothing of all that was stored.
    let page = world.send(Owner, "GET", "/bkt", &[], b"").await;
    assert_eq!(page.all("Key"), ["hello"]);
}

#[tokio::test]
async fn a_put_needs_a_length_and_a_small_one() {
    let world = world().await;
    for (length, status, code) in [(None, 411, "MissingContentLength"), (Some(5 << 30 | 1), 400, "EntityTooLarge")] {
        let reply = world.put_of_length("/bkt/k", length).await;
        assert_eq!((reply.status, reply.code().as_deref()), (status, Some(code)));
    }
}

#[tokio::test]
async fn get_object_ranges() {
    let world = world().await;
    for (range, status, body, content_range) in [
        ("bytes=1-3", 206, "ell", Some("bytes 1-3/5")),
        ("bytes=-2", 206, "lo", Some("bytes 3-4/5")),
        ("bytes=2-", 206, "llo", Some("bytes 2-4/5")),
        ("bytes=0-99", 206, "hello", Some("bytes 0-4/5")),
        ("bytes=0-1,3-4", 200, "hello", None),
        ("lines=1-2", 200, "hello", None),
    ] {
        let get = world.send(Owner, "GET", "/bkt/hello", &[("range", range)], b"").await;
        assert_eq!(
            (get.status, get.text().as_str(), get.header("content-range")),
            (status, body, content_range),
            "{range}"
        );
        let head = world.send(Owner, "HEAD", "/bkt/hello", &[("range", range)], b"").await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (status, Some(body.len().to_string().as_str())),
            "{range}"
        );
    }
    let get = world.send(Owner, "GET", "/bkt/hello", &[("range", "bytes=5-")], b"").await;
    assert_eq!((get.status, get.code().as_deref()), (416, Some("InvalidRange")));
    assert_eq!(get.header("content-range"), Some("bytes */5"));
    assert_eq!(get.all("ActualObjectSize"), ["5"]);
}

#[tokio::test]
async fn get_object_conditions() {
    let world = world().await;
    let (past, future) = ("Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
    for (name, value, status) in [
        ("if-match", format!("\"{HELLO_MD5}\""), 200),
        ("if-match", "*".into(), 200),
        ("if-match", "\"other\"".into(), 412),
        ("if-none-match", format!("\"{HELLO_MD5}\""), 304),
        ("if-none-match", "\"other\"".into(), 200),
        ("if-modified-since", past.into(), 200),
        ("if-unmodified-since", past.into(), 412),
        ("if-unmodified-since", future.into(), 200),
        ("if-modified-since", "no date".into(), 200),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = world.send(Owner, method, "/bkt/hello", &[(name, &value)], b"").await;
            assert_eq!(reply.status, status, "{method} {name}: {value}");
            if status == 304 {
                assert_eq!(reply.header("etag"), Some(format!("\"{HELLO_MD5}\"").as_str()));
                assert!(reply.body.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn get_object_overrides_and_errors() {
    let world = world().await;
    let target = "/bkt/hello?response-content-type=a%2Fb&response-content-disposition=inline&response-expires=never";
    let get = world.send(Owner, "GET", target, &[], b"").await;
    assert_eq!(get.status, 200);
    for (name, value) in [("content-type", "a/b"), ("content-disposition", "inline"), ("expires", "never")] {
        assert_eq!(get.header(name), Some(value));
    }
    world.send(Owner, "PUT", "/bkt/public", &[("x-amz-acl", "public-read")], b"x").await.expect(200);
    check_all(
        &world,
        &[
            Case::new(Nobody, "GET", "/bkt/public", 200, ""),
            Case::new(Nobody, "GET", "/bkt/public?response-content-type=a%2Fb", 400, "InvalidRequest"),
            Case::new(Owner, "GET", "/bkt/absent", 404, "NoSuchKey"),
            Case::new(Nobody, "GET", "/bkt/absent", 403, "AccessDenied"),
            Case::new(User, "GET", "/bkt/absent", 403, "AccessDenied"),
            Case::new(User, "GET", "/bkt/hello", 403, "AccessDenied"),
            Case::new(User, "GET", "/missing/k", 404, "NoSuchBucket"),
            Case::new(Nobody, "GET", "/missing/k", 403, "AccessDenied"),
            Case::new(Owner, "GET", "/bkt/hello?versionId=nonsense", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt/hello?versionId=00000000000000000000000000000000", 404, "NoSuchVersion"),
            Case::new(Owner, "GET", "/bkt/hello?partNumber=0", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt/hello?partNumber=2", 416, "InvalidPartNumber"),
            Case::new(Owner, "GET", "/bkt/hello?partNumber=1", 206, ""),
            Case::new(Owner, "HEAD", "/bkt/absent", 404, ""),
            Case::new(Nobody, "HEAD", "/bkt/absent", 403, ""),
            Case::new(Owner, "GET", "/bkt/hello?torrent", 501, "NotImplemented"),
            Case::new(Owner, "GET", "/bkt/hello?unknown", 501, "NotImplemented"),
        ],
    )
    .await;
}

#[tokio::test]
async fn checksums_are_kept_and_told_when_asked() {
    let world = world().await;
    let put = world.send(Owner, "PUT", "/bkt/k", &[("x-amz-checksum-crc32", "NhCmhg==")], b"hello").await;
    assert_eq!((put.status, put.header("x-amz-checksum-crc32")), (200, Some("NhCmhg==")));
    assert_eq!(put.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    for (mode, told) in [("ENABLED", Some("NhCmhg==")), ("DISABLED", None)] {
        let get = world.send(Owner, "GET", "/bkt/k", &[("x-amz-checksum-mode", mode)], b"").await;
        assert_eq!(get.header("x-amz-checksum-crc32"), told);
    }
}

#[tokio::test]
async fn delete_object_is_idempotent() {
    let world = world().await;
    check_all(
        &world,
        &[
            Case::new(User, "DELETE", "/bkt/hello", 403, "AccessDenied"),
            Case::new(Owner, "DELETE", "/bkt/hello", 412, "PreconditionFailed").header("if-match", "\"other\""),
            Case::new(Owner, "DELETE", "/bkt/hello", 204, ""),
            Case::new(Owner, "DELETE", "/bkt/hello", 204, ""),
            Case::new(Owner, "DELETE", "/missing/hello", 404, "NoSuchBucket"),
            Case::new(Owner, "GET", "/bkt/hello", 404, "NoSuchKey"),
        ],
    )
    .await;
}

#[tokio::test]
async fn delete_objects_deletes_many_and_says_so() {
    let world = world().await;
    world.put("bkt/two", b"2").await;
    let body = "<Delete><Object><Key>hello</Key></Object><Object><Key>absent</Key></Object></Delete>";
    let reply = world.send_with_md5(Owner, "POST", "/bkt?delete", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.all("Key"), ["hello", "absent"]);
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>two</Key></Object></Delete>";
    let reply = world.send_with_md5(Owner, "POST", "/bkt?delete", quiet).await;
    assert_eq!((reply.status, reply.all("Key").len()), (200, 0));
    let page = world.send(Owner, "GET", "/bkt", &[], b"").await;
    assert!(page.all("Key").is_empty());
    let many: String = (0..1001).map(|n| format!("<Object><Key>{n}</Key></Object>")).collect();
    let reply = world.send_with_md5(Owner, "POST", "/bkt?delete", &format!("<Delete>{many}</Delete>")).await;
    assert_eq!((reply.status, reply.code().as_deref()), (400, Some("MalformedXML")));
    let reply = world.send(Owner, "POST", "/bkt?delete", &[], body.as_bytes()).await;
    assert_eq!((reply.status, reply.code().as_deref()), (400, Some("InvalidRequest")), "without Content-MD5");
}

/// A member who may not delete gets an error for each key; who may not even know of the bucket gets one for all.
#[tokio::test]
async fn delete_objects_is_authorized_key_by_key() {
    let world = world().await;
    let body = "<Delete><Object><Key>hello</Key></Object></Delete>";
    for (who, status) in [(User, 200), (Nobody, 403)] {
        let reply = world.send_with_md5(who, "POST", "/bkt?delete", body).await;
        assert_eq!((reply.status, reply.all("Code")), (status, vec!["AccessDenied".to_owned()]), "{who:?}");
    }
    world.send(Owner, "GET", "/bkt/hello", &[], b"").await.expect(200);
}

#[tokio::test]
async fn copy_object() {
    let world = world().await;
    let source = [("x-amz-copy-source", "/bkt/hello"), ("x-amz-meta-new", "1")];
    let copy = world.send(Owner, "PUT", "/bkt/copy", &source, b"").await;
    assert_eq!((copy.status, copy.all("ETag")), (200, vec![format!("\"{HELLO_MD5}\"")]), "{}", copy.text());
    let get = world.send(Owner, "GET", "/bkt/copy", &[], b"").await;
    assert_eq!((get.text().as_str(), get.header("x-amz-meta-new")), ("hello", None));
    let replace = [source[0], source[1], ("x-amz-metadata-directive", "REPLACE")];
    world.send(Owner, "PUT", "/bkt/hello", &replace, b"").await.expect(200);
    let get = world.send(Owner, "GET", "/bkt/hello", &[], b"").await;
    assert_eq!((get.text().as_str(), get.header("x-amz-meta-new")), ("hello", Some("1")));
    let copy = |who, source: &str, status, code| {
        Case::new(who, "PUT", "/bkt/copy", status, code).header("x-amz-copy-source", source)
    };
    check_all(
        &world,
        &[
            copy(Owner, "/bkt/absent", 404, "NoSuchKey"),
            copy(Owner, "/missing/k", 404, "NoSuchBucket"),
            copy(Owner, "nonsense", 400, "InvalidArgument"),
            copy(User, "/bkt/hello", 403, "AccessDenied"),
            copy(Owner, "/bkt/copy", 400, "InvalidRequest"),
            copy(Owner, "/bkt/hello", 400, "InvalidArgument").header("x-amz-metadata-directive", "MAYBE"),
            copy(Owner, "/bkt/hello", 412, "PreconditionFailed").header("x-amz-copy-source-if-match", "\"other\""),
            copy(Owner, "/bkt/hello", 501, "NotImplemented").header("x-amz-tagging-directive", "REPLACE"),
        ],
    )
    .await;
}

#[tokio::test]
async fn object_attributes() {
    let world = world().await;
    let wanted = [("x-amz-object-attributes", "ETag,ObjectSize,StorageClass")];
    let reply = world.send(Owner, "GET", "/bkt/hello?attributes", &wanted, b"").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!((reply.all("ETag"), reply.all("ObjectSize")), (vec![HELLO_MD5.to_owned()], vec!["5".to_owned()]));
    check_all(
        &world,
        &[
            Case::new(Owner, "GET", "/bkt/hello?attributes", 400, "InvalidArgument"),
            Case::new(Owner, "GET", "/bkt/hello?attributes", 400, "InvalidArgument")
                .header("x-amz-object-attributes", "Colour"),
            Case::new(Owner, "GET", "/bkt/absent?attributes", 404, "NoSuchKey")
                .header("x-amz-object-attributes", "ETag"),
        ],
    )
    .await;
}
