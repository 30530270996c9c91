//! Who a request is: keys, presigned URLs, hosts.

use crate::harness::Who::{Nobody, Owner};
use crate::harness::{Case, HOST, World, check_all};
use crate::signer;

#[tokio::test]
async fn a_presigned_url_works_until_it_expires() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"hello").await;
    let key = world.key(Owner).expect("a key");
    let query = signer::presign(key, world.now(), "GET", HOST, ("/bkt/k", "response-content-type=a%2Fb"), 60);
    let get = world.send_plain("GET", &format!("/bkt/k?{query}"), &[], b"").await.expect(200);
    assert_eq!((get.text().as_str(), get.header("content-type")), ("hello", Some("a/b")));
    let reply = world.send_plain("GET", &format!("/bkt/other?{query}"), &[], b"").await;
    assert_eq!((reply.status, reply.code().as_deref()), (403, Some("SignatureDoesNotMatch")));
    world.clock.advance_secs(61);
    let reply = world.send_plain("GET", &format!("/bkt/k?{query}"), &[], b"").await;
    assert_eq!((reply.status, reply.code().as_deref()), (403, Some("AccessDenied")));
}

#[tokio::test]
async fn wrong_keys_and_signatures_are_told_apart() {
    let world = World::with_bucket("bkt").await;
    let real = world.key(Owner).expect("a key").clone();
    let wrong_secret = signer::Key { secret: "x".repeat(40), ..real.clone() };
    let unknown = signer::Key { id: "0".repeat(32), ..real };
    for (key, code) in [(wrong_secret, "SignatureDoesNotMatch"), (unknown, "InvalidAccessKeyId")] {
        let query = signer::presign(&key, world.now(), "GET", HOST, ("/bkt", ""), 60);
        let reply = world.send_plain("GET", &format!("/bkt?{query}"), &[], b"").await;
        assert_eq!((reply.status, reply.code().as_deref()), (403, Some(code)));
        assert!(!reply.text().contains(&key.secret), "no error shows a secret");
    }
}

/// Every error names its code, its resource and the request.
#[tokio::test]
async fn an_error_is_a_whole_document() {
    let world = World::with_bucket("bkt").await;
    let reply = world.send(Owner, "GET", "/bkt/absent", &[], b"").await.expect(404);
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    let id = reply.header("x-amz-request-id").expect("an id");
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{id}");
    assert_eq!(reply.all("RequestId"), [id]);
    assert_eq!(reply.all("HostId"), [reply.header("x-amz-id-2").expect("an id")]);
    assert_eq!((reply.all("Resource"), reply.all("Key")), (vec!["/bkt/absent".to_owned()], vec!["absent".to_owned()]));
}

#[tokio::test]
async fn what_routing_refuses_never_reaches_an_operation() {
    let world = World::with_bucket("bkt").await;
    check_all(
        &world,
        &[
            Case::new(Owner, "DELETE", "/bkt?nonsense", 501, "NotImplemented"),
            Case::new(Owner, "POST", "/bkt?acl", 405, "MethodNotAllowed"),
            Case::new(Owner, "DELETE", "/bkt?acl&cors", 400, "InvalidArgument"),
            Case::new(Owner, "HEAD", "/bkt", 200, ""),
            Case::new(Nobody, "PATCH", "/bkt", 405, "MethodNotAllowed"),
        ],
    )
    .await;
}

/// `[<bucket>.]<tenancy>.<domain>`, else the tenancy of the key.
#[tokio::test]
async fn the_host_names_tenancy_and_bucket() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/dir/k", b"hello").await;
    for (host, target) in [
        ("bkt.t.s3.example.org", "/dir/k"),
        ("BKT.T.S3.example.org:9000", "/dir/k"),
        ("t.s3.example.org:9000", "/bkt/dir/k"),
        ("localhost:9000", "/bkt/dir/k"),
    ] {
        let reply = world.send_to(host, Owner, "GET", target).await;
        // Bucket names are told apart by case, so that of the second host is another.
        let expected = if host.starts_with("BKT") { 404 } else { 200 };
        assert_eq!(reply.status, expected, "{host}{target}: {}", reply.text());
    }
    // A tenancy that does not exist can not be told from one whose buckets are private.
    for host in ["nothere.s3.example.org", "other.s3.example.org"] {
        let reply = world.send_to(host, Owner, "GET", "/bkt/dir/k").await;
        assert_eq!((reply.status, reply.code().as_deref()), (403, Some("AccessDenied")), "{host}");
    }
}

/// Keys are taken as they are; nothing in a path is normalised.
#[tokio::test]
async fn every_key_comes_back_as_it_went() {
    let world = World::with_bucket("bkt").await;
    for key in
        ["a//b", "..", "a/../b", ".", "trailing/", "a%20b%2Bc+d", "%D0%BA%D0%BB%D1%8E%D1%87", "%2F", "a%25b", "%0D%0A"]
    {
        world.put(&format!("bkt/{key}"), key.as_bytes()).await;
    }
    for key in
        ["a//b", "..", "a/../b", ".", "trailing/", "a%20b%2Bc+d", "%D0%BA%D0%BB%D1%8E%D1%87", "%2F", "a%25b", "%0D%0A"]
    {
        let get = world.send(Owner, "GET", &format!("/bkt/{key}"), &[], b"").await;
        assert_eq!((get.status, get.text().as_str()), (200, key));
    }
    let listed = world.send(Owner, "GET", "/bkt?encoding-type=url", &[], b"").await;
    assert_eq!(listed.all("Key").len(), 10);
}
