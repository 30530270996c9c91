//! Who gets in, by which proof, and what is recorded of it.

use types::AccessKeyId;

use super::world::{World, basic, basic_with, tenancy, user};

/// A management token of `name`.
async fn token(world: &World, name: &str) -> String {
    let made = world.send("POST", "/.TOKEN/", &[("authorization", &basic(name))]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.second_word().to_owned()
}

/// A token for S3 of `name`.
async fn key(world: &World, name: &str) -> String {
    let headers = [("authorization", basic(name)), ("x-user-secret-key-meta", "12345678".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = world.send("POST", "/.TOKEN/", &headers).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.second_word().to_owned()
}

#[tokio::test]
async fn a_token_opens_as_cookie_and_as_bearer_until_it_ends() {
    let world = World::new().await;
    let token = token(&world, "ann").await;
    let (cookie, bearer) = (format!("a=b; token={token}"), format!("Bearer {token}"));
    for header in [("cookie", cookie.as_str()), ("authorization", bearer.as_str())] {
        assert_eq!(world.send("GET", "/.TOKEN/?format=json", &[header]).await.status, 200);
        for host in ["cedadev-o.s3-ext.jc.rl.ac.uk", "localhost:9002"] {
            let reply = world.send_to(host, "GET", "/.TOKEN/?format=json", &[header], "").await;
            assert_eq!(reply.status, 200, "{host}: {}", reply.text);
        }
        let reply = world.send_to("other-o.s3.jc.rl.ac.uk", "GET", "/.TOKEN/", &[header], "").await;
        assert_eq!(reply.status, 401, "a token is for one domain");
    }
    world.clock.advance_secs(24 * 3600);
    assert_eq!(world.send("GET", "/.TOKEN/", &[("cookie", &cookie)]).await.status, 401, "a day is the default");
}

/// Tokens for S3, and what signs requests of S3, open nothing here.
#[tokio::test]
async fn what_is_for_s3_manages_nothing() {
    let world = World::new().await;
    let key = key(&world, "ann").await;
    let signed = "AWS4-HMAC-SHA256 Credential=x/20270115/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let (cookie, bearer) = (format!("token={key}"), format!("Bearer {key}"));
    for header in [("cookie", cookie.as_str()), ("authorization", bearer.as_str()), ("authorization", signed)] {
        for path in ["/.TOKEN/", "/_admin/manage/tenants/cedadev-o"] {
            assert_eq!(world.send("GET", path, &[header]).await.status, 401, "{header:?} {path}");
        }
    }
    let id = AccessKeyId::new(&key).expect("an id");
    assert!(world.swarm.identity.key(&id).await.expect("asked").is_some());
}

/// How a token travels back, by `setcookie`.
#[tokio::test]
async fn cookies_are_for_the_browser_alone() {
    let world = World::new().await;
    let auth = basic("ann");
    let auth = ("authorization", auth.as_str());
    let plain = world.send("POST", "/.TOKEN/", &[auth]).await;
    let cookie = plain.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with(&format!("token={};", plain.second_word())), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=86400"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(plain.header("gateway-token").is_none());
    let told = world.send("POST", "/.TOKEN/?setcookie=false", &[auth]).await;
    assert_eq!(told.header("gateway-token"), Some(told.second_word()));
    assert!(told.header("set-cookie").is_none());
    let secret = ("x-user-secret-key-meta", "12345678");
    let for_s3 = world.send("POST", "/.TOKEN/", &[auth, secret]).await;
    assert!(for_s3.header("set-cookie").is_none(), "it would take the place of one that opens something");
    assert_eq!(world.send("POST", "/.TOKEN/?setcookie=maybe", &[auth]).await.status, 400);
    for reply in [plain, told, for_s3] {
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

/// Another site's page can make a browser send what it holds, but not without the browser saying so.
#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let world = World::new().await;
    let token = token(&world, "ann").await;
    let cookie = format!("token={token}");
    for (site, expected) in [("cross-site", 403), ("same-site", 403), ("same-origin", 201), ("none", 201)] {
        let reply = world.send("POST", "/.TOKEN/", &[("cookie", &cookie), ("sec-fetch-site", site)]).await;
        assert_eq!(reply.status, expected, "{site}");
    }
}

/// Who sees and deletes whose.
#[tokio::test]
async fn managers_see_the_keys_of_others_and_no_more() {
    let world = World::new().await;
    let (of_ann, key_of_ann) = (token(&world, "ann").await, key(&world, "ann").await);
    let listed = async |as_who: &str, of: &str| {
        let path = format!("/.TOKEN/?format=json&x-owner-meta={of}");
        world.send("GET", &path, &[("authorization", &basic(as_who))]).await
    };
    assert_eq!(listed("mjones07", "ann").await.status, 403);
    let seen = listed("max", "ann").await;
    assert_eq!(seen.status, 200);
    assert!(seen.text.contains(&key_of_ann) && !seen.text.contains(&of_ann), "a token's id is all that it takes");
    assert!(listed("ann", "ann").await.text.contains(&of_ann));

    let delete = async |who: &str, id: &str| {
        world.send("DELETE", &format!("/.TOKEN/{id}"), &[("authorization", &basic(who))]).await.status
    };
    assert_eq!(delete("mjones07", &key_of_ann).await, 400, "whether there is one is not told");
    assert_eq!(delete("max", &of_ann).await, 400);
    assert_eq!(delete("max", &key_of_ann).await, 200);
    assert_eq!(delete("ann", &of_ann).await, 200);
    let for_another = [("authorization", basic("max")), ("x-owner-meta", "ann".to_owned())];
    let for_another: Vec<_> = for_another.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.send("POST", "/.TOKEN/", &for_another).await.status, 403);
    let other = [("authorization", basic("max")), ("x-custom-meta-project", "x".to_owned())];
    let other: Vec<_> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = world.send("POST", "/.TOKEN/", &other).await;
    assert!(refused.status == 400 && refused.text.contains("x-custom-meta-project"), "{}", refused.text);
}

/// Guesses are counted with those of the portal's log-in, and the right password waits too.
#[tokio::test]
async fn guesses_are_bounded() {
    let world = World::new().await;
    let wrong = basic_with("ann", "a guess");
    for _ in 0..10 {
        assert_eq!(world.send("GET", "/.TOKEN/", &[("authorization", &wrong)]).await.status, 401);
    }
    let reply = world.send("GET", "/.TOKEN/", &[("authorization", &basic("ann"))]).await;
    assert_eq!(reply.status, 429);
    assert!(reply.header("retry-after").is_some());
    world.clock.advance_secs(15 * 60 + 1);
    assert_eq!(world.send("GET", "/.TOKEN/", &[("authorization", &basic("ann"))]).await.status, 200);
}

/// Whatever is sent in the place of a proof is refused, and never fails.
#[tokio::test]
async fn nonsense_is_nobody() {
    let world = World::new().await;
    for value in
        ["", "Basic", "Basic !!!", "Basic bm8tY29sb24=", "Basic Og==", "Bearer", "Bearer zz", "Frob x", "Basic \u{e9}"]
    {
        let reply = world.send("GET", "/.TOKEN/", &[("authorization", value)]).await;
        assert_eq!(reply.status, 401, "{value:?}: {}", reply.text);
    }
    for (method, path, expected) in [
        ("PUT", "/.TOKEN/", 405),
        ("POST", "/.TOKEN/abc", 405),
        ("GET", "/.TOKEN/abc", 404),
        ("GET", "/.TOKEN/a/b", 404),
        ("DELETE", "/.TOKEN/%FF", 400),
        ("GET", "/.TOKEN", 200),
        ("GET", "/.TOKEN/?domain=nowhere.example.org", 404),
    ] {
        let reply = world.send(method, path, &[("authorization", &basic("ann"))]).await;
        assert_eq!(reply.status, expected, "{method} {path}: {}", reply.text);
    }
    let reply = world.send_to("localhost", "GET", "/.TOKEN/", &[("authorization", &basic("ann"))], "").await;
    assert!(reply.status == 400 && reply.text.contains("?domain="), "{}", reply.text);
}

#[tokio::test]
async fn who_did_what_is_recorded() {
    let world = World::new().await;
    let (id, key) = (token(&world, "ann").await, key(&world, "ann").await);
    world.send("DELETE", &format!("/.TOKEN/{key}"), &[("authorization", &basic("ann"))]).await;
    world.send("DELETE", &format!("/.TOKEN/{id}"), &[("authorization", &basic("ann"))]).await;
    world.send("GET", "/.TOKEN/", &[("authorization", &basic_with("ann", "secret words"))]).await;
    world.send("GET", "/.TOKEN/", &[("authorization", &basic_with("secret words", "x"))]).await;
    let log = world.log().await;
    let expected = [
        "swarm user:ann token.create: user ann done".to_owned(),
        "swarm user:ann key.create: user ann done".to_owned(),
        format!("swarm user:ann key.delete: key {key} of ann done"),
        "swarm user:ann token.delete: token of ann done".to_owned(),
        "swarm anonymous login.begin: login ann refused WrongPassword".to_owned(),
        "swarm anonymous login.begin: login refused WrongPassword".to_owned(),
    ];
    assert_eq!(log, expected);
    assert!(!log.iter().any(|line| line.contains(&id) || line.contains("secret words")));
}

/// What is made here is seen where keys are seen, and the other way round.
#[tokio::test]
async fn keys_of_the_portal_are_tokens() {
    let world = World::new().await;
    let new = identity::NewKey {
        tenancy: tenancy("cedadev-o"),
        owner: user("ann"),
        description: "made in the portal".to_owned(),
        expires: None,
        scope: policy::KeyScope::default(),
    };
    let key = world.swarm.identity.create_key(new).await.expect("made");
    let listed = world.send("GET", "/.TOKEN/?format=json", &[("authorization", &basic("ann"))]).await.json();
    assert_eq!(listed[0]["name"], key.info.id.as_str());
    assert_eq!(listed[0]["x_custom_meta_source"], "made in the portal");
    assert_eq!(listed[0]["lifepoint"], "[Fri, 31 Dec 9999 23:59:59 GMT] reps=2, [] delete");
    let text = world.send("GET", "/.TOKEN/", &[("authorization", &basic("ann"))]).await.text;
    assert!(text.starts_with(&format!("{}\tann\t", key.info.id)), "{text}");
}
