//! Objects in the browser: uploaded, looked at, shared, deleted and brought back.

use std::sync::Arc;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use s3_api::{ConnectionInfo, S3Config, S3Service};

use super::browser::{Browser, Reply, World};

const BUCKETS: &str = "/object-stores/t-o/buckets/";
const OBJECTS: &str = "/object-stores/t-o/buckets/data/objects/";

/// Ann's bucket `data`, and her browser.
async fn world() -> (World, Browser) {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post(&format!("{BUCKETS}create"), &[("bucket", "data")]).await;
    (world, ann)
}

async fn keep_versions(ann: &mut Browser) {
    let kept = ann.post(&format!("{BUCKETS}versioning"), &[("bucket", "data"), ("versioning", "on")]).await;
    assert_eq!(kept.status, 303);
}

/// The store itself, asked as a browser does at a link.
pub(super) async fn ask(world: &World, method: &str, url: &str, body: &str) -> (u16, HeaderMap, String) {
    let of = &world.portal;
    let config = S3Config { portal_origins: vec!["https://portal.example.org".to_owned()], ..S3Config::default() };
    let (access, identity, objects) = (of.access.clone(), of.identity.clone(), of.objects.clone());
    let entropy = Arc::clone(&of.entropy);
    let s3 = S3Service::new(access, identity, objects, of.audit.clone(), of.clock.clone(), entropy, config);
    let (_, rest) = url.split_once("://").expect("an address");
    let (host, target) = rest.split_at(rest.find('/').expect("a path"));
    let request =
        Request::builder().method(method).uri(target).header("host", host).header("content-length", body.len());
    let request = request.header("origin", "https://portal.example.org");
    let request = request.body(Full::new(bytes::Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
    let connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: true };
    let (head, body) = s3.handle(request, connection).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).expect("text"))
}

/// What the portal signs for a script.
pub(super) async fn links(browser: &mut Browser, fields: &[(&str, &str)]) -> Vec<String> {
    let reply = browser.post(&format!("{OBJECTS}sign"), fields).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{}", reply.text);
    let answer: serde_json::Value = serde_json::from_str(&reply.text).expect("JSON");
    let links = answer["links"].as_array().expect("links");
    links.iter().map(|link| link.as_str().expect("text").to_owned()).collect()
}

async fn content(browser: &mut Browser, key: &str) -> Reply {
    browser.get(&format!("{OBJECTS}download?key={key}")).await
}

#[tokio::test]
async fn a_form_uploads_into_a_folder() {
    let (_world, mut ann) = world().await;
    let files = [("one.txt", "text/plain", "first"), ("two.bin", "application/octet-stream", "second")];
    let reply = ann.upload("data", "run 1/", &files).await;
    assert_eq!((reply.status, reply.location()), (303, &*format!("{OBJECTS}?prefix=run%201%2F&said=uploaded")));
    let page = ann.get(&format!("{OBJECTS}?prefix=run%201/")).await.text;
    assert!(page.contains("one.txt") && page.contains("two.bin") && page.contains("text/plain"), "{page}");
    assert_eq!(content(&mut ann, "run%201/two.bin").await.text, "second");
    let large = "x".repeat(1024 * 1024);
    assert_eq!(ann.upload("data", "", &[("large", "text/plain", &large)]).await.status, 303, "more than other forms");
    assert_eq!(content(&mut ann, "large").await.text.len(), large.len());
    assert_eq!(ann.upload("data", "", &[]).await.status, 400);
    assert_eq!(ann.upload("data", "", &[(&"k".repeat(1025), "text/plain", "x")]).await.status, 400);
}

/// A byte of a file is taken only after the token, from those who may write.
#[tokio::test]
async fn uploads_of_elsewhere_store_nothing() {
    let (world, mut ann) = world().await;
    let mut bob = Browser::logged_in(&world, "bob").await;
    let foreign = bob.get("/account/").await.csrf().expect("a token").to_owned();
    let own = ann.get("/account/").await.csrf().expect("a token").to_owned();
    let file = [("k", "text/plain", "content")];
    let long = "0".repeat(100_000);
    for fields in [
        &[][..],
        &[("prefix", "")],
        &[("csrf", ""), ("prefix", "")],
        &[("csrf", "0"), ("prefix", "")],
        &[("csrf", &long), ("prefix", "")],
        &[("csrf", &foreign), ("prefix", "")],
        &[("prefix", ""), ("csrf", &own)],
    ] {
        let reply = ann.send_parts("data", fields, &file).await;
        assert_eq!(reply.status, 403, "{fields:?}");
    }
    assert_eq!(content(&mut ann, "k").await.status, 404);
    for (name, status) in [("bob", 403), ("stranger", 404), ("expired", 404)] {
        let mut browser = Browser::logged_in(&world, name).await;
        let token = browser.get("/account/").await.csrf().expect("a token").to_owned();
        let reply = browser.send_parts("data", &[("csrf", &token), ("prefix", "")], &file).await;
        assert_eq!(reply.status, status, "{name}");
    }
    let reply = Browser::new(&world).send_parts("data", &[("csrf", &own), ("prefix", "")], &file).await;
    assert_eq!(reply.status, 303, "asked to log in");
    assert_eq!(content(&mut ann, "k").await.status, 404);
    assert_eq!(ann.send_parts("data", &[("csrf", &own), ("prefix", "")], &file).await.status, 303);
    assert_eq!(content(&mut ann, "k").await.text, "content");
}

#[tokio::test]
async fn a_script_uploads_straight_to_the_store() {
    let (world, mut ann) = world().await;
    let page = ann.get(OBJECTS).await;
    let policy = page.header("content-security-policy").expect("one");
    assert!(policy.contains("connect-src 'self' https://t-o.s3-ext.example.org;"), "{policy}");
    let whole = links(&mut ann, &[("key", "a b/ü"), ("step", "put")]).await;
    let (status, headers, _) = ask(&world, "PUT", &whole[0], "content").await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "https://portal.example.org");
    assert!(headers["access-control-expose-headers"].to_str().expect("text").contains("ETag"));
    assert_eq!(content(&mut ann, "a%20b/%C3%BC").await.text, "content");
    assert_eq!(ask(&world, "GET", &whole[0], "").await.0, 403, "a link is for its method");

    let begin = links(&mut ann, &[("key", "large"), ("step", "begin")]).await;
    let (_, _, begun) = ask(&world, "POST", &begin[0], "").await;
    let upload = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an id");
    let of = |step: &'static str| [("key", "large"), ("step", step), ("upload", upload), ("from", "1"), ("count", "2")];
    let parts = links(&mut ann, &of("parts")).await;
    assert_eq!(parts.len(), 2);
    let (status, headers, _) = ask(&world, "PUT", &parts[0], "part").await;
    assert_eq!(status, 200);
    let listed = ask(&world, "GET", &links(&mut ann, &of("list")).await[0], "").await;
    assert!(listed.2.contains("<PartNumber>1</PartNumber>"), "{}", listed.2);
    let etag = headers["etag"].to_str().expect("text");
    let xml = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    assert_eq!(ask(&world, "POST", &links(&mut ann, &of("complete")).await[0], &xml).await.0, 200);
    assert_eq!(content(&mut ann, "large").await.text, "part");
    let abort = links(&mut ann, &of("abort")).await;
    assert_eq!(ask(&world, "DELETE", &abort[0], "").await.0, 404, "it has ended");
    world.clock.advance_secs(3601);
    let (status, _, text) = ask(&world, "PUT", &whole[0], "later").await;
    assert!(status == 400 && text.contains("ExpiredToken"), "links end: {text}");
}

/// A link does what its person may do, as the store sees it at that moment.
#[tokio::test]
async fn the_store_decides_about_links() {
    let (world, _) = world().await;
    let mut bob = Browser::logged_in(&world, "bob").await;
    let token = bob.get("/account/").await.csrf().expect("a token").to_owned();
    let path = format!("{OBJECTS}sign");
    let reply = bob.post_with(&path, &[("key", "k"), ("step", "put")], Some(&token)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer: serde_json::Value = serde_json::from_str(&reply.text).expect("JSON");
    let link = answer["links"][0].as_str().expect("a link");
    let (status, _, text) = ask(&world, "PUT", link, "content").await;
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("<Code>AccessDenied</Code>"), "{text}");
    let mut max = Browser::logged_in(&world, "max").await;
    let link = links(&mut max, &[("key", "k"), ("step", "put")]).await.remove(0);
    world.disable("max").await;
    assert_eq!(ask(&world, "PUT", &link, "content").await.0, 403);
}

#[tokio::test]
async fn what_is_deleted_is_said_before_and_can_be_undone() {
    let (world, mut ann) = world().await;
    for key in ["a", "run/b", "run/deep/c", "stays"] {
        ann.upload("data", "", &[(key, "text/plain", key)]).await;
    }
    let ticked = [("key", "a"), ("folder", "run/")];
    let ask = ann.post(&format!("{OBJECTS}ask-delete"), &ticked).await.text;
    assert!(ask.contains("Delete 3 objects?") && ask.contains("gone for good") && ask.contains("run/deep/c"), "{ask}");
    assert!(!ask.contains("stays"));
    assert_eq!(ann.post(&format!("{OBJECTS}ask-delete"), &[]).await.status, 400);
    let done = ann.post(&format!("{OBJECTS}delete"), &ticked).await.text;
    assert!(done.contains("3 objects deleted") && !done.contains("Undo"), "{done}");
    assert_eq!(content(&mut ann, "run/b").await.status, 404);

    keep_versions(&mut ann).await;
    let ask = ann.post(&format!("{OBJECTS}ask-delete"), &[("key", "stays")]).await.text;
    assert!(ask.contains("can be brought back"), "{ask}");
    let done = ann.post(&format!("{OBJECTS}delete"), &[("key", "stays")]).await.text;
    let mark = done.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a mark");
    assert_eq!(content(&mut ann, "stays").await.status, 404);
    assert!(ann.get(&format!("{OBJECTS}deleted")).await.text.contains("<code>stays</code>"));
    let page = ann.get(&format!("{OBJECTS}object?key=stays")).await;
    assert!(page.status == 200 && page.text.contains("This object is deleted"), "{}", page.text);
    let undo = [("key", "stays"), ("version", mark)];
    assert_eq!(ann.post(&format!("{OBJECTS}undelete"), &undo).await.status, 303);
    assert_eq!(content(&mut ann, "stays").await.text, "stays");
    assert_eq!(ann.post(&format!("{OBJECTS}undelete"), &[("key", "stays"), ("version", "null")]).await.status, 303);
    assert_eq!(content(&mut ann, "stays").await.text, "stays", "what is no mark stays");

    let mut bob = Browser::logged_in(&world, "bob").await;
    let token = bob.get("/account/").await.csrf().expect("a token").to_owned();
    for form in ["ask-delete", "delete"] {
        let reply = bob.post_with(&format!("{OBJECTS}{form}"), &[("folder", "s")], Some(&token)).await;
        assert_eq!(reply.status, 403, "{form}");
    }
    let reply = bob.post_with(&format!("{OBJECTS}delete"), &[("key", "stays")], Some(&token)).await;
    assert_eq!(reply.status, 403);
    assert_eq!(content(&mut ann, "stays").await.text, "stays");
}

#[tokio::test]
async fn older_versions_are_shown_restored_and_deleted() {
    let (_world, mut ann) = world().await;
    keep_versions(&mut ann).await;
    for text in ["first", "second"] {
        ann.upload("data", "", &[("k", "text/plain", text)]).await;
    }
    let object = format!("{OBJECTS}object?key=k");
    let page = ann.get(&object).await.text;
    let versions: Vec<&str> = page.split("data-name=\"Version\"><code>").skip(1).map(|rest| &rest[..32]).collect();
    let [second, first] = versions[..] else { panic!("two versions: {page}") };
    let old = ann.get(&format!("{object}&version={first}")).await.text;
    assert!(old.contains("<code>first</code>") && page.contains("<code>second</code>"));
    assert_eq!(ann.get(&format!("{OBJECTS}download?key=k&version={first}")).await.text, "first");
    assert_eq!(ann.post(&format!("{OBJECTS}restore"), &[("key", "k"), ("version", first)]).await.status, 303);
    assert_eq!(content(&mut ann, "k").await.text, "first");
    assert_eq!(ann.post(&format!("{OBJECTS}delete-version"), &[("key", "k"), ("version", second)]).await.status, 303);
    assert_eq!(ann.get(&format!("{object}&version={second}")).await.status, 404);
    assert_eq!(ann.post(&format!("{OBJECTS}delete-version"), &[("key", "k"), ("version", second)]).await.status, 404);
    for path in ["?key=k&version=x", "?key=", "?key=absent"] {
        assert_eq!(ann.get(&format!("{OBJECTS}object{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_link_is_shared_until_it_ends() {
    let (world, mut ann) = world().await;
    ann.upload("data", "", &[("a b", "text/plain", "content")]).await;
    let page = format!("{OBJECTS}share?key=a%20b");
    let share = format!("{OBJECTS}share");
    let link = |text: &str| {
        let shown = text.split("data-copy=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
        shown.replace("&#38;", "&").replace("&amp;", "&")
    };
    let made = ann.post_from(&page, &share, &[("key", "a b"), ("seconds", "3600")]).await;
    assert!(made.text.contains("signed for your login"), "{}", made.text);
    let url = link(&made.text);
    assert_eq!(ask(&world, "GET", &url, "").await.2, "content");
    assert_eq!(ask(&world, "DELETE", &url, "").await.0, 403);
    world.clock.advance_secs(3601);
    assert_eq!(ask(&world, "GET", &url, "").await.0, 400, "its session has ended");
    for (seconds, signed_by, status) in
        [("604800", "", 400), ("5", "", 400), ("604800", "0123456789abcdef0123456789abcdef", 404)]
    {
        let mut ann = Browser::logged_in(&world, "ann").await;
        let fields = [("key", "a b"), ("seconds", seconds), ("signed_by", signed_by)];
        assert_eq!(ann.post_from(&page, &share, &fields).await.status, status, "{fields:?}");
    }
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/keys/new", &[("description", "laptop"), ("expires", "30")]).await;
    let keys = world.portal.identity.keys(&super::browser::tenancy("t-o"), None, 10).await.expect("read");
    let key = keys[0].id.to_string();
    let fields = [("key", "a b"), ("seconds", "604800"), ("signed_by", key.as_str())];
    let made = ann.post_from(&page, &share, &fields).await;
    assert!(made.text.contains("signed with your key"), "{}", made.text);
    let url = link(&made.text);
    world.clock.advance_secs(6 * 24 * 3600);
    assert_eq!(ask(&world, "GET", &url, "").await.2, "content");
    let mut max = Browser::logged_in(&world, "max").await;
    let reply = max.post_from(&page, &share, &fields).await;
    assert_eq!(reply.status, 404, "a key of somebody else signs nothing");
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert_eq!(bob.get(&page).await.status, 403);
}

/// Stored markup is text, and stored images run nothing.
#[tokio::test]
async fn previews_run_nothing() {
    let (world, mut ann) = world().await;
    let script = "<script>alert(1)</script>";
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{script}</svg>");
    let markdown = format!("# Title\n\n{script}\n\n[x](javascript:alert(1)) *emphasis*");
    ann.upload(
        "data",
        "",
        &[
            ("page.html", "text/html", script),
            ("plot.svg", "image/svg+xml", &svg),
            ("README.md", "text/markdown", &markdown),
            ("table.csv", "text/csv", "a,b\n1,<b>2\n"),
            ("values.json", "application/json", "{\"a\":[1,2]}"),
            ("data.nc", "application/x-netcdf", script),
        ],
    )
    .await;
    for (key, expected) in [
        ("page.html", "&#60;script&#62;alert(1)"),
        ("plot.svg", "src=\"image?key=plot%2Esvg\""),
        ("README.md", "<em>emphasis</em>"),
        ("table.csv", "<td>&#60;b&#62;2</td>"),
        ("values.json", "\n  &#34;a&#34;: ["),
        ("data.nc", "application/x-netcdf"),
    ] {
        let page = ann.get(&format!("{OBJECTS}object?key={key}")).await;
        assert_eq!(page.status, 200, "{key}: {}", page.text);
        assert!(page.text.contains(expected), "{key}: {}", page.text);
        assert!(!page.text.contains("<script>alert") && !page.text.contains("javascript:"), "{key}");
        let policy = page.header("content-security-policy").expect("one");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let image = ann.get(&format!("{OBJECTS}image?key=plot.svg")).await;
    let policy = image.header("content-security-policy").expect("one");
    assert!(policy.starts_with("sandbox;") && policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(image.header("content-type"), Some("image/svg+xml"));
    assert_eq!(image.header("x-content-type-options"), Some("nosniff"));
    for key in ["page.html", "README.md", "absent.png"] {
        assert_eq!(ann.get(&format!("{OBJECTS}image?key={key}")).await.status, 404, "{key} is no image");
    }
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert_eq!(bob.get(&format!("{OBJECTS}image?key=plot.svg")).await.status, 403);
}

#[tokio::test]
async fn the_index_page_is_switched_by_those_who_may() {
    let (world, mut ann) = world().await;
    let (page, switch) = (format!("{BUCKETS}data/"), format!("{BUCKETS}data/index"));
    for (to, button) in [("on", "Switch the index page off"), ("off", "Switch the index page on")] {
        assert_eq!(ann.post_from(&page, &switch, &[("index", to)]).await.status, 303);
        assert!(ann.get(&page).await.text.contains(button), "{to}");
    }
    let mut bob = Browser::logged_in(&world, "bob").await;
    let token = bob.get("/account/").await.csrf().expect("a token").to_owned();
    assert_eq!(bob.post_with(&switch, &[("index", "on")], Some(&token)).await.status, 403);
}

/// CORS of a bucket, by its presets.
#[tokio::test]
async fn pages_that_may_ask_are_chosen() {
    let (world, mut ann) = world().await;
    let page = format!("{BUCKETS}data/");
    let save = format!("{BUCKETS}data/cors");
    assert!(ann.get(&page).await.text.contains("No page of another site can use the bucket now."));
    for (fields, status, shown) in [
        (&[("cors", "read"), ("sites", "")][..], 303, "any site"),
        (&[("cors", "upload"), ("sites", "https://a.example")], 303, "GET, HEAD, PUT, POST"),
        (&[("cors", "upload"), ("sites", "a.example")], 400, "https://a.example"),
        (&[("cors", "none")], 303, "No page of another site can use the bucket now."),
    ] {
        assert_eq!(ann.post_from(&page, &save, fields).await.status, status, "{fields:?}");
        let text = ann.get(&page).await.text;
        assert!(text.contains(shown), "{fields:?}: {text}");
    }
    let mut bob = Browser::logged_in(&world, "bob").await;
    let token = bob.get("/account/").await.csrf().expect("a token").to_owned();
    assert_eq!(bob.post_with(&save, &[("cors", "read")], Some(&token)).await.status, 403);
}
