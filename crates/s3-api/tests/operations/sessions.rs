//! Requests signed with temporary credentials: the token in a header, in a presigned URL, and in a form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use identity::{NewSession, UserStatus};
use policy::Policy;
use sha1::Sha1;
use types::{AccessKeyId, TenancyName, UserName};

use crate::harness::Who::Owner;
use crate::harness::{HOST, Reply, World};
use crate::signer::{self, Key};

const TOKEN: &str = "x-amz-security-token";
const READ_ONLY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;

/// Temporary credentials as a client holds them.
struct Session {
    key: Key,
    token: String,
}

/// A session of the owner, made with the owner's key.
fn session(world: &World, policies: &[&str]) -> Session {
    let key = world.key(Owner).and_then(|key| AccessKeyId::new(&key.id).ok());
    let policies = policies.iter().map(|policy| Policy::parse_for_session(policy.as_bytes()).expect("a policy"));
    let issued = world.identity.issue_session(NewSession {
        owner: UserName::new("owner").expect("a name"),
        tenancy: TenancyName::new("t").expect("a name"),
        name: "job".to_owned(),
        role: None,
        key,
        groups: Vec::new(),
        policies: policies.collect(),
        expires: world.now().plus_secs(900),
    });
    let issued = issued.expect("made");
    let (id, secret) = (issued.session.info.id.to_string(), issued.session.secret.expose().to_owned());
    Session { key: Key { id, secret }, token: issued.token.to_string() }
}

/// Sends a request signed in its headers, with `token` among them before and `extra` after.
async fn send(
    world: &World,
    key: &Key,
    token: Option<&str>,
    (method, target): (&str, &str),
    extra: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut headers = vec![("host".to_owned(), HOST.to_owned())];
    headers.extend(token.map(|token| (TOKEN.to_owned(), token.to_owned())));
    let parts = target.split_once('?').unwrap_or((target, ""));
    signer::sign_headers(key, world.now(), method, parts, &mut headers, &signer::sha256_hex(body));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.extend(extra);
    world.send_bare(method, target, &headers, body).await
}

#[tokio::test]
async fn a_token_in_a_header_is_checked_with_its_key() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let (ours, other) = (session(&world, &[]), session(&world, &[]));
    let get = ("GET", "/bkt/k");
    let reply = send(&world, &ours.key, Some(&ours.token), get, &[], b"").await.expect(200);
    assert_eq!(reply.text(), "content");
    send(&world, &ours.key, Some(&ours.token), ("PUT", "/bkt/new"), &[], b"x").await.expect(200);

    let owner = world.key(Owner).expect("a key").clone();
    let forged = format!("{}A", &ours.token[..ours.token.len() - 1]);
    for (key, token, extra, status, code) in [
        (&ours.key, None, &[][..], 403, "InvalidAccessKeyId"),
        (&ours.key, Some(other.token.as_str()), &[], 400, "InvalidToken"),
        (&owner, Some(&ours.token), &[], 400, "InvalidToken"),
        (&ours.key, Some("nonsense"), &[], 400, "InvalidToken"),
        (&ours.key, Some(&forged[..ours.token.len() - 4]), &[], 400, "InvalidToken"),
        // A token that the signature does not cover.
        (&ours.key, None, &[(TOKEN, ours.token.as_str())], 403, "AccessDenied"),
        (&owner, None, &[(TOKEN, "nonsense")], 400, "InvalidToken"),
        (
            &Key { secret: owner.secret.clone(), ..ours.key.clone() },
            Some(&ours.token),
            &[],
            403,
            "SignatureDoesNotMatch",
        ),
    ] {
        let reply = send(&world, key, token, get, extra, b"").await;
        reply.expect_error(status, code);
    }
    world.clock.advance_secs(900);
    send(&world, &ours.key, Some(&ours.token), get, &[], b"").await.expect_error(400, "ExpiredToken");
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_with_its_owner() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let ours = session(&world, &[]);
    let get = async || send(&world, &ours.key, Some(&ours.token), ("GET", "/bkt/k"), &[], b"").await;
    let owner = UserName::new("owner").expect("a name");
    world.identity.set_user_status(&owner, UserStatus::Disabled).await.expect("disabled");
    get().await.expect_error(403, "AccessDenied");
    world.identity.set_user_status(&owner, UserStatus::Active).await.expect("enabled");
    get().await.expect(200);
    let key = AccessKeyId::new(&world.key(Owner).expect("a key").id).expect("an id");
    world.identity.delete_key(&key).await.expect("deleted");
    get().await.expect_error(400, "ExpiredToken");
}

#[tokio::test]
async fn a_session_does_what_its_policy_allows() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let ours = session(&world, &[READ_ONLY]);
    for (request, allowed) in [
        (("GET", "/bkt/k"), true),
        (("GET", "/bkt?list-type=2"), true),
        (("PUT", "/bkt/new"), false),
        (("DELETE", "/bkt/k"), false),
        (("PUT", "/new-bucket"), false),
    ] {
        let reply = send(&world, &ours.key, Some(&ours.token), request, &[], b"").await;
        if allowed {
            reply.expect(200);
        } else {
            reply.expect_error(403, "AccessDenied");
        }
    }
}

/// AWS's way to end the sessions that were given out before a moment, for one bucket.
#[tokio::test]
async fn a_bucket_policy_knows_when_a_session_was_given_out() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let before = session(&world, &[]);
    world.clock.advance_secs(1);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::bkt/*","Condition":{{"DateLessThan":{{"aws:TokenIssueTime":"{}"}}}}}}]}}"#,
        world.now().to_iso8601()
    );
    world.send(Owner, "PUT", "/bkt?policy", &[], policy.as_bytes()).await.expect(204);
    world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
    send(&world, &before.key, Some(&before.token), ("GET", "/bkt/k"), &[], b"").await.expect_error(403, "AccessDenied");
    let after = session(&world, &[]);
    send(&world, &after.key, Some(&after.token), ("GET", "/bkt/k"), &[], b"").await.expect(200);
}

#[tokio::test]
async fn presigned_urls_carry_the_token() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let (ours, other) = (session(&world, &[]), session(&world, &[]));
    let presigned = |token: &str| {
        let token = format!("X-Amz-Security-Token={token}");
        signer::presign(&ours.key, world.now(), "GET", HOST, ("/bkt/k", &token), 60)
    };
    let get = async |query: &str| world.send_bare("GET", &format!("/bkt/k?{query}"), &[("host", HOST)], b"").await;
    assert_eq!(get(&presigned(&ours.token)).await.expect(200).text(), "content");
    get(&presigned(&other.token)).await.expect_error(400, "InvalidToken");
    let without = signer::presign(&ours.key, world.now(), "GET", HOST, ("/bkt/k", ""), 60);
    get(&without).await.expect_error(403, "InvalidAccessKeyId");
    get(&format!("{without}&X-Amz-Security-Token={}", ours.token)).await.expect_error(403, "SignatureDoesNotMatch");
}

/// The signature of version 2: HMAC-SHA1 in base64.
fn sign_v2(key: &Key, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.secret.as_bytes()).expect("any length is a key");
    mac.update(text.as_bytes());
    BASE64.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn version_2_carries_the_token_too() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let ours = session(&world, &[]);
    let date = world.now().to_http_date();
    let text = format!("GET\n\n\n{date}\n{TOKEN}:{}\n/bkt/k", ours.token);
    let authorization = format!("AWS {}:{}", ours.key.id, sign_v2(&ours.key, &text));
    let signed = [("host", HOST), ("date", &date), ("authorization", &authorization)];
    let with_token: Vec<_> = signed.iter().copied().chain([(TOKEN, ours.token.as_str())]).collect();
    assert_eq!(world.send_bare("GET", "/bkt/k", &with_token, b"").await.expect(200).text(), "content");
    world.send_bare("GET", "/bkt/k", &signed, b"").await.expect_error(403, "InvalidAccessKeyId");

    // botocore's presigned URLs of version 2: the token stands in the query and is signed as the header.
    let expires = world.now().plus_secs(60).as_secs().to_string();
    let encode = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let presigned = |signed_token: &str| {
        let signature = sign_v2(&ours.key, &format!("GET\n\n\n{expires}\n{signed_token}/bkt/k"));
        format!(
            "/bkt/k?AWSAccessKeyId={}&Expires={expires}&Signature={}&{TOKEN}={}",
            ours.key.id,
            encode(&signature),
            ours.token
        )
    };
    let host = [("host", HOST)];
    let covered = presigned(&format!("{TOKEN}:{}\n", ours.token));
    assert_eq!(world.send_bare("GET", &covered, &host, b"").await.expect(200).text(), "content");
    world.send_bare("GET", &presigned(""), &host, b"").await.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn forms_carry_the_token() {
    let world = World::with_bucket("bkt").await;
    let (ours, other) = (session(&world, &[]), session(&world, &[]));
    let form = |token: Option<&str>, condition: &str| {
        let expires = world.now().plus_secs(60).to_iso8601();
        let (credential, date, _) = signer::sign_policy(&ours.key, world.now(), "");
        let document = format!(
            r#"{{"expiration":"{expires}","conditions":[{{"bucket":"bkt"}},["starts-with","$key",""],{condition}
            {{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},{{"x-amz-credential":"{credential}"}},{{"x-amz-date":"{date}"}}]}}"#
        );
        let policy = BASE64.encode(document);
        let (_, _, signature) = signer::sign_policy(&ours.key, world.now(), &policy);
        let mut fields = vec![
            ("key", "k".to_owned()),
            ("policy", policy),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", credential),
            ("x-amz-date", date),
            ("x-amz-signature", signature),
        ];
        fields.extend(token.map(|token| (TOKEN, token.to_owned())));
        let fields = fields
            .iter()
            .map(|(name, value)| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncontent\r\n--b--\r\n";
        fields.chain([file.to_owned()]).collect::<String>().into_bytes()
    };
    let post = async |form: Vec<u8>| {
        let headers = [("host", HOST), ("content-type", "multipart/form-data; boundary=b")];
        world.send_bare("POST", "/bkt", &headers, &form).await
    };
    let condition = |token: &str| format!(r#"{{"{TOKEN}":"{token}"}},"#);
    post(form(Some(&ours.token), &condition(&ours.token))).await.expect(204);
    post(form(Some(&ours.token), "")).await.expect_error(403, "AccessDenied");
    post(form(Some(&other.token), &condition(&other.token))).await.expect_error(400, "InvalidToken");
    post(form(None, "")).await.expect_error(403, "InvalidAccessKeyId");
}

/// The last use of a key is that of the sessions made with it, too.
#[tokio::test]
async fn uses_are_noted_with_address_and_operation() {
    let world = World::with_bucket("bkt").await;
    let id = AccessKeyId::new(&world.key(Owner).expect("a key").id).expect("an id");
    let last_use = async || {
        let key = world.identity.key(&id).await.expect("asked").expect("there");
        let found = world.identity.last_uses(std::slice::from_ref(&key.info)).await.expect("asked");
        let last_use = found.into_iter().next().flatten().expect("used");
        (last_use.at, last_use.source.to_string(), last_use.operation)
    };
    assert_eq!(last_use().await, (world.now(), "127.0.0.1".to_owned(), "CreateBucket".to_owned()));
    world.clock.advance_secs(60);
    let ours = session(&world, &[]);
    send(&world, &ours.key, Some(&ours.token), ("GET", "/bkt?list-type=2"), &[], b"").await.expect(200);
    assert_eq!(last_use().await, (world.now(), "127.0.0.1".to_owned(), "ListObjectsV2".to_owned()));
    world.clock.advance_secs(60);
    let wrong = Key { secret: "wrong secret".to_owned(), ..world.key(Owner).expect("a key").clone() };
    send(&world, &wrong, None, ("GET", "/bkt"), &[], b"").await.expect_error(403, "SignatureDoesNotMatch");
    assert_eq!(last_use().await.2, "ListObjectsV2", "a wrong signature is no use of the key");
}
