//! Logging in with an identity provider, as far as it goes without one that answers: the way through a real one is tested in
//! a browser.

use std::sync::Arc;

use identity::Vouched;
use identity_oidc::{OidcConfig, Provider};
use rustls::crypto::ring;

use super::browser::{Browser, World, user};
use super::objects::{ask, links};

/// A world with a provider that does not answer.
async fn world() -> World {
    let mut world = World::new().await;
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().expect("good");
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let config = OidcConfig {
        issuer: "http://127.0.0.1:1".to_owned(),
        client_id: "portal".to_owned(),
        audiences: Vec::new(),
        client_secret: None,
        user_claim: "preferred_username".to_owned(),
        groups_claim: String::new(),
        algorithms: Vec::new(),
        skew_seconds: 60,
    };
    let provider = Provider::new(config, Arc::new(tls), world.clock.clone()).expect("good");
    world.portal.oidc = Some(Arc::new(provider));
    world
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_way() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert!(!browser.get("/login").await.text.contains("/login/oidc"));
    for path in ["/login/oidc", "/login/oidc/callback?state=a&code=b"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert_eq!(Browser::logged_in(&world, "ann").await.get("/confirm/oidc").await.status, 404);
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_nobody_from_their_password() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/login?next=/inbox/").await.text;
    assert!(
        page.contains("href=\"/login/oidc?next=/inbox/\"") && page.contains("Log in with the Examples login"),
        "{page}"
    );
    let away = browser.get("/login/oidc?next=/inbox/").await;
    assert_eq!(away.status, 503);
    assert!(away.text.contains("can not be reached now") && away.text.contains("name=\"password\""), "{}", away.text);
    let fields = [("name", "ann"), ("password", "password of ann"), ("next", "/inbox/")];
    let reply = browser.post_with("/login", &fields, away.csrf()).await;
    assert_eq!(reply.location(), "/inbox/");
}

/// Who comes back without having been sent, or with the answer of another browser, is not let in.
#[tokio::test]
async fn answers_of_elsewhere_are_refused() {
    let world = world().await;
    for cookie in [None, Some(""), Some("log-in.mine.nonce.verifier.2f"), Some("confirm.mine.nonce.verifier.2f")] {
        for state in ["", "theirs"] {
            let mut browser = Browser::new(&world);
            browser.cookies.extend(cookie.map(|value| ("__Host-commonhold-oidc".to_owned(), value.to_owned())));
            let reply = browser.get(&format!("/login/oidc/callback?state={state}&code=good")).await;
            assert_eq!(reply.status, 403, "{cookie:?} {state}");
            assert!(browser.cookies.iter().all(|(name, _)| name != "__Host-commonhold"), "nobody is logged in");
            assert!(browser.cookies.iter().all(|(name, _)| !name.ends_with("oidc")), "what waited is forgotten");
        }
    }
    let mut browser = Browser::new(&world);
    browser.cookies.push(("__Host-commonhold-oidc".to_owned(), "log-in.mine.nonce.verifier.2f".to_owned()));
    let denied = browser.get("/login/oidc/callback?state=mine&error=access_denied").await;
    assert_eq!(denied.status, 401);
    assert!(denied.text.contains("did not allow it"), "{}", denied.text);
}

/// The browser of a person whom a provider vouches for.
async fn vouched_for(world: &World, name: &str, groups: &[&str]) -> Browser {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let vouched = Vouched { confirmed: None, groups };
    let begun = world.portal.identity.begin_vouched_login(&user(name), "192.0.2.1", vouched).await;
    let mut browser = Browser::new(world);
    browser.cookies.push(("__Host-commonhold".to_owned(), begun.expect("begun").0.expose().to_owned()));
    browser
}

/// Policies find the groups that the provider names: on pages, in forms, and in addresses that the store decides about.
#[tokio::test]
async fn groups_of_the_provider_count_as_in_sessions() {
    const DATA: &str = "/object-stores/t-o/buckets/data/";
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    max.post("/object-stores/t-o/buckets/create", &[("bucket", "data")]).await;
    let policy = r#"{"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": {"user": [], "group": ["lab"]},
        "Action": ["ListBucket", "GetObject", "PutObject"], "Resource": "*"}]}"#;
    let saved = [("document", policy), ("etag", "")];
    let saved = max.post_from(&format!("{DATA}policies/edit"), &format!("{DATA}policies/save"), &saved).await;
    assert_eq!(saved.status, 303, "{}", saved.text);

    for (groups, may) in [(&["lab", "other"][..], true), (&["other"], false), (&["t-o-managers"], false), (&[], false)]
    {
        let mut bob = vouched_for(&world, "bob", groups).await;
        let listed = bob.get("/object-stores/t-o/buckets/").await.text;
        assert_eq!(listed.contains("buckets/data/"), may, "{groups:?}: {listed}");
        assert_eq!(bob.get(&format!("{DATA}objects/")).await.status, if may { 200 } else { 404 }, "{groups:?}");
        // The form's token is that of the login, whatever page it is on.
        let token = bob.get("/account/").await.csrf().expect("a token").to_owned();
        let sent = bob.send_parts("data", &[("csrf", &token), ("prefix", "")], &[("k", "text/plain", "v")]).await;
        assert_eq!(sent.status, if may { 303 } else { 403 }, "{groups:?}: {}", sent.text);
        let signed =
            bob.post_with(&format!("{DATA}objects/sign"), &[("key", "l"), ("step", "put")], Some(&token)).await;
        let answer: serde_json::Value = serde_json::from_str(&signed.text).expect("JSON");
        let link = answer["links"][0].as_str().expect("a link");
        assert_eq!(ask(&world, "PUT", link, "content").await.0, if may { 200 } else { 403 }, "{groups:?}");
    }
}

/// What the names of groups are too long for is said, and works with a password.
#[tokio::test]
async fn groups_that_no_address_holds_are_told_of() {
    let world = World::new().await;
    let long = "g".repeat(6 * 1024);
    let mut ann = vouched_for(&world, "ann", &[&long]).await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "data")]).await;
    let sign = "/object-stores/t-o/buckets/data/objects/sign";
    let refused = ann.post(sign, &[("key", "k"), ("step", "put")]).await;
    assert!(refused.status == 400 && refused.text.contains("log in with your password"), "{}", refused.text);
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert_eq!(links(&mut ann, &[("key", "k"), ("step", "put")]).await.len(), 1);
}
