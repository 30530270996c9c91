//! Logging in with an identity provider, as far as it goes without one that answers: the way through a real one is tested in
//! a browser.

use std::sync::Arc;

use identity_oidc::{OidcConfig, Provider};
use rustls::crypto::ring;

use super::browser::{Browser, World};

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
