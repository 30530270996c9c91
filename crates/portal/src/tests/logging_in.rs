//! Logging in, and what ends it.

use super::browser::{Browser, World};

#[tokio::test]
async fn the_password_lets_in_and_the_way_leads_on() {
    let world = World::new().await;
    let mut ann = Browser::new(&world);
    let page = ann.get("/login?next=%2Fobject-stores%2Ft-o%2Fkeys%2F").await;
    assert!(page.text.contains("value=\"/object-stores/t-o/keys/\""), "{}", page.text);
    let fields = [("name", " ann "), ("password", "password of ann"), ("next", "/object-stores/t-o/keys/")];
    let reply = ann.post_from("/login", "/login", &fields).await;
    assert_eq!((reply.status, reply.location()), (303, "/object-stores/t-o/keys/"));
    let cookie = reply.header("set-cookie").expect("a cookie");
    for part in ["__Host-commonhold=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(ann.get("/login?next=/account/").await.location(), "/account/", "who is logged in is not asked again");
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let fields = [("name", "ann"), ("password", "password of ann"), ("next", next)];
        let reply = Browser::new(&world).post_from("/login", "/login", &fields).await;
        assert_eq!(reply.location(), "/", "{next}");
    }
}

#[tokio::test]
async fn without_tls_the_cookie_is_still_hidden_from_pages() {
    let world = World::new().await;
    let mut ann = Browser::new(&world);
    ann.visitor.tls = false;
    let reply = ann.log_in("ann", "password of ann").await;
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("commonhold=") && cookie.contains("HttpOnly") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(ann.get("/account/").await.status, 200);
}

#[tokio::test]
async fn wrong_passwords_are_refused_alike_and_then_not_looked_at() {
    let world = World::new().await;
    let mut guesser = Browser::new(&world);
    let mut texts = Vec::new();
    for (name, password) in [("ann", "wrong"), ("nobody", "wrong"), ("", "wrong"), ("no name!", "x"), ("ann", "")] {
        let reply = guesser.log_in(name, password).await;
        assert_eq!(reply.status, 401, "{name}");
        let (_, alert) = reply.text.split_once("role=\"alert\">").expect("an alert");
        texts.push(alert.split('<').next().unwrap_or_default().to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let mut status = 401;
    for _ in 0..60 {
        status = guesser.log_in("ann", "wrong").await.status;
    }
    assert_eq!(status, 429);
    let reply = guesser.log_in("ann", "password of ann").await;
    assert_eq!(reply.status, 429, "the right one is not looked at either");
    assert!(reply.text.contains("Try again in"), "{}", reply.text);
}

#[tokio::test]
async fn logging_out_ends_it() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let stolen = ann.cookies.clone();
    let mut elsewhere = Browser::logged_in(&world, "ann").await;
    let reply = ann.post_from("/account/", "/logout", &[]).await;
    assert_eq!((reply.status, reply.location()), (303, "/login?said=logged-out"));
    assert!(ann.get(reply.location()).await.text.contains("You have logged out."));
    ann.cookies = stolen;
    assert_eq!(ann.get("/account/").await.status, 303, "the cookie is of no use any more");
    assert_eq!(elsewhere.get("/account/").await.status, 200);
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post_from("/account/", "/logout/everywhere", &[]).await;
    assert_eq!(elsewhere.get("/account/").await.status, 303);
}

#[tokio::test]
async fn a_new_password_logs_the_others_out() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let mut elsewhere = Browser::logged_in(&world, "ann").await;
    for (password, again, status) in
        [("short", "short", 400), ("long enough", "another", 400), ("long enough", "long enough", 303)]
    {
        let fields = [("password", password), ("again", again)];
        assert_eq!(ann.post_from("/account/", "/account/password", &fields).await.status, status, "{password} {again}");
    }
    assert_eq!(elsewhere.get("/account/").await.status, 303);
    assert_eq!(ann.get("/account/").await.status, 200);
    assert_eq!(Browser::new(&world).log_in("ann", "password of ann").await.status, 401);
    assert_eq!(Browser::new(&world).log_in("ann", "long enough").await.status, 303);
}

#[tokio::test]
async fn keys_ask_for_the_password_again_after_a_while() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    world.clock.advance_secs(identity::login::CONFIRMED_SECONDS);
    for path in ["/object-stores/t-o/keys/", "/object-stores/t-o/keys/new"] {
        let reply = ann.get(path).await;
        assert!(reply.location().starts_with("/confirm?next=%2Fobject"), "{path}: {}", reply.location());
    }
    let refused = ann.post("/object-stores/t-o/keys/delete", &[("key", "abc")]).await;
    assert_eq!(refused.status, 303);
    assert_eq!(ann.get("/object-stores/t-o/buckets/").await.status, 200);
    let wrong = ann.post_from("/confirm", "/confirm", &[("password", "wrong")]).await;
    assert_eq!(wrong.status, 401);
    let fields = [("password", "password of ann"), ("next", "/object-stores/t-o/keys/")];
    let right = ann.post_from("/confirm", "/confirm", &fields).await;
    assert_eq!((right.status, right.location()), (303, "/object-stores/t-o/keys/"));
    assert_eq!(ann.get("/object-stores/t-o/keys/").await.status, 200);
}
