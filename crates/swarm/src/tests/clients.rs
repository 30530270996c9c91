//! What three public clients send, header for header, and what they do with the answer: JASMIN's object store portal, the
//! client of NLDS, and the documentation of a Belgian archive that has its tokens from the management API. Beside them two
//! scripts that are public too.

use identity::Secret;
use types::AccessKeyId;

use super::world::{World, basic, basic_with, tenancy, user};

/// Checks that `id` is a key of `owner` with this secret, as S3 finds it.
async fn assert_key(world: &World, id: &str, owner: &str, secret: &str) {
    let id = AccessKeyId::new(id).expect("an id");
    let key = world.swarm.identity.key(&id).await.expect("asked").expect("the key is there");
    assert_eq!(key.info.owner, user(owner));
    assert_eq!(key.info.tenancy, tenancy("cedadev-o"));
    assert_eq!(key.secret, Secret::import(secret).expect("a secret"));
    let listed = world.swarm.identity.keys(&tenancy("cedadev-o"), Some(&user(owner)), 100).await.expect("listed");
    assert!(listed.iter().any(|key| key.id == id), "the portal lists it");
}

fn is_hex(token: &str) -> bool {
    token.len() == 32 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The day of a lifepoint as the portal reads one: `strptime(text.split("]")[0], "[%a, %d %b %Y %H:%M:%S %Z")`.
fn lifepoint_day(text: &str) -> String {
    let date = text.split(']').next().and_then(|text| text.strip_prefix('[')).expect("a date in brackets");
    types::Timestamp::parse_http_date(date).expect(date).to_date()
}

/// Logging in with the password, the two keys of the portal itself, its list, *Create Key*, *View Keys*, *Delete*.
#[tokio::test]
async fn jasmins_object_store_portal() {
    let world = World::new().await;
    let auth = basic("mjones07");
    let auth = ("authorization", auth.as_str());
    let list = world.send("GET", "/.TOKEN/?format=json", &[auth]).await;
    assert_eq!((list.status, list.text.as_str()), (200, "[]"));

    let source = ("x-custom-meta-source", "JASMIN account auth access key");
    let expires = ("x-user-token-expires-meta", "2027-01-22");
    let made = world.send("POST", "/.TOKEN/", &[source, expires, auth]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.second_word().to_owned();
    assert!(is_hex(&token), "{}", made.text);
    let cookie = format!("token={token}");
    let cookie = ("cookie", cookie.as_str());

    let shared = ("x-user-secret-key-meta", "the-servers-own-secret");
    let source = ("x-custom-meta-source", "JASMIN account auth access key S3");
    let made = world.send("POST", "/.TOKEN/", &[shared, source, expires, cookie]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_key(&world, made.second_word(), "mjones07", "the-servers-own-secret").await;

    // 64 characters of letters, digits and punctuation.
    let secret = "Aa0!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~Bb1Cc2Dd3Ee4Ff5Gg6Hh7Ii8Jj9Kk";
    let headers = [
        ("x-user-secret-key-meta", secret),
        ("x-custom-meta-source", "my laptop"),
        ("x-user-token-expires-meta", "2028-01-15"),
        cookie,
    ];
    let made = world.send("POST", "/.TOKEN/", &headers).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.second_word().to_owned();
    assert_key(&world, &key, "mjones07", secret).await;

    let list = world.send("GET", "/.TOKEN/?format=json", &[cookie]).await.json();
    let list = list.as_array().expect("an array");
    assert_eq!(list.len(), 3);
    for element in list {
        for field in ["name", "x_owner_meta", "x_custom_meta_source", "last_modified", "lifepoint"] {
            assert!(element[field].is_string(), "{field}: {element}");
        }
        assert_eq!(element["last_modified"].as_str().and_then(|text| text.split('T').next()), Some("2027-01-15"));
    }
    let found = list.iter().find(|element| element["name"] == key.as_str()).expect("listed");
    assert_eq!(found["x_custom_meta_source"], "my laptop");
    assert_eq!(found["x_owner_meta"], "mjones07");
    assert_eq!(lifepoint_day(found["lifepoint"].as_str().expect("text")), "2028-01-15");
    assert!(list.iter().any(|element| element["name"] == token.as_str()), "the portal finds its own token again");

    let path = format!("/.TOKEN/{key}");
    let deleted = world.send("DELETE", &path, &[cookie]).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert!(deleted.header("gateway-request-id").is_some_and(|id| !id.is_empty()));
    assert_eq!(world.send("DELETE", &path, &[cookie]).await.status, 400, "it is gone");
    assert_eq!(world.send("GET", "/.TOKEN/?format=json", &[("cookie", "token=0")]).await.status, 401);

    world.clock.advance_secs(8 * 24 * 3600);
    assert_eq!(world.send("GET", "/.TOKEN/?format=json", &[cookie]).await.status, 401, "the portal asks anew");
    let list = world.send("GET", "/.TOKEN/?format=json", &[auth]).await.json();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "what has expired is still told");
}

/// One request with the password, and a message for each status.
#[tokio::test]
async fn nlds() {
    let world = World::new().await;
    let secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";
    let with = |auth: String| {
        vec![
            ("x-user-secret-key-meta", secret.to_owned()),
            ("x-custom-meta-source", "NLDS access key for user: mjones07".to_owned()),
            ("x-user-token-expires-meta", "2027-07-16".to_owned()),
            ("authorization", auth),
        ]
    };
    let send = async |host: &str, headers: Vec<(&str, String)>| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.send_to(host, "POST", "/.TOKEN/", &headers, "").await
    };
    let host = super::world::HOST;
    let made = send(host, with(basic("mjones07"))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_key(&world, made.second_word(), "mjones07", secret).await;

    let wrong = send(host, with(basic_with("mjones07", "wrong"))).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("www-authenticate").is_some());
    assert_eq!(send(host, with(basic("stranger"))).await.status, 403, "no role in the tenancy");
    assert_eq!(send("nowhere-o.s3.jc.rl.ac.uk:81", with(basic("mjones07"))).await.status, 404);
    let mut past = with(basic("mjones07"));
    past[2].1 = "2020-01-01".to_owned();
    assert_eq!(send(host, past).await.status, 400);
    for (at, error) in [(0, "short"), (2, "whenever")] {
        let mut bad = with(basic("mjones07"));
        bad[at].1 = error.to_owned();
        let reply = send(host, bad).await;
        assert_eq!(reply.status, 400, "{error}: {}", reply.text);
        assert!(!reply.text.contains(secret));
    }
}

/// The management API's tokens: the tenant in capitals, the name with the tenant behind it.
#[tokio::test]
async fn an_archives_documentation() {
    let world = World::new().await;
    let auth = basic("mjones07+cedadev-o");
    let headers = [
        ("x-user-secret-key-meta", "MyS3Secret"),
        ("x-user-token-expires-meta", "+10"),
        ("content-type", "application/json"),
        ("authorization", auth.as_str()),
    ];
    let path = "/_admin/manage/tenants/CEDADEV-O/tokens";
    let made = world.send_to("s3.viaa.be", "POST", path, &headers, "").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let token = made["token"].as_str().expect("a token");
    assert_key(&world, token, "mjones07", "MyS3Secret").await;
    let rest = [
        ("owner", "mjones07"),
        ("scope", "+cedadev-o"),
        ("expiration", "2027-01-25T08:00:00.000Z"),
        ("creation", "2027-01-15T08:00:00.000Z"),
        ("secret", "MyS3Secret"),
    ];
    for (field, expected) in rest {
        assert_eq!(made[field], expected, "{field}");
    }
    let listed = world.send("GET", path, &[("authorization", &auth)]).await.json();
    assert_eq!(listed[0]["token"], token);
    assert!(listed[0].get("secret").is_none(), "a secret is shown once");
    let one = format!("{path}/{token}");
    assert_eq!(world.send("GET", &one, &[("authorization", &auth)]).await.json()["owner"], "mjones07");
    assert_eq!(world.send("DELETE", &one, &[("authorization", &auth)]).await.status, 200);
    assert_eq!(world.send("GET", &one, &[("authorization", &auth)]).await.status, 404);
}

/// A search engine's start script, and the vendor's for a new domain.
#[tokio::test]
async fn scripts() {
    let world = World::new().await;
    let auth = basic("mjones07@");
    let headers = [
        ("authorization", auth.as_str()),
        ("x-user-secret-key-meta", "a secret".trim()),
        ("x-user-token-expires-meta", "+90"),
    ];
    let spaced = world.send("POST", "/.TOKEN/", &headers).await;
    assert_eq!(spaced.status, 400, "a secret with a space can stand in no header of S3's clients: {}", spaced.text);
    let headers = [
        ("authorization", auth.as_str()),
        ("x-user-secret-key-meta", "backup-secret"),
        ("x-user-token-expires-meta", "+90"),
    ];
    let made = world.send("POST", "/.TOKEN/", &headers).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_key(&world, made.second_word(), "mjones07", "backup-secret").await;

    let headers = [
        ("x-owner-meta", "mjones07"),
        ("x-custom-meta-source", "a-new-password"),
        ("x-user-secret-key-meta", "a-new-password"),
        ("x-user-token-expires-meta", "2029-01-01T00:00:00.000Z"),
        ("authorization", auth.as_str()),
    ];
    let path = "/.TOKEN/?domain=cedadev-o.s3.jc.rl.ac.uk&setcookie=false";
    let made = world.send_to("10.12.105.34", "POST", path, &headers, "").await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_key(&world, made.second_word(), "mjones07", "a-new-password").await;
    assert_eq!(made.header("gateway-token"), Some(made.second_word()));
}
