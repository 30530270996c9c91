//! A whole store in this process: two tenancies with people and keys on the memory engine, and requests signed for it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use access::{Access, Domains};
use audit::Audit;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use identity::{Actor, Identity, MasterKey, NewKey, NewRole, NewTenancy, NewUser, UserStatus};
use objects::Objects;
use policy::{KeyScope, Role};
use s3_api::{ConnectionInfo, S3Config, S3Service};
use storage::Engine;
use storage::faults::Faulty;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::signer::{self, Key};

/// Who sends a request to tenancy `t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// No credentials.
    Nobody,
    /// The user `stranger`, with a key of another tenancy.
    Stranger,
    /// The user `foreign-manager`: MANAGER of another tenancy.
    ForeignManager,
    /// The user `expired`, who was USER of the tenancy.
    Expired,
    /// The user `disabled`: MANAGER of the tenancy, and disabled.
    Disabled,
    /// The user `suspended`: MANAGER of the tenancy until they were suspended.
    Suspended,
    /// The user `user`: USER of the tenancy.
    User,
    /// The user `owner`: USER of the tenancy, who owns the buckets that a test makes first.
    Owner,
    /// The user `deputy`: DEPUTY of the tenancy.
    Deputy,
    /// The user `manager`: MANAGER of the tenancy.
    Manager,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Stranger => "stranger",
            Self::ForeignManager => "foreign-manager",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::Suspended => "suspended",
            Self::Deputy => "deputy",
            Self::User => "user",
            Self::Owner => "owner",
            Self::Manager => "manager",
        }
    }
}

pub(crate) const HOST: &str = "t.s3.example.org";

pub(crate) struct World {
    pub(crate) service: Arc<S3Service>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) faults: Faulty,
    pub(crate) audit: Audit,
    pub(crate) access: Arc<Access>,
    pub(crate) objects: Arc<Objects>,
    keys: Vec<(Who, Key)>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::configured(S3Config::default()).await
    }

    /// A world whose portal has pages of this origin.
    pub(crate) async fn with_portal_at(origin: &str) -> Self {
        Self::configured(S3Config { portal_origins: vec![origin.to_owned()], ..S3Config::default() }).await
    }

    /// A world that says it is in this region.
    pub(crate) async fn in_region(region: &str) -> Self {
        Self::configured(S3Config { region: region.to_owned(), ..S3Config::default() }).await
    }

    async fn configured(config: S3Config) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let faults = Faulty::new(Engine::new(Arc::new(MemoryStore::new())));
        let engine = faults.engine();
        let clock_of = || Arc::clone(&clock) as Arc<dyn Clock>;
        let master = MasterKey::generate(&*entropy);
        let identity = Identity::open(engine.metadata.clone(), master, clock_of(), entropy.clone()).await;
        let identity = Arc::new(identity.expect("opens"));
        let mut keys = Vec::new();
        for name in ["t", "other"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        let soon = Timestamp::from_secs(clock.now().as_secs() + 1);
        for (who, of, role, expires) in [
            (Who::Stranger, "other", Role::User, None),
            (Who::ForeignManager, "other", Role::Manager, None),
            (Who::Expired, "t", Role::User, Some(soon)),
            (Who::Disabled, "t", Role::Manager, None),
            (Who::Suspended, "t", Role::Manager, None),
            (Who::User, "t", Role::User, None),
            (Who::Owner, "t", Role::User, None),
            (Who::Deputy, "t", Role::Deputy, None),
            (Who::Manager, "t", Role::Manager, None),
        ] {
            keys.push((who, member(&identity, who.name(), of, role, expires).await));
        }
        clock.set(soon);
        let disabled = UserName::new(Who::Disabled.name()).expect("a name");
        identity.set_user_status(&disabled, UserStatus::Disabled).await.expect("disabled");
        let suspended = UserName::new(Who::Suspended.name()).expect("a name");
        identity.suspend_user(&Actor::Operator, &suspended, "a trial").await.expect("suspended");
        for twin in ["twin-one", "twin-two"] {
            let (name, email) = (UserName::new(twin).expect("a name"), Some("shared@example.org".to_owned()));
            identity.create_user(NewUser { name, email }, None).await.expect("made");
        }
        let domains = Domains::new(&["s3.example.org".to_owned()], &[]);
        let access = Arc::new(Access::new(identity.clone(), domains, None, clock_of()));
        let audit = Audit::open(engine.metadata.clone(), clock_of()).await.expect("opens");
        let objects = Arc::new(Objects::new(engine.metadata, engine.blobs, clock_of(), entropy.clone()));
        let service = S3Service::new(
            Arc::clone(&access),
            identity.clone(),
            Arc::clone(&objects),
            audit.clone(),
            clock_of(),
            entropy,
            config,
        );
        Self { service: Arc::new(service), identity, clock, faults, audit, access, objects, keys }
    }

    /// A world in which the owner has a bucket of this name.
    pub(crate) async fn with_bucket(name: &str) -> Self {
        let world = Self::new().await;
        world.send(Who::Owner, "PUT", &format!("/{name}"), &[], b"").await.expect(200);
        world
    }

    pub(crate) fn key(&self, who: Who) -> Option<&Key> {
        self.keys.iter().find(|(holder, _)| *holder == who).map(|(_, key)| key)
    }

    /// The owner puts an object.
    pub(crate) async fn put(&self, path: &str, content: &[u8]) {
        self.send(Who::Owner, "PUT", &format!("/{path}"), &[], content).await.expect(200);
    }

    pub(crate) async fn enable_versioning(&self, bucket: &str) {
        let body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        self.send(Who::Owner, "PUT", &format!("/{bucket}?versioning"), &[], body).await.expect(200);
    }

    /// Sends a request; `target` is path and query, encoded.
    pub(crate) async fn send(
        &self,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let sent = self.signed(who, method, target, headers, &signer::sha256_hex(body));
        let length = body.len().to_string();
        let (body, _) = WatchedBody::new(Bytes::copy_from_slice(body));
        self.deliver(sent.header("content-length", length).body(body).expect("a request")).await
    }

    /// Sends a request whose body waits for `100 Continue`, and says whether it was asked for.
    pub(crate) async fn send_watched(
        &self,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (Reply, bool) {
        let sent = self.signed(who, method, target, headers, &signer::sha256_hex(body));
        let length = body.len().to_string();
        let (body, polled) = WatchedBody::new(Bytes::copy_from_slice(body));
        let reply = self
            .deliver(
                sent.header("expect", "100-continue").header("content-length", length).body(body).expect("a request"),
            )
            .await;
        (reply, polled.load(Ordering::SeqCst))
    }

    /// Sends a document with the `Content-MD5` that DeleteObjects wants.
    pub(crate) async fn send_with_md5(&self, who: Who, method: &str, target: &str, document: &str) -> Reply {
        use base64::Engine as _;
        let md5 = base64::engine::general_purpose::STANDARD.encode(types::Md5::of(document.as_bytes()));
        self.send(who, method, target, &[("content-md5", &md5)], document.as_bytes()).await
    }

    /// The owner puts an object and says that it has so many bytes, or does not say.
    pub(crate) async fn put_of_length(&self, target: &str, length: Option<u64>) -> Reply {
        let mut sent = self.signed(Who::Owner, "PUT", target, &[], "UNSIGNED-PAYLOAD");
        if let Some(length) = length {
            sent = sent.header("content-length", length.to_string());
        }
        self.deliver(sent.body(UnknownLength).expect("a request")).await
    }

    /// The owner begins to put an object whose content never comes, and goes away.
    pub(crate) async fn put_and_give_up(&self, target: &str) {
        let sent = self.signed(Who::Owner, "PUT", target, &[], "UNSIGNED-PAYLOAD").header("content-length", "5");
        let request = sent.body(NeverComes).expect("a request");
        let connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: false };
        let answer = self.service.handle(request, connection);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), answer).await;
        assert!(waited.is_err(), "there is no answer before the content has come");
    }

    /// Sends a request without signature headers, as a presigned URL is used.
    pub(crate) async fn send_plain(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send(Who::Nobody, method, target, headers, body).await
    }

    /// Sends a request with just these headers.
    pub(crate) async fn send_bare(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let request = Request::builder().method(method).uri(target).header("content-length", body.len());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (body, _) = WatchedBody::new(Bytes::copy_from_slice(body));
        self.deliver(request.body(body).expect("a request")).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a request to another host.
    pub(crate) async fn send_to(&self, host: &str, who: Who, method: &str, target: &str) -> Reply {
        let sent = self.signed_for(host, who, method, target, &[], &signer::sha256_hex(b""));
        let (body, _) = WatchedBody::new(Bytes::new());
        self.deliver(sent.header("content-length", "0").body(body).expect("a request")).await
    }

    /// The head of a request as it stands on the wire, without the empty line at its end.
    pub(crate) fn head(&self, who: Who, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let request = self.signed(who, method, target, headers, "UNSIGNED-PAYLOAD").body(()).expect("a request");
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in request.headers() {
            head += &format!("{name}: {}\r\n", value.to_str().expect("visible ASCII"));
        }
        head
    }

    fn signed(
        &self,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        payload_hash: &str,
    ) -> http::request::Builder {
        self.signed_for(HOST, who, method, target, headers, payload_hash)
    }

    fn signed_for(
        &self,
        host: &str,
        who: Who,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        payload_hash: &str,
    ) -> http::request::Builder {
        let mut all = vec![("host".to_owned(), host.to_owned())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if let Some(key) = self.key(who) {
            let parts = target.split_once('?').unwrap_or((target, ""));
            signer::sign_headers(key, self.now(), method, parts, &mut all, payload_hash);
        }
        let request = Request::builder().method(method).uri(target);
        all.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    async fn deliver<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes, Error = std::io::Error> + Send + 'static,
    {
        let connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: false };
        let response = self.service.handle(request, connection).await;
        let (head, body) = response.into_parts();
        for name in ["x-amz-request-id", "x-amz-id-2", "server"] {
            assert!(head.headers.contains_key(name), "every response has {name}");
        }
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }
}

async fn member(identity: &Identity, name: &str, of: &str, role: Role, expires: Option<Timestamp>) -> Key {
    let user = UserName::new(name).expect("a name");
    let email = Some(format!("{name}@example.org"));
    identity.create_user(NewUser { name: user.clone(), email }, None).await.expect("made");
    let grant = NewRole { tenancy: tenancy(of), user: user.clone(), role, expires };
    identity.grant_role(grant).await.expect("granted");
    let new = NewKey {
        tenancy: tenancy(of),
        owner: user,
        description: String::new(),
        expires: None,
        scope: KeyScope::default(),
    };
    let key = identity.create_key(new).await.expect("made");
    Key { id: key.info.id.to_string(), secret: key.secret.expose().to_owned() }
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

/// One piece that tells whether it was asked for.
struct WatchedBody {
    content: Option<Bytes>,
    polled: Arc<AtomicBool>,
}

impl WatchedBody {
    fn new(content: Bytes) -> (Self, Arc<AtomicBool>) {
        let polled = Arc::new(AtomicBool::new(false));
        (Self { content: Some(content), polled: polled.clone() }, polled)
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.polled.store(true, Ordering::SeqCst);
        Poll::Ready(self.content.take().filter(|content| !content.is_empty()).map(|content| Ok(Frame::data(content))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.as_ref().map_or(0, |content| content.len() as u64))
    }
}

/// A body that does not say how long it is.
struct UnknownLength;

impl Body for UnknownLength {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(None)
    }
}

/// A body that never comes.
struct NeverComes;

impl Body for NeverComes {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Pending
    }
}

/// A response, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("visible ASCII"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The content of every element of this name that has no elements in it, in order.
    pub(crate) fn all(&self, element: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{element}"), format!("</{element}>"));
        let content = |rest: &str| {
            let (attributes, rest) = rest.split_once('>')?;
            let is_whole_name = attributes.is_empty() || attributes.starts_with(' ');
            rest.split_once(&close).filter(|_| is_whole_name).map(|(content, _)| unescape(content))
        };
        text.split(&open).skip(1).filter_map(content).collect()
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> Option<String> {
        self.all("Code").into_iter().next()
    }

    /// The response, whose status must be this.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The response is this error.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_deref()), (status, Some(code)), "{}", self.text());
    }
}

fn unescape(text: &str) -> String {
    [("&quot;", "\""), ("&#34;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

/// A request and what is to be answered.
pub(crate) struct Case {
    who: Who,
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

impl Case {
    /// `code` is that of the error; empty where none is looked for.
    pub(crate) fn new(who: Who, method: &'static str, target: &str, status: u16, code: &'static str) -> Self {
        Self { who, method, target: target.to_owned(), headers: Vec::new(), body: Vec::new(), status, code }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }
}

/// Sends each request in turn and compares the answers.
pub(crate) async fn check_all(world: &World, cases: &[Case]) {
    for Case { who, method, target, headers, body, status, code } in cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = world.send(*who, method, target, &headers, body).await;
        let answered = (reply.status, reply.code().unwrap_or_default());
        let expected = (*status, (*code).to_owned());
        let shown = reply.text();
        assert_eq!(answered, expected, "{who:?} {method} {target} {headers:?}: {shown}");
    }
}
