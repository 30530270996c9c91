//! GetBucketCors, PutBucketCors, DeleteBucketCors, PreflightRequest, and what answers tell browsers.

use crate::harness::Who::{Nobody, Owner, Stranger, User};
use crate::harness::{Case, Reply, World, check_all};

/// As in the user guide, with a rule for everyone at the end.
const RULES: &str = "<CORSConfiguration>\
    <CORSRule><AllowedOrigin>https://*.example.org</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
    <AllowedMethod>DELETE</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Content-Type</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-version-id</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds>\
    </CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";
const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const APP: &str = "https://app.example.org";
const OTHER: &str = "https://other.example.net";

async fn world_with_rules() -> World {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    world.send(Owner, "PUT", "/bkt?cors", &[], RULES.as_bytes()).await.expect(200);
    world
}

#[tokio::test]
async fn rules_are_set_read_and_removed() {
    let world = World::with_bucket("bkt").await;
    let absent = || Case::new(Owner, "GET", "/bkt?cors", 404, "NoSuchCORSConfiguration");
    let put = |status, code, body: &str| Case::new(Owner, "PUT", "/bkt?cors", status, code).body(body.as_bytes());
    let patch = RULES.replace(">GET<", ">PATCH<");
    let too_long = format!("<!--{}-->{RULES}", "x".repeat(64 * 1024));
    check_all(
        &world,
        &[
            absent(),
            put(400, "MalformedXML", "<CORSConfiguration/>"),
            put(400, "MalformedXML", &RULES.replace("ExposeHeader", "Expose")),
            put(400, "InvalidRequest", &patch),
            put(400, "MaxMessageLengthExceeded", &too_long),
            Case::new(Owner, "PUT", "/missing?cors", 404, "NoSuchBucket").body(RULES.as_bytes()),
            absent(),
            put(200, "", RULES),
        ],
    )
    .await;
    let read = world.send(Owner, "GET", "/bkt?cors", &[], b"").await.expect(200);
    assert_eq!(read.all("AllowedMethod"), ["PUT", "DELETE", "GET"]);
    assert_eq!(read.all("AllowedOrigin"), ["https://*.example.org", "*"]);
    assert_eq!(read.all("AllowedHeader"), ["x-amz-*", "Content-Type"]);
    assert_eq!((read.all("ExposeHeader").len(), read.all("MaxAgeSeconds")), (2, vec!["3000".to_owned()]));
    check_all(
        &world,
        &[
            Case::new(User, "GET", "/bkt?cors", 403, "AccessDenied"),
            Case::new(User, "DELETE", "/bkt?cors", 403, "AccessDenied"),
            Case::new(Owner, "DELETE", "/bkt?cors", 204, ""),
            Case::new(Owner, "DELETE", "/bkt?cors", 204, ""),
            absent(),
        ],
    )
    .await;
}

/// The policy actions are `s3:GetBucketCORS` and `s3:PutBucketCORS`.
#[tokio::test]
async fn a_policy_shares_the_rules() {
    let world = world_with_rules().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::t:user/user"},
        "Action":["s3:GetBucketCORS"],"Resource":"arn:aws:s3:::bkt"}]}"#;
    world.send(Owner, "PUT", "/bkt?policy", &[], policy.as_bytes()).await.expect(204);
    world.send(User, "GET", "/bkt?cors", &[], b"").await.expect(200);
    world.send(User, "PUT", "/bkt?cors", &[], RULES.as_bytes()).await.expect_error(403, "AccessDenied");
    let policy = policy.replace("GetBucketCORS", "PutBucketCORS");
    world.send(Owner, "PUT", "/bkt?policy", &[], policy.as_bytes()).await.expect(204);
    world.send(User, "PUT", "/bkt?cors", &[], RULES.as_bytes()).await.expect(200);
    world.send(User, "DELETE", "/bkt?cors", &[], b"").await.expect(204);
}

async fn preflight(world: &World, target: &str, origin: &str, method: &str, asked: Option<&str>) -> Reply {
    let mut headers = vec![("origin", origin), ("access-control-request-method", method)];
    headers.extend(asked.map(|asked| ("access-control-request-headers", asked)));
    world.send_plain("OPTIONS", target, &headers, b"").await
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_first_rule_that_matches() {
    let world = world_with_rules().await;
    let put = preflight(&world, "/bkt/k?partNumber=1&uploadId=u", APP, "PUT", Some("X-Amz-Date, content-type")).await;
    for (name, value) in [
        ("access-control-allow-origin", Some(APP)),
        ("access-control-allow-credentials", Some("true")),
        ("access-control-allow-methods", Some("PUT, DELETE")),
        ("access-control-allow-headers", Some("X-Amz-Date, content-type")),
        ("access-control-expose-headers", Some("ETag, x-amz-version-id")),
        ("access-control-max-age", Some("3000")),
        ("vary", Some(VARY)),
    ] {
        assert_eq!(put.header(name), value, "{name}");
    }
    assert_eq!((put.status, put.text().as_str()), (200, ""));
    let get = preflight(&world, "/bkt", OTHER, "GET", None).await.expect(200);
    assert_eq!(get.header("access-control-allow-origin"), Some("*"));
    assert_eq!(get.header("access-control-allow-credentials"), None);
    assert_eq!(get.header("access-control-allow-headers"), None);
    for (target, origin, method, asked, kind) in [
        ("/bkt/k", OTHER, "PUT", None, "OBJECT"),
        ("/bkt/k", APP, "POST", None, "OBJECT"),
        ("/bkt", APP, "PUT", Some("range"), "BUCKET"),
        ("/bkt", OTHER, "GET", Some("x-amz-date"), "BUCKET"),
    ] {
        let reply = preflight(&world, target, origin, method, asked).await;
        reply.expect_error(403, "AccessForbidden");
        assert!(reply.all("Message")[0].starts_with("CORSResponse: This CORS request is not allowed."));
        assert_eq!((reply.all("Method"), reply.all("ResourceType")), (vec![method.to_owned()], vec![kind.to_owned()]));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

/// Nobody learns from a preflight which buckets there are.
#[tokio::test]
async fn a_bucket_without_rules_and_none_at_all_answer_alike() {
    let world = World::with_bucket("bkt").await;
    for target in ["/bkt/k", "/bkt", "/missing/k", "/missing", "/"] {
        let reply = preflight(&world, target, APP, "GET", None).await;
        reply.expect_error(403, "AccessForbidden");
        assert_eq!(reply.all("Message"), ["CORSResponse: CORS is not enabled for this bucket."], "{target}");
    }
    let (origin, get) = (("origin", APP), ("access-control-request-method", "GET"));
    let wrong = ("access-control-request-method", "MOVE");
    for incomplete in [&[][..], &[origin], &[get], &[origin, wrong]] {
        let reply = world.send_plain("OPTIONS", "/bkt/k", incomplete, b"").await;
        assert_eq!((reply.status, reply.code().as_deref()), (400, Some("BadRequest")), "{incomplete:?}");
    }
}

/// What a page asks is answered to its browser, refusals too; what no page asks is answered as ever.
#[tokio::test]
async fn answers_tell_the_browser_which_page_may_read_them() {
    let world = world_with_rules().await;
    let absent = "/bkt/absent";
    for (who, method, target, origin, status, allowed) in [
        (Owner, "GET", "/bkt/k", APP, 200, Some("*")),
        (Owner, "GET", absent, OTHER, 404, Some("*")),
        (Nobody, "GET", "/bkt/k", OTHER, 403, Some("*")),
        (Nobody, "PUT", "/bkt/k", APP, 403, Some(APP)),
        (Stranger, "PUT", "/bkt/k", APP, 403, Some(APP)),
        (Owner, "PUT", "/bkt/new", APP, 200, Some(APP)),
        (Owner, "PUT", "/bkt/new", OTHER, 200, None),
        (Owner, "DELETE", "/bkt/new", APP, 204, Some(APP)),
        (Owner, "HEAD", "/bkt/k", APP, 200, None),
        (Owner, "GET", "/bkt?list-type=2", APP, 200, Some("*")),
    ] {
        let reply = world.send(who, method, target, &[("origin", origin)], b"").await;
        let named = format!("{who:?} {method} {target} from {origin}: {}", reply.text());
        assert_eq!(reply.status, status, "{named}");
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{named}");
        assert_eq!(reply.header("vary"), Some(VARY), "{named}");
        let exposed = (allowed == Some(APP)).then_some("ETag, x-amz-version-id");
        assert_eq!(reply.header("access-control-expose-headers"), exposed, "{named}");
    }
    let asks = [("origin", APP), ("access-control-request-method", "PUT")];
    let reply = world.send(Owner, "GET", "/bkt/k", &asks, b"").await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(APP), "as the method that is named says");
    let plain = world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
    let told = plain.headers.keys().filter(|name| name.as_str().starts_with("access-control") || *name == "vary");
    assert_eq!(told.count(), 0);
}

/// At an address that names no tenancy, the key that a presigned link claims says which it is.
#[tokio::test]
async fn a_presigned_link_says_whose_rules_they_are() {
    let world = world_with_rules().await;
    let key = world.key(Owner).expect("a key").id.clone();
    let scope =
        format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20270115%2Fus-east-1%2Fs3%2Faws4_request");
    let rest = "X-Amz-Date=20270115T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let asks = [("host", "127.0.0.1:9000"), ("origin", APP), ("access-control-request-method", "PUT")];
    let reply = world.send_bare("OPTIONS", &format!("/bkt/k?{scope}&{rest}"), &asks, b"").await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(APP));
    world.send_bare("OPTIONS", "/bkt/k", &asks, b"").await.expect_error(403, "AccessForbidden");
    let refused = world.send_bare("PUT", &format!("/bkt/k?{scope}&{rest}"), &asks[..2], b"").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, Some(APP)));
}

/// The portal's pages talk to every bucket, whatever its rules, and its credentials decide as ever.
#[tokio::test]
async fn the_portal_needs_no_rules() {
    let portal = "https://portal.example.org";
    let world = World::with_portal_at(portal).await;
    world.send(Owner, "PUT", "/bkt", &[], b"").await.expect(200);
    for target in ["/bkt/k?partNumber=1&uploadId=u", "/missing"] {
        let reply = preflight(&world, target, portal, "PUT", Some("content-type")).await.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), Some(portal), "{target}");
        preflight(&world, target, APP, "PUT", None).await.expect_error(403, "AccessForbidden");
    }
    let put = world.send(Owner, "PUT", "/bkt/k", &[("origin", portal)], b"x").await.expect(200);
    assert!(put.header("access-control-expose-headers").expect("told").contains("ETag"));
    let refused = world.send(Nobody, "GET", "/bkt/k", &[("origin", portal)], b"").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, Some(portal)));
    world.send(Owner, "GET", "/bkt?cors", &[], b"").await.expect_error(404, "NoSuchCORSConfiguration");
}
