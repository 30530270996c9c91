//! The pages as browsers see them: who gets which, that no form is taken from elsewhere, and what each does.

mod browser;
mod content_portal;
mod forms;
mod keys_and_buckets;
mod logging_in;
mod membership;
mod objects;
mod oidc;
mod operate;
mod policies;
mod recorded;
mod usage;

use browser::{Browser, World};

/// Whom a page is for, of those who have logged in.
#[derive(Clone, Copy, PartialEq)]
enum For {
    Everybody,
    /// Those who hold a role in the tenancy; to others there is no such page, whether there is such a tenancy or not.
    Members,
    /// Its managers and deputies.
    Leads,
}

use For::{Everybody, Leads, Members};

/// Every page but those of `operate`, with whom it is for. `cargo xtask tidy` fails where one has no row.
const PAGES: &[(&str, For)] = &[
    ("/account/", Everybody),
    ("/confirm", Everybody),
    ("/object-stores/", Everybody),
    ("/object-stores/t-o/keys/", Members),
    ("/object-stores/t-o/keys/new", Members),
    ("/object-stores/t-o/buckets/", Members),
    ("/object-stores/t-o/usage/", Members),
    ("/object-stores/t-o/usage/?range=36m", Members),
    ("/object-stores/t-o/usage/csv", Members),
    ("/object-stores/t-o/buckets/of-max/", Members),
    ("/object-stores/t-o/buckets/of-max/objects/", Members),
    ("/object-stores/t-o/buckets/of-max/objects/object?key=k", Members),
    ("/object-stores/t-o/buckets/of-max/objects/image?key=p.svg", Members),
    ("/object-stores/t-o/buckets/of-max/objects/download?key=k", Members),
    ("/object-stores/t-o/buckets/of-max/objects/share?key=k", Members),
    ("/object-stores/t-o/buckets/of-max/objects/deleted", Members),
    ("/object-stores/t-o/buckets/of-max/access", Members),
    ("/object-stores/t-o/buckets/of-max/policies/", Members),
    ("/object-stores/t-o/buckets/of-max/policies/new", Members),
    ("/object-stores/t-o/buckets/of-max/policies/edit", Members),
    ("/_admin/portal/", Everybody),
    ("/_admin/portal/t-o/", Members),
    ("/_admin/portal/t-o/properties", Members),
    ("/_admin/portal/t-o/permissions", Members),
    ("/_admin/portal/t-o/tokens/", Members),
    ("/inbox/", Everybody),
    ("/services/", Everybody),
    ("/services/my/", Everybody),
    ("/services/new", Everybody),
    ("/services/t-o/", Everybody),
    ("/services/t-o/apply/USER", Everybody),
    ("/services/t-o/members/", Leads),
    ("/services/t-o/message", Leads),
    ("/services/t-o/quota", Leads),
    ("/requests/", Everybody),
];

/// What is read but is no page that somebody has to log in for, and pages whose tests say more of who gets them.
const OTHER_READS: &[&str] = &[
    "/",
    "/_admin/portal",
    "/login",
    "/login/oidc",
    "/login/oidc/callback",
    "/confirm/oidc",
    // In `membership`: those who hold a role somewhere.
    "/complete",
    "/operate/",
    // In `membership`: those who made a request and those who decide.
    "/requests/{tenancy}/{number}/",
];

/// Nobody is asked to log in, members get the page, strangers to the tenancy are told that there is none.
#[tokio::test]
async fn pages_are_for_those_whom_they_are_for() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    max.post("/object-stores/t-o/buckets/create", &[("bucket", "of-max")]).await;
    let files = [("k", "text/plain", "content"), ("p.svg", "image/svg+xml", browser::LOGO)];
    max.upload("of-max", "", &files).await;
    for &path in OTHER_READS {
        let status = Browser::new(&world).get(&path.replace("{tenancy}", "t-o").replace("{number}", "1")).await.status;
        assert_eq!(status == 200, path == "/login", "{path}: nobody has logged in");
    }
    for &(path, _) in PAGES {
        let reply = Browser::new(&world).get(path).await;
        assert_eq!(reply.status, 303, "{path}");
        assert!(reply.location().starts_with("/login?next=%2F"), "{path}: {}", reply.location());
    }
    for name in ["ann", "max", "stranger", "expired"] {
        let mut browser = Browser::logged_in(&world, name).await;
        for &(path, whom) in PAGES {
            let is_stranger = matches!(name, "stranger" | "expired");
            let expected: &[u16] = match whom {
                Members if is_stranger => &[404],
                Members if name == "ann" && path.contains("of-max") => &[403, 404],
                Leads if name != "max" => &[403, 404],
                _ => &[200],
            };
            let reply = browser.get(path).await;
            assert!(expected.contains(&reply.status), "{path} as {name}: {} {}", reply.status, reply.text);
            if is_stranger && whom == Members {
                let other = browser.get(&path.replace("t-o", "no-such-o")).await;
                assert_eq!(other.text, reply.text, "{path} as {name}: whether there is a tenancy is not told");
            }
        }
    }
}

/// Those who may not log in any more are logged out, whatever their browser holds.
#[tokio::test]
async fn the_disabled_are_nobody() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert_eq!(ann.get("/object-stores/").await.status, 200);
    world.clock.advance_secs(1);
    world.portal.identity.end_sessions(&browser::user("ann")).await.expect("ended");
    assert_eq!(ann.get("/object-stores/").await.status, 303, "the operator ended all of theirs");
    world.clock.advance_secs(1);
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert_eq!(ann.get("/object-stores/").await.status, 200);
    world.disable("ann").await;
    assert_eq!(ann.get("/object-stores/").await.status, 303);
    assert_eq!(Browser::new(&world).log_in("ann", "password of ann").await.status, 401);
}

/// Whatever is answered, a browser runs nothing but our own files and keeps no page.
#[tokio::test]
async fn every_answer_is_protected() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    for path in ["/login", "/object-stores/", "/object-stores/t-o/keys/", "/nowhere", "/assets/theme.css", "/"] {
        let reply = ann.get(path).await;
        let policy = reply.header("content-security-policy").expect(path).to_owned();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        if !path.starts_with("/assets") {
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        }
        assert!(!reply.text.contains("style=") && !reply.text.contains("onclick"), "{path} has code of its own");
    }
    assert_eq!(ann.get("/nowhere").await.status, 404);
}

/// The institution's logo is shown, and runs nothing when it is opened by itself.
#[tokio::test]
async fn a_logo_runs_nothing() {
    let world = World::new().await;
    let mut nobody = Browser::new(&world);
    assert!(nobody.get("/login").await.text.contains("<img class=\"logo\" src=\"/assets/logo\" alt=\"\">"));
    let logo = nobody.get("/assets/logo").await;
    assert_eq!(
        (logo.status, logo.header("content-type"), logo.text.as_str()),
        (200, Some("image/svg+xml"), browser::LOGO)
    );
    let policy = logo.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("sandbox") && policy.contains("default-src 'none'") && !policy.contains("script"),
        "{policy}"
    );
    assert_eq!(logo.header("x-content-type-options"), Some("nosniff"));
}

/// Texts that people choose are texts, whatever is in them.
#[tokio::test]
async fn what_people_write_is_never_markup() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let text = "<script>alert(1)</script>\"'&";
    let created = ann.post("/object-stores/t-o/keys/new", &[("description", text), ("expires", "30")]).await;
    assert_eq!(created.status, 200, "{}", created.text);
    for path in ["/object-stores/t-o/keys/", "/object-stores/t-o/buckets/?search=%3Cscript%3Ealert(1)%3C/script%3E"] {
        let reply = ann.get(path).await;
        assert!(!reply.text.contains("<script>alert"), "{path}");
        assert!(reply.text.contains("&#60;script&#62;alert") || reply.text.contains("&lt;script&gt;alert"), "{path}");
    }
}
