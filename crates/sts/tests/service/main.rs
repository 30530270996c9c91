//! The service as its clients meet it: requests of the Query API, and the documents that answer them.

mod signer;

use std::net::SocketAddr;
use std::sync::Arc;

use access::{Access, Credential, Domains};
use audit::{Audit, Filter, Order};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use identity::{Identity, MasterKey, NewKey, NewRole, NewTenancy, NewUser};
use policy::{KeyAccess, KeyScope, Principal, Role};
use storage::Metadata;
use storage::memory::MemoryStore;
use sts::StsService;
use types::{AccessKeyId, Clock, Entropy, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use signer::{Key, encode};

const HOST: &str = "a.s3.example.org";
const PASSWORD: &str = "correct horse";
const READ_ONLY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

struct World {
    access: Arc<Access>,
    audit: Audit,
    service: StsService,
    clock: Arc<ManualClock>,
}

struct Reply {
    status: u16,
    text: String,
}

impl Reply {
    /// The text of the first element of this name.
    fn get(&self, name: &str) -> Option<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let start = self.text.find(&open)? + open.len();
        let length = self.text[start..].find(&close)?;
        Some(self.text[start..start + length].to_owned())
    }

    fn expect(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    fn refusal(&self) -> (u16, String) {
        assert_ne!(self.status, 200, "{}", self.text);
        (self.status, self.get("Code").expect("a code"))
    }

    /// The temporary credentials in it.
    fn key(&self) -> Key {
        let get = |name| self.get(name).expect(name);
        Key { id: get("AccessKeyId"), secret: get("SecretAccessKey"), token: Some(get("SessionToken")) }
    }
}

impl World {
    /// Tenancies `a` and `b`; ann is USER and bob MANAGER of `a`, eve of `b`.
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let time = || Arc::clone(&clock) as Arc<dyn Clock>;
        let store = Arc::new(MemoryStore::new());
        let audit = Audit::open(Arc::clone(&store) as Arc<dyn Metadata>, time()).await.expect("opens");
        let identity = Identity::open(store, master, time(), Arc::clone(&entropy)).await;
        let identity = Arc::new(identity.expect("opens"));
        for name in ["a", "b"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        for (name, of, role) in [("ann", "a", Role::User), ("bob", "a", Role::Manager), ("eve", "b", Role::User)] {
            identity.create_user(NewUser { name: user(name), email: None }, Some(PASSWORD)).await.expect("made");
            let new = NewRole { tenancy: tenancy(of), user: user(name), role, expires: None };
            identity.grant_role(new).await.expect("granted");
        }
        let domains = Domains::new(&["s3.example.org".to_owned()], &[]);
        let access = Arc::new(Access::new(identity, domains, None, time()));
        let service = StsService::new(Arc::clone(&access), audit.clone(), time(), entropy);
        Self { access, audit, service, clock }
    }

    async fn key(&self, owner: &str, of: &str, scope: KeyScope) -> Key {
        let (tenancy, owner, description) = (tenancy(of), user(owner), String::new());
        let new = NewKey { tenancy, owner, description, expires: None, scope };
        let key = self.access.identity().create_key(new).await.expect("made");
        Key { id: key.info.id.to_string(), secret: key.secret.expose().to_owned(), token: None }
    }

    async fn deliver(&self, request: Request<Full<Bytes>>) -> Reply {
        let (parts, body) = request.into_parts();
        assert!(sts::is_request(&parts), "{} {}", parts.method, parts.uri);
        let remote = SocketAddr::from(([192, 0, 2, 7], 4000));
        let response = self.service.handle(Request::from_parts(parts, body), remote).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("text");
        Reply { status, text }
    }

    /// Posts a form, signed by `key` where there is one.
    async fn post(&self, host: &str, key: Option<&Key>, fields: &[(&str, &str)]) -> Reply {
        let body = form(fields);
        let headers = key.map(|key| signer::headers(key, self.clock.now(), "sts", host, body.as_bytes()));
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header("host", host)
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let headers = headers.unwrap_or_default();
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        self.deliver(request.body(Full::from(body)).expect("a request")).await
    }

    async fn call(&self, key: &Key, action: &str, more: &[(&str, &str)]) -> Reply {
        let mut fields = vec![("Action", action), ("Version", "2011-06-15")];
        fields.extend(more);
        self.post(HOST, Some(key), &fields).await
    }

    /// Who the temporary credentials in an answer are.
    async fn principal(&self, reply: &Reply) -> Arc<Principal> {
        let key = reply.key();
        let id = AccessKeyId::new(&key.id).expect("an id");
        let credential = self.access.find_credential(&id, key.token.as_deref()).await.expect("found");
        assert!(matches!(credential, Credential::Session(_)));
        self.access.principal_for(&credential, credential.tenancy()).await.expect("good")
    }
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_caller_is_told_who_they_are() {
    let world = World::new().await;
    let ann = world.key("ann", "a", KeyScope::default()).await;
    let reply = world.call(&ann, "GetCallerIdentity", &[]).await.expect();
    assert!(reply.text.contains(r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">"#));
    assert_eq!(reply.get("Arn").as_deref(), Some("arn:aws:iam::a:user/ann"));
    assert_eq!((reply.get("Account").as_deref(), reply.get("UserId").as_deref()), (Some("a"), Some("ann")));
    assert_eq!(reply.get("RequestId").map(|id| id.len()), Some(32));

    let session = world.call(&ann, "AssumeRole", &[("RoleSessionName", "job-17")]).await.expect();
    assert_eq!(session.get("AssumedRoleId").as_deref(), Some("ann:job-17"));
    let reply = world.call(&session.key(), "GetCallerIdentity", &[]).await.expect();
    assert_eq!(reply.get("Arn").as_deref(), Some("arn:aws:sts::a:assumed-role/ann/job-17"));
    // A presigned URL and another service's name, as clients make them.
    let uri = signer::presigned(&ann, world.clock.now(), HOST, "Action=GetCallerIdentity&Version=2011-06-15");
    let request = Request::builder().uri(uri).header("host", HOST).body(Full::default()).expect("a request");
    assert_eq!(world.deliver(request).await.expect().get("UserId").as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_session_is_narrowed_as_it_was_asked_for() {
    let world = World::new().await;
    let bob = world.key("bob", "a", KeyScope { access: KeyAccess::ReadOnly, ..KeyScope::default() }).await;
    let whole = world.call(&bob, "GetSessionToken", &[]).await.expect();
    let expires = Timestamp::parse_iso8601(&whole.get("Expiration").expect("an end")).expect("a moment");
    assert_eq!(expires, world.clock.now().plus_secs(43_200));
    let principal = world.principal(&whole).await;
    assert_eq!((principal.role, principal.session_policies.len()), (Some(Role::Manager), 0));
    assert_eq!(
        principal.key_scope.as_ref().map(|scope| scope.access),
        Some(KeyAccess::ReadOnly),
        "the key's bounds hold"
    );

    let asked = [
        ("RoleArn", "arn:aws:iam::a:role/USER"),
        ("RoleSessionName", "job"),
        ("Policy", READ_ONLY),
        ("DurationSeconds", "900"),
    ];
    let narrow = world.call(&bob, "AssumeRole", &asked).await.expect();
    let expires = Timestamp::parse_iso8601(&narrow.get("Expiration").expect("an end")).expect("a moment");
    assert_eq!(expires, world.clock.now().plus_secs(900));
    let principal = world.principal(&narrow).await;
    assert_eq!((principal.role, principal.session_policies.len()), (Some(Role::User), 1));
    let chained = world.call(&narrow.key(), "AssumeRole", &[("Policy", READ_ONLY)]).await.expect();
    let principal = world.principal(&chained).await;
    assert_eq!((principal.role, principal.session_policies.len()), (Some(Role::User), 2));
    for (action, fields, expected) in [
        ("GetSessionToken", &[][..], (403, "AccessDenied")),
        ("AssumeRole", &[("RoleArn", "arn:aws:iam::a:role/MANAGER")], (403, "AccessDenied")),
    ] {
        let (status, code) = world.call(&narrow.key(), action, fields).await.refusal();
        assert_eq!((status, code.as_str()), expected, "{action}");
    }
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_in_the_words_of_the_api() {
    let world = World::new().await;
    let ann = world.key("ann", "a", KeyScope::default()).await;
    let long = "x".repeat(2049);
    for (action, fields, expected) in [
        ("AssumeRole", &[("RoleArn", "arn:aws:iam::a:role/MANAGER")][..], (403, "AccessDenied")),
        ("AssumeRole", &[("RoleArn", "arn:aws:iam::b:role/USER")], (403, "AccessDenied")),
        ("AssumeRole", &[("RoleArn", "arn:aws:iam::123456789012:role/admin")], (400, "ValidationError")),
        ("AssumeRole", &[("RoleSessionName", "a b")], (400, "ValidationError")),
        ("AssumeRole", &[("DurationSeconds", "899")], (400, "ValidationError")),
        ("AssumeRole", &[("DurationSeconds", "43201")], (400, "ValidationError")),
        ("AssumeRole", &[("DurationSeconds", "soon")], (400, "ValidationError")),
        ("AssumeRole", &[("Policy", "{}")], (400, "MalformedPolicyDocument")),
        ("AssumeRole", &[("Policy", &long)], (400, "ValidationError")),
        ("AssumeRole", &[("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/x")], (400, "ValidationError")),
        ("GetSessionToken", &[("TokenCode", "123456")], (400, "ValidationError")),
        ("GetSessionToken", &[("DurationSeconds", "129601")], (400, "ValidationError")),
        ("GetFederationToken", &[], (400, "InvalidAction")),
        ("AssumeRoleWithWebIdentity", &[("WebIdentityToken", "a.b.c")], (400, "InvalidIdentityToken")),
        ("AssumeRoleWithWebIdentity", &[], (400, "MissingParameter")),
        ("AssumeRoleWithLDAPIdentity", &[("LDAPUsername", "ann")], (400, "MissingParameter")),
    ] {
        let (status, code) = world.call(&ann, action, fields).await.refusal();
        assert_eq!((status, code.as_str()), expected, "{action} {fields:?}");
    }
    let reply = world.post(HOST, Some(&ann), &[("Action", "GetCallerIdentity"), ("Version", "2012-10-17")]).await;
    assert_eq!(reply.refusal(), (400, "ValidationError".to_owned()));
    assert_eq!(world.post(HOST, Some(&ann), &[("x", "y")]).await.refusal(), (400, "MissingParameter".to_owned()));
    let large = "x".repeat(200 * 1024);
    let reply = world.post(HOST, Some(&ann), &[("Action", &large)]).await;
    assert_eq!(reply.refusal(), (413, "RequestEntityTooLarge".to_owned()));
}

#[tokio::test]
async fn credentials_that_prove_nothing_are_refused() {
    let world = World::new().await;
    let ann = world.key("ann", "a", KeyScope::default()).await;
    let sources = vec!["198.51.100.0/24".parse().expect("a range")];
    let elsewhere = world.key("ann", "a", KeyScope { sources, ..KeyScope::default() }).await;
    let session = world.call(&ann, "AssumeRole", &[("DurationSeconds", "900")]).await.expect().key();
    let other = world.call(&ann, "AssumeRole", &[]).await.expect().key();
    let key = |id: &str, secret: &str, token: Option<&String>| Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
        token: token.cloned(),
    };
    for (key, expected) in [
        (key("unknown", "secret", None), (403, "InvalidClientTokenId")),
        (key(&ann.id, "wrong secret", None), (403, "SignatureDoesNotMatch")),
        (key(&session.id, &session.secret, None), (403, "InvalidClientTokenId")),
        (key(&session.id, &session.secret, other.token.as_ref()), (403, "InvalidClientTokenId")),
        (key(&ann.id, &ann.secret, other.token.as_ref()), (403, "InvalidClientTokenId")),
        (key(&session.id, &ann.secret, session.token.as_ref()), (403, "SignatureDoesNotMatch")),
        (elsewhere, (403, "AccessDenied")),
    ] {
        let (status, code) = world.call(&key, "GetCallerIdentity", &[]).await.refusal();
        assert_eq!((status, code.as_str()), expected, "{}", key.id);
    }
    let unsigned = world.post(HOST, None, &[("Action", "AssumeRole"), ("Version", "2011-06-15")]).await;
    assert_eq!(unsigned.refusal(), (403, "MissingAuthenticationToken".to_owned()));
    let neighbour = world.post("b.s3.example.org", Some(&ann), &[("Action", "GetCallerIdentity")]).await;
    assert_eq!(neighbour.refusal(), (403, "AccessDenied".to_owned()));
    world.post("localhost:9000", Some(&ann), &[("Action", "GetCallerIdentity")]).await.expect();

    // The signature covers the body.
    let headers =
        signer::headers(&ann, world.clock.now(), "sts", HOST, form(&[("Action", "GetCallerIdentity")]).as_bytes());
    let request = Request::builder()
        .method(Method::POST)
        .uri("/")
        .header("host", HOST)
        .header("content-type", "application/x-www-form-urlencoded");
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let request = request.body(Full::from(form(&[("Action", "AssumeRole")]))).expect("a request");
    assert_eq!(world.deliver(request).await.refusal(), (403, "SignatureDoesNotMatch".to_owned()));

    world.clock.advance_secs(900);
    let (status, code) = world.call(&session, "GetCallerIdentity", &[]).await.refusal();
    assert_eq!((status, code.as_str()), (403, "ExpiredToken"));
}

#[tokio::test]
async fn a_name_and_a_password_make_a_session() {
    let world = World::new().await;
    let ask = async |host: &str, more: &[(&str, &str)]| {
        let mut fields = vec![("Action", "AssumeRoleWithLDAPIdentity"), ("Version", "2011-06-15")];
        fields.extend(more);
        world.post(host, None, &fields).await
    };
    let with = |name, password| [("LDAPUsername", name), ("LDAPPassword", password)];
    let reply = ask(HOST, &with("ann", PASSWORD)).await.expect();
    let principal = world.principal(&reply).await;
    assert_eq!((principal.user(), principal.role), (Some(&user("ann")), Some(Role::User)));

    let [name, password] = with("bob", PASSWORD);
    let here = ("RoleArn", "arn:aws:iam::a:role/USER");
    let reply = ask("localhost", &[name, password, here, ("Policy", READ_ONLY)]).await.expect();
    let principal = world.principal(&reply).await;
    assert_eq!((principal.role, principal.session_policies.len()), (Some(Role::User), 1));

    // All in the query of a POST without a body, as minio-py sends it.
    let query = form(&[("Action", "AssumeRoleWithLDAPIdentity"), ("Version", "2011-06-15"), name, password]);
    let request = Request::builder().method(Method::POST).uri(format!("/?{query}")).header("host", HOST);
    world.deliver(request.body(Full::default()).expect("a request")).await.expect();

    for (host, more, expected) in [
        (HOST, &with("ann", "wrong horse")[..], "AccessDenied"),
        (HOST, &with("nobody", PASSWORD), "AccessDenied"),
        (HOST, &with("eve", PASSWORD), "AccessDenied"),
        ("unknown.s3.example.org", &with("ann", PASSWORD), "AccessDenied"),
        ("localhost", &with("ann", PASSWORD), "AccessDenied"),
        (HOST, &[name, password, ("RoleArn", "arn:aws:iam::b:role/USER")], "ValidationError"),
        ("localhost", &[name, password, ("RoleArn", "arn:aws:iam::b:role/USER")], "AccessDenied"),
    ] {
        assert_eq!(ask(host, more).await.refusal().1, expected, "{host} {more:?}");
    }
    for _ in 0..20 {
        ask(HOST, &with("ann", "wrong horse")).await.refusal();
    }
    let locked = ask(HOST, &with("ann", PASSWORD)).await;
    assert_eq!(locked.refusal(), (403, "AccessDenied".to_owned()));
    assert!(locked.get("Message").expect("words").contains("Try again in"), "{}", locked.text);
}

#[test]
fn requests_of_s3_are_left_to_it() {
    let is_request = |method: &str, uri: &str, content_type: Option<&str>| {
        let request = Request::builder().method(method).uri(uri);
        let request = content_type.into_iter().fold(request, |request, value| request.header("content-type", value));
        sts::is_request(&request.body(()).expect("a request").into_parts().0)
    };
    let form = Some("application/x-www-form-urlencoded");
    for (method, uri, content_type, expected) in [
        ("POST", "/", form, true),
        ("POST", "/", Some("Application/X-WWW-Form-Urlencoded; charset=utf-8"), true),
        ("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", None, true),
        ("POST", "/?Action=AssumeRoleWithLDAPIdentity&Version=2011-06-15", None, true),
        ("GET", "/", None, false),
        ("GET", "/?Action=x", None, false),
        ("GET", "/?list-type=2&prefix=Action", None, false),
        ("POST", "/", Some("multipart/form-data; boundary=b"), false),
        ("POST", "/?delete", form, false),
        ("POST", "/bucket", form, false),
        ("POST", "/bucket?Action=x&Version=y", form, false),
        ("PUT", "/?Action=x&Version=y", form, false),
        ("HEAD", "/?Action=x&Version=y", None, false),
    ] {
        assert_eq!(is_request(method, uri, content_type), expected, "{method} {uri} {content_type:?}");
    }
}

/// Who got a session, from where, by which key and with which power is in the audit log; who did not is not.
#[tokio::test]
async fn sessions_are_in_the_audit_log() {
    let world = World::new().await;
    let ann = world.key("ann", "a", KeyScope::default()).await;
    let asked = [("RoleArn", "arn:aws:iam::a:role/USER"), ("RoleSessionName", "job"), ("Policy", READ_ONLY)];
    let assumed = world.call(&ann, "AssumeRole", &asked).await.expect();
    world.call(&ann, "GetSessionToken", &[]).await.expect();
    world.call(&ann, "GetCallerIdentity", &[]).await.expect();
    for password in ["wrong horse", PASSWORD] {
        let fields = [
            ("Action", "AssumeRoleWithLDAPIdentity"),
            ("Version", "2011-06-15"),
            ("LDAPUsername", "bob"),
            ("LDAPPassword", password),
        ];
        world.post(HOST, None, &fields).await;
    }
    let page = world.audit.page(&Filter::default(), Order::Oldest, None, 10).await.expect("read");
    let entries: Vec<_> = page.lines.iter().map(|line| &line.entry).collect();
    let said: Vec<_> = entries.iter().map(|entry| format!("{} {}", entry.actor, entry.action)).collect();
    let expected =
        ["user:ann sts:AssumeRole", "user:ann sts:GetSessionToken", "user:bob sts:AssumeRoleWithLDAPIdentity"];
    assert_eq!(said, expected);
    let first = entries[0];
    assert_eq!(first.target, format!("session {}", assumed.get("AccessKeyId").expect("a key")));
    assert_eq!(first.key.as_ref().map(AccessKeyId::as_str), Some(ann.id.as_str()));
    assert_eq!(first.tenancy, Some(tenancy("a")));
    for (name, value) in [("name", "job"), ("role", "USER"), ("policies", "1")] {
        assert_eq!(first.facts.get(name).map(String::as_str), Some(value), "{name}");
    }
    let secrets = [ann.secret.clone(), assumed.get("SecretAccessKey").expect("a secret"), PASSWORD.to_owned()];
    let log: String = page.lines.iter().map(audit::Line::to_json).collect();
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str())));
}
