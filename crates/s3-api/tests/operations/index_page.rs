//! The page that browsers get of a bucket (ListObjects), where it is switched on.

use access::{BucketTarget, action};
use policy::{Facts, Resource};
use types::{BucketName, TenancyName};

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::World;

/// What Firefox asks for.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
    "Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}]}"#;

/// The owner's bucket, which everybody may read, with a page.
async fn world() -> World {
    let world = World::with_bucket("bkt").await;
    world.send(Owner, "PUT", "/bkt?policy", &[], PUBLIC.as_bytes()).await.expect(204);
    for key in ["README.md", "a%20%26%20b/c", "top.txt"] {
        world.put(&format!("bkt/{key}"), b"# Title\n\n<script>alert(1)</script>\n\nDone *well*.").await;
    }
    switch(&world, true).await;
    world
}

async fn switch(world: &World, is_on: bool) {
    let (tenancy, name) = (TenancyName::new("t").expect("a name"), BucketName::new("bkt").expect("a name"));
    let bucket = world.objects.find_bucket(&tenancy, &name).await.expect("read").expect("there");
    let target = BucketTarget { tenancy: tenancy.clone(), bucket: name.clone(), bucket_id: bucket.id };
    let facts = Facts { bucket: Some(bucket.facts()), ..Facts::about(Resource::Bucket(&name)) };
    let operator = world.access.operator(tenancy);
    let grant = world.access.authorize::<action::PutBucketWebsite>(&operator, target, facts).expect("may");
    world.objects.put_public_index(&grant, is_on).await.expect("put");
}

#[tokio::test]
async fn a_browser_gets_a_page_that_runs_nothing() {
    let world = world().await;
    let page = world.send(Nobody, "GET", "/bkt", &[BROWSER], b"").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!((page.header("vary"), page.header("x-content-type-options")), (Some("Accept"), Some("nosniff")));
    let policy = page.header("content-security-policy").expect("one");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let text = page.text();
    assert!(text.contains("<a href=\"?prefix=a%20%26%20b%2F\">a &amp; b/</a>"), "{text}");
    assert!(text.contains("<a href=\"/bkt/top.txt\">top.txt</a></td><td class=\"n\">"), "{text}");
    assert!(text.contains("<h2>Title</h2>") && text.contains("<em>well</em>"), "{text}");
    assert!(!text.contains("<script>"), "{text}");
    let cors = r#"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"#;
    world.send(Owner, "PUT", "/bkt?cors", &[], cors.as_bytes()).await.expect(200);
    let shared = world.send(Nobody, "GET", "/bkt", &[BROWSER, ("origin", "https://a.example")], b"").await.expect(200);
    let varies: Vec<_> = shared.headers.iter().filter(|(name, _)| name.as_str() == "vary").collect();
    assert_eq!(varies.len(), 2, "the page's and the rules': {varies:?}");
    let folder = world.send(Nobody, "GET", "/bkt?prefix=a%20%26%20b%2F", &[BROWSER], b"").await.expect(200).text();
    assert!(
        folder.contains("<a href=\"/bkt/a%20%26%20b/c\">c</a>")
            && folder.contains("<nav aria-label=\"Folders above\"><a href=\"?prefix=\">bkt</a></nav>"),
        "{folder}"
    );
    assert!(!folder.contains("README"), "that of another folder");
    world.put("bkt/docs/README.txt", b"<b>plain</b>").await;
    let docs = world.send(Nobody, "GET", "/bkt?prefix=docs/", &[BROWSER], b"").await.expect(200).text();
    assert!(docs.contains("<pre>&lt;b&gt;plain&lt;/b&gt;</pre>"), "{docs}");
}

/// Programs get the same bytes whether it is switched on or off, and so does a browser that asks for more than a page.
/// Caches are told that there is a page.
#[tokio::test]
async fn programs_get_what_they_always_got() {
    let world = world().await;
    let asks: [(&str, &[(&str, &str)]); 5] = [
        ("/bkt", &[]),
        ("/bkt", &[("accept", "*/*")]),
        ("/bkt", &[("accept", "application/xml, text/htmlx")]),
        ("/bkt?list-type=2", &[BROWSER]),
        ("/bkt?max-keys=1", &[BROWSER]),
    ];
    let mut with = Vec::new();
    for (target, headers) in asks {
        with.push(world.send(Nobody, "GET", target, headers, b"").await.expect(200));
    }
    switch(&world, false).await;
    for ((target, headers), with) in asks.iter().zip(with) {
        let without = world.send(Nobody, "GET", target, headers, b"").await.expect(200);
        assert_eq!(with.body, without.body, "{target} {headers:?}");
        assert_eq!(with.header("content-type"), Some("application/xml"), "{target} {headers:?}");
        let caches = if target.contains("list-type") { None } else { Some("Accept") };
        assert_eq!((with.header("vary"), without.header("vary")), (caches, None), "{target} {headers:?}");
    }
    let off = world.send(Nobody, "GET", "/bkt", &[BROWSER], b"").await.expect(200);
    assert_eq!(off.header("content-type"), Some("application/xml"), "it is off until somebody switches it on");
}

/// The page opens nothing.
#[tokio::test]
async fn only_those_who_may_list_get_it() {
    let world = world().await;
    world.send(Owner, "DELETE", "/bkt?policy", &[], b"").await.expect(204);
    for who in [Nobody, User] {
        world.send(who, "GET", "/bkt", &[BROWSER], b"").await.expect_error(403, "AccessDenied");
    }
    let page = world.send(Owner, "GET", "/bkt", &[BROWSER], b"").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}
