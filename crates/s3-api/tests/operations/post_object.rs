//! PostObject: form uploads, signed and not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::{Reply, World};
use crate::signer;

const BOUNDARY: &str = "9431149156168";

fn form(fields: &[(&str, &str)], file: &str) -> Vec<u8> {
    let mut body: String = fields
        .iter()
        .map(|(name, value)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        })
        .collect();
    body += &format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"report.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    body.into_bytes()
}

async fn post(world: &World, fields: &[(&str, &str)], file: &str) -> Reply {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    world.send_plain("POST", "/bkt", &[("content-type", &content_type)], &form(fields, file)).await
}

/// The fields of a form that `who` signed, for keys that start with `up/`.
fn signed_fields(world: &World, who: crate::harness::Who) -> Vec<(String, String)> {
    let key = world.key(who).expect("a key");
    let expires = world.now().plus_secs(60).to_iso8601();
    let (credential, date, _) = signer::sign_policy(key, world.now(), "");
    let document = format!(
        r#"{{"expiration":"{expires}","conditions":[{{"bucket":"bkt"}},["starts-with","$key","up/"],
        ["content-length-range",1,10],["starts-with","$success_action_status",""],
        ["starts-with","$x-amz-meta-note",""],["starts-with","$tagging",""],
        {{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},{{"x-amz-credential":"{credential}"}},{{"x-amz-date":"{date}"}}]}}"#
    );
    let policy = BASE64.encode(document);
    let (_, _, signature) = signer::sign_policy(key, world.now(), &policy);
    [
        ("policy", policy),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
        ("x-amz-signature", signature),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

async fn post_signed(world: &World, who: crate::harness::Who, fields: &[(&str, &str)], file: &str) -> Reply {
    let signed = signed_fields(world, who);
    let signed = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<(&str, &str)> = fields.iter().copied().chain(signed).collect();
    post(world, &all, file).await
}

#[tokio::test]
async fn a_signed_form_uploads_its_file() {
    let world = World::with_bucket("bkt").await;
    let fields = [("key", "up/${filename}"), ("success_action_status", "201"), ("x-amz-meta-note", "n")];
    let reply = post_signed(&world, Owner, &fields, "content").await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!((reply.all("Key"), reply.all("Bucket")), (vec!["up/report.txt".to_owned()], vec!["bkt".to_owned()]));
    let get = world.send(Owner, "GET", "/bkt/up/report.txt", &[], b"").await.expect(200);
    assert_eq!((get.text().as_str(), get.header("x-amz-meta-note")), ("content", Some("n")));
    let reply = post_signed(&world, Owner, &[("key", "up/2")], "content").await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let head = [("x-amz-checksum-mode", "ENABLED")];
    let kept = world.send(Owner, "HEAD", "/bkt/up/2", &head, b"").await.expect(200);
    assert!(kept.header("x-amz-checksum-crc64nvme").is_some());
    assert_eq!(reply.header("x-amz-checksum-crc64nvme"), kept.header("x-amz-checksum-crc64nvme"));
}

/// `http://localhost:9000` and the like name no tenancy.
#[tokio::test]
async fn the_key_of_a_form_names_the_tenancy_where_the_host_does_not() {
    let world = World::with_bucket("bkt").await;
    let signed = signed_fields(&world, Owner);
    let mut fields = vec![("key", "up/1")];
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("host", "localhost"), ("content-type", content_type.as_str())];
    let reply = world.send_bare("POST", "/bkt", &headers, &form(&fields, "content")).await;
    assert_eq!(reply.status, 403, "nobody, for no tenancy");
    fields.extend(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let reply = world.send_bare("POST", "/bkt", &headers, &form(&fields, "content")).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    world.send(Owner, "GET", "/bkt/up/1", &[], b"").await.expect(200);
}

#[tokio::test]
async fn forms_are_authorized_like_puts() {
    let world = World::with_bucket("bkt").await;
    for (who, fields, file, status, code) in [
        (Owner, [("key", "elsewhere")], "content", 403, "AccessDenied"),
        (Owner, [("key", "up/large")], "more than ten bytes", 400, "EntityTooLarge"),
        (Owner, [("key", "up/small")], "", 400, "EntityTooSmall"),
        (Owner, [("key", "")], "content", 400, "InvalidArgument"),
        (User, [("key", "up/k")], "content", 403, "AccessDenied"),
    ] {
        let reply = post_signed(&world, who, &fields, file).await;
        assert_eq!((reply.status, reply.code().as_deref()), (status, Some(code)), "{fields:?}: {}", reply.text());
    }
    let tagged = [("key", "up/k"), ("tagging", "<Tagging><TagSet/></Tagging>")];
    let reply = post_signed(&world, Owner, &tagged, "content").await;
    assert_eq!((reply.status, reply.code().as_deref()), (501, Some("NotImplemented")));
    let listed = world.send(Owner, "GET", "/bkt", &[], b"").await;
    assert!(listed.all("Key").is_empty());
}

#[tokio::test]
async fn an_unsigned_form_needs_a_bucket_that_everyone_may_write() {
    let world = World::with_bucket("bkt").await;
    let reply = post(&world, &[("key", "k")], "content").await;
    assert_eq!((reply.status, reply.code().as_deref()), (403, Some("AccessDenied")));
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "public-read-write")], b"").await.expect(200);
    let redirect = [("key", "k"), ("success_action_redirect", "http://example.org/done"), ("acl", "public-read")];
    let reply = post(&world, &redirect, "content").await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let location = reply.header("location").expect("a location");
    assert!(location.starts_with("http://example.org/done?bucket=bkt&key=k&etag="), "{location}");
    world.send(Nobody, "GET", "/bkt/k", &[], b"").await.expect(200);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let world = World::with_bucket("bkt").await;
    let reply = world.send_plain("POST", "/bkt", &[("content-type", "text/plain")], b"x").await;
    assert_eq!((reply.status, reply.code().as_deref()), (412, Some("PreconditionFailed")));
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let reply = world.send_plain("POST", "/bkt", &[("content-type", &content_type)], b"nonsense").await;
    assert_eq!(reply.status, 400, "{}", reply.text());
}
