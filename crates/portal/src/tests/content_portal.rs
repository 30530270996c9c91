//! Swarm's Content Portal: its dashboard, and tokens of both kinds.

use std::sync::Arc;

use access::{Access, Domains};

use super::browser::{Browser, World, tenancy, user};

const TOKENS: &str = "/_admin/portal/t-o/tokens/";

async fn add(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let reply = browser.post(&format!("{TOKENS}add"), fields).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.text
}

/// What stands in the first `<code>` of a page.
fn code(page: &str) -> String {
    let (_, rest) = page.split_once("<code>").expect("a code");
    rest.split('<').next().expect("its end").to_owned()
}

#[tokio::test]
async fn tokens_of_both_kinds_are_added_filtered_and_deleted() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let managing = add(&mut ann, &[("description", "manages"), ("expires", "7")]).await;
    assert!(!managing.contains("S3 secret key"), "{managing}");
    let managing = code(&managing);
    let made = add(&mut ann, &[("description", "laptop"), ("expires", "365"), ("s3", "on")]).await;
    assert!(made.contains("S3 secret key"), "{made}");
    let key = code(&made);
    let brought = [("description", "brought"), ("expires", "30"), ("s3", "on"), ("secret", "my-own-secret")];
    let own = add(&mut ann, &brought).await;
    assert!(own.contains("my-own-secret"));

    let identity = &world.portal.identity;
    let keys = identity.keys(&tenancy("t-o"), Some(&user("ann")), 10).await.expect("listed");
    assert_eq!(keys.len(), 2, "those with a secret are access keys");
    let tokens = identity.tokens(&tenancy("t-o"), &user("ann")).await.expect("listed");
    assert_eq!(tokens.iter().map(|token| token.text.expose()).collect::<Vec<_>>(), [managing.as_str()]);

    let shown = ann.get(TOKENS).await.text;
    for part in [managing.as_str(), key.as_str(), "laptop", "brought"] {
        assert!(shown.contains(part), "{part}");
    }
    assert!(!shown.contains("my-own-secret"));
    let filtered = ann.get(&format!("{TOKENS}?filter=LAPtop")).await.text;
    assert!(filtered.contains(&key) && !filtered.contains(&managing));

    let of_manager = Browser::logged_in(&world, "max").await.get(TOKENS).await.text;
    assert!(of_manager.contains(&key) && !of_manager.contains(&managing), "the id of a token is all that it takes");
    for token in [&managing, &key] {
        let mut bob = Browser::logged_in(&world, "bob").await;
        assert_eq!(bob.post(&format!("{TOKENS}delete"), &[("token", token)]).await.status, 404, "they are not bob's");
        assert_eq!(ann.post(&format!("{TOKENS}delete"), &[("token", token)]).await.status, 303);
        assert!(!ann.get(TOKENS).await.text.contains(token.as_str()));
    }
    for (fields, expected) in [
        (&[("description", "x"), ("expires", "4")][..], 400),
        (&[("description", "x"), ("expires", "30"), ("s3", "on"), ("secret", "short")], 400),
        (&[("description", "x")], 400),
    ] {
        assert_eq!(ann.post(&format!("{TOKENS}add"), fields).await.status, expected, "{fields:?}");
    }
}

#[tokio::test]
async fn the_dashboard_has_the_buckets_that_one_sees() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "of-ann")]).await;
    let dashboard = ann.get("/_admin/portal/t-o/").await.text;
    for part in ["Contents (1)", "Storage Used", "Bandwidth Used", "Top buckets", "Properties", "Permissions", "Tokens"]
    {
        assert!(dashboard.contains(part), "{part}: {dashboard}");
    }
    assert!(ann.get("/_admin/portal/t-o/permissions").await.text.contains("of-ann"));
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert!(bob.get("/_admin/portal/t-o/").await.text.contains("Contents (0)"), "it is ann's alone");
    assert!(!bob.get("/_admin/portal/t-o/permissions").await.text.contains("of-ann"));
    let domains = ann.get("/_admin/portal/").await.text;
    assert!(domains.contains("/_admin/portal/t-o/") && !domains.contains("other-o"));
}

/// Swarm's address without a domain leads to that of the host, for those who belong to it, and else to the choice.
#[tokio::test]
async fn the_address_without_a_domain_leads_to_that_of_the_host() {
    const DASHBOARD: &str = "/_admin/portal/t-o/";
    let mut world = World::new().await;
    let of = &world.portal;
    let domains = Domains::new(&["s3.example.org".to_owned()], &[]);
    world.portal.access = Arc::new(Access::new(of.identity.clone(), domains, None, of.clock.clone()));
    let mut ann = Browser::logged_in(&world, "ann").await;
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    for (host, path, of_ann, of_stranger) in [
        ("t-o.s3.example.org", "/_admin/portal", "/_admin/portal/", "/_admin/portal/"),
        ("t-o.s3.example.org", "/_admin/portal/", DASHBOARD, ""),
        ("t-o.s3.example.org:81", "/_admin/portal/", DASHBOARD, ""),
        ("portal.example.org", "/_admin/portal", "/_admin/portal/", "/_admin/portal/"),
        ("portal.example.org", "/_admin/portal/", "", ""),
    ] {
        for (browser, to) in [(&mut ann, of_ann), (&mut stranger, of_stranger)] {
            let reply = browser.get_at(host, path).await;
            let status = if to.is_empty() { 200 } else { 303 };
            assert_eq!((reply.status, reply.location()), (status, to), "{host} {path}");
        }
    }
    let choice = stranger.get_at("t-o.s3.example.org", "/_admin/portal/").await.text;
    assert!(choice.contains("/_admin/portal/other-o/") && !choice.contains(DASHBOARD), "{choice}");
}
