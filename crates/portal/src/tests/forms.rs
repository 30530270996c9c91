//! No form is taken that was not filled in on a page of ours, in the same browser.

use super::browser::{Browser, World};
use crate::audited;

type Fields = &'static [(&'static str, &'static str)];

/// What is said to a form that is not taken.
const FORGED: &str = "did not come from this portal";
const OBJECTS: &str = "/object-stores/t-o/buckets/there/objects/";

/// Every form: where it is, where it goes, and what is in it.
const FORMS: &[(&str, &str, Fields)] = &[
    (
        "/object-stores/t-o/buckets/there/policies/edit",
        "/object-stores/t-o/buckets/there/policies/save",
        &[("document", r#"{"Statement":[]}"#), ("etag", "")],
    ),
    (
        "/object-stores/t-o/buckets/there/policies/new",
        "/object-stores/t-o/buckets/there/policies/delete",
        &[("etag", "")],
    ),
    ("/object-stores/t-o/buckets/there/", "/object-stores/t-o/buckets/there/cors", &[("cors", "read")]),
    ("/object-stores/t-o/buckets/there/", "/object-stores/t-o/buckets/there/index", &[("index", "on")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/ask-delete", &[("key", "k")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/delete", &[("key", "k")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/undelete", &[("key", "k"), ("version", "null")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/delete-version", &[("key", "k"), ("version", "null")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/restore", &[("key", "k"), ("version", "null")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/share", &[("key", "k"), ("seconds", "3600")]),
    (OBJECTS, "/object-stores/t-o/buckets/there/objects/sign", &[("key", "k"), ("step", "put")]),
    ("/login", "/login", &[("name", "ann"), ("password", "password of ann")]),
    ("/confirm", "/confirm", &[("password", "password of ann")]),
    ("/account/", "/account/password", &[("password", "another password"), ("again", "another password")]),
    ("/object-stores/t-o/keys/new", "/object-stores/t-o/keys/new", &[("description", "laptop"), ("expires", "30")]),
    ("/object-stores/t-o/keys/", "/object-stores/t-o/keys/delete", &[("key", "0123456789abcdef0123456789abcdef")]),
    (
        "/_admin/portal/t-o/tokens/",
        "/_admin/portal/t-o/tokens/add",
        &[("description", "laptop"), ("expires", "30"), ("s3", "on")],
    ),
    (
        "/_admin/portal/t-o/tokens/",
        "/_admin/portal/t-o/tokens/delete",
        &[("token", "0123456789abcdef0123456789abcdef")],
    ),
    ("/object-stores/t-o/buckets/", "/object-stores/t-o/buckets/create", &[("bucket", "made")]),
    (
        "/object-stores/t-o/buckets/",
        "/object-stores/t-o/buckets/versioning",
        &[("bucket", "there"), ("versioning", "on")],
    ),
    ("/object-stores/t-o/buckets/", "/object-stores/t-o/buckets/delete", &[("bucket", "there")]),
    (
        "/services/new",
        "/services/new",
        &[("tenancy", "ice-o"), ("description", "Sea ice"), ("quota", "1 TiB"), ("reason", "For the ice")],
    ),
    ("/inbox/", "/inbox/preferences", &[("mail", "daily")]),
    ("/account/", "/logout", &[]),
];

#[tokio::test]
async fn forms_of_elsewhere_change_nothing() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "there")]).await;
    ann.upload("there", "", &[("k", "text/plain", "content")]).await;
    let mut bob = Browser::logged_in(&world, "bob").await;
    let foreign = bob.get("/account/").await.csrf().expect("a token").to_owned();
    let before = state(&world, &mut ann).await;
    for &(page, path, fields) in FORMS {
        // The login form is that of a browser that is nobody's.
        let mut browser = if page == "/login" { Browser::new(&world) } else { Browser::logged_in(&world, "ann").await };
        browser.get(page).await;
        for token in [None, Some(""), Some("0"), Some(foreign.as_str())] {
            let reply = browser.post_with(path, fields, token).await;
            assert_eq!(reply.status, 403, "{path} with {token:?}");
            assert!(reply.header("set-cookie").is_none(), "{path} with {token:?}");
        }
        assert_eq!(state(&world, &mut ann).await, before, "{path}");
    }
}

/// Whatever takes a form refuses it unread without the token of the very browser that sends it. The tables of `audited` have every
/// route, which `cargo xtask tidy` holds; uploads, which are no form of fields, have their own test.
#[tokio::test]
async fn every_route_refuses_forms_of_elsewhere() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "there")]).await;
    let foreign = ann.get("/account/").await.csrf().expect("a token").to_owned();
    // Who is an operator and a member gets as far as the form everywhere.
    let mut oda = Browser::logged_in(&world, "oda").await;
    let before = state(&world, &mut ann).await;
    let routes: Vec<&str> = audited::form_routes().collect();
    assert!(routes.len() > 50, "the tables are read: {routes:?}");
    for route in routes {
        let path = of_world(route);
        for token in [None, Some(""), Some("0"), Some(foreign.as_str())] {
            let reply = oda.post_with(&path, &[], token).await;
            assert_eq!(reply.status, 403, "{path} with {token:?}: {}", reply.text);
            assert!(reply.text.contains(FORGED), "{path} with {token:?}: {}", reply.text);
            assert!(reply.header("set-cookie").is_none(), "{path} with {token:?}");
        }
        let reply = Browser::new(&world).post_with(&path, &[], Some(&foreign)).await;
        let is_asked_to_log_in = reply.status == 303 && reply.location().starts_with("/login");
        assert!(is_asked_to_log_in || reply.status == 403, "{path} as nobody: {} {}", reply.status, reply.text);
    }
    assert_eq!(state(&world, &mut ann).await, before);
}

/// What is in a tenancy is not there for strangers, and the bucket of one member is not another's.
#[tokio::test]
async fn forms_are_for_those_whom_they_are_for() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "there")]).await;
    ann.upload("there", "", &[("k", "text/plain", "content")]).await;
    let before = state(&world, &mut ann).await;
    for name in ["stranger", "expired", "bob"] {
        let mut browser = Browser::logged_in(&world, name).await;
        let token = browser.get("/account/").await.csrf().expect("a token").to_owned();
        for &(_, path, fields) in FORMS.iter().filter(|(_, path, _)| path.contains("t-o")) {
            let is_of_bucket = path.contains("/there/") || fields.contains(&("bucket", "there"));
            let expected: &[u16] = match name {
                // A member may do this, in what is theirs.
                "bob" if !is_of_bucket => continue,
                // Signed in bob's name: the store refuses what is at the address.
                "bob" if path.ends_with("/sign") => continue,
                "bob" => &[403, 404],
                _ => &[404],
            };
            let reply = browser.post_with(path, fields, Some(&token)).await;
            assert!(expected.contains(&reply.status), "{path} as {name}: {} {}", reply.status, reply.text);
            assert!(!reply.text.contains(FORGED), "{path} as {name}: the form itself was good");
        }
    }
    assert_eq!(state(&world, &mut ann).await, before);
}

/// A path of the route in which everything exists that can.
fn of_world(route: &str) -> String {
    let values =
        [("{tenancy}", "t-o"), ("{bucket}", "there"), ("{role}", "USER"), ("{number}", "1"), ("{user}", "ann")];
    let path = values.iter().fold(route.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path}: say what stands there");
    path
}

/// With the token of their page they all do something, so that the test above can fail.
#[tokio::test]
async fn forms_of_our_own_are_taken() {
    for &(page, path, fields) in FORMS {
        let world = World::new().await;
        let mut ann = Browser::logged_in(&world, "ann").await;
        ann.post("/object-stores/t-o/buckets/create", &[("bucket", "there")]).await;
        ann.upload("there", "", &[("k", "text/plain", "content")]).await;
        let mut browser = if page == "/login" { Browser::new(&world) } else { Browser::logged_in(&world, "ann").await };
        let reply = browser.post_from(page, path, fields).await;
        let expected: &[u16] = match path.rsplit('/').next() {
            // There is no such key or token to be deleted.
            _ if path.ends_with("keys/delete") || path.ends_with("tokens/delete") => &[404],
            // The only version of an object is the current one already.
            Some("restore") => &[400],
            // There is an object in it.
            _ if path.ends_with("buckets/delete") => &[400],
            _ => &[200, 303],
        };
        assert!(expected.contains(&reply.status), "{path}: {} {}", reply.status, reply.text);
    }
}

async fn state(world: &World, browser: &mut Browser) -> (usize, String) {
    let keys = world.portal.identity.keys(&super::browser::tenancy("t-o"), None, 100).await.expect("read");
    let page = browser.get("/object-stores/t-o/buckets/").await;
    assert_eq!(page.status, 200);
    (keys.len(), page.text)
}
