//! A store in this process, and browsers that keep cookies and fill in forms.

use std::sync::Arc;

use access::{Access, Domains, Operators};
use audit::Audit;
use axum::body::Body;
use background::JobRuns;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use identity::{Identity, MasterKey, NewRole, NewTenancy, NewUser, UserStatus};
use metering::Metering;
use notify::Notify;
use objects::Objects;
use policy::Role;
use storage::maintenance::{BackedUp, Maintenance, Progress, Verified};
use storage::memory::MemoryStore;
use storage::{Engine, StorageError};
use tower::ServiceExt as _;
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::{Colour, DiskSpace, Logo, Portal, Program, Site, Visitor, router};

pub(super) struct World {
    pub(super) portal: Portal,
    pub(super) clock: Arc<ManualClock>,
}

/// A logo that would run a script if it could.
pub(super) const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";

/// The store in memory, which has nothing to look after.
struct NothingToMaintain;

impl Maintenance for NothingToMaintain {
    fn failure(&self) -> Option<String> {
        None
    }

    fn verify(&self, _: &Progress) -> Result<Verified, StorageError> {
        unreachable!("no page verifies the store")
    }

    fn backup(&self, _: &std::path::Path, _: &Progress) -> Result<BackedUp, StorageError> {
        unreachable!("no page makes a backup")
    }
}

pub(super) fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

pub(super) fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

impl World {
    /// The tenancy `t-o` with its USERs `ann` and `bob`, its MANAGER `max`, `stranger` who belongs to another,
    /// `expired` whose role has ended, and the operators `ops`, with no role, and `oda`, who is a USER too. The password of each is `password of <name>`.
    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let engine = Engine::new(Arc::new(MemoryStore::new()));
        let clock_of = || Arc::clone(&clock) as Arc<dyn Clock>;
        let master = MasterKey::generate(&*entropy);
        let identity = Identity::open(engine.metadata.clone(), master, clock_of(), entropy.clone()).await;
        let identity = Arc::new(identity.expect("opens"));
        for name in ["t-o", "other-o"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        let soon = Some(clock.now().plus_secs(1));
        for (name, of, role, expires) in [
            ("ann", "t-o", Role::User, None),
            ("bob", "t-o", Role::User, None),
            ("max", "t-o", Role::Manager, None),
            ("stranger", "other-o", Role::Manager, None),
            ("expired", "t-o", Role::Manager, soon),
            ("oda", "t-o", Role::User, None),
        ] {
            let new = NewUser { name: user(name), email: None };
            identity.create_user(new, Some(&format!("password of {name}"))).await.expect("made");
            let new = NewRole { tenancy: tenancy(of), user: user(name), role, expires };
            identity.grant_role(new).await.expect("granted");
        }
        let new = NewUser { name: user("ops"), email: None };
        identity.create_user(new, Some("password of ops")).await.expect("made");
        clock.advance_secs(2);
        let access = Arc::new(Access::new(identity.clone(), Domains::default(), None, clock_of()));
        let of_notify = (engine.metadata.clone(), identity.clone());
        let told_by = notify::Site { name: "Examples".to_owned(), portal_url: None, operators: Vec::new() };
        let notify = Notify::open(of_notify.0, of_notify.1, clock_of(), told_by, None).await.expect("opens");
        let notify = Arc::new(notify);
        let audit = Audit::open(engine.metadata.clone(), clock_of()).await.expect("opens");
        let metering = Arc::new(Metering::new(engine.metadata.clone(), clock_of()));
        let objects = Arc::new(Objects::new(engine.metadata, engine.blobs, clock_of(), entropy.clone()));
        let site = Arc::new(Site {
            name: "University of Examples".to_owned(),
            colour: Colour::DEFAULT,
            internal_domains: vec!["s3.example.org".to_owned()],
            external_domains: vec!["s3-ext.example.org".to_owned()],
            internal_port: Some(80),
            external_port: Some(443),
            region: "us-east-1".to_owned(),
            store_url: None,
            url: None,
            logo: Some(Logo::new(LOGO.as_bytes().to_vec()).expect("an image")),
            provider: "the Examples login".to_owned(),
        });
        let links = Arc::new(Signer);
        let operators = Operators::new(&["ops".to_owned(), "oda".to_owned()], &[]).expect("good");
        let program = Program {
            version: "0.0.0".to_owned(),
            started: clock.now(),
            data_dir: "/data".to_owned(),
            disk: Box::new(|| Ok(DiskSpace { total_bytes: 100 << 30, free_bytes: 5 << 30 })),
            engine: Arc::new(NothingToMaintain),
            jobs: JobRuns::default(),
        };
        let portal = Portal {
            identity,
            access,
            notify,
            audit,
            objects,
            metering,
            operators: Arc::new(operators),
            oidc: None,
            program: Arc::new(program),
            clock: clock_of(),
            entropy,
            site,
            links,
        };
        Self { portal, clock }
    }

    pub(super) async fn disable(&self, name: &str) {
        self.portal.identity.set_user_status(&user(name), UserStatus::Disabled).await.expect("disabled");
    }
}

/// What a browser got.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    pub(super) fn location(&self) -> &str {
        self.header(LOCATION.as_str()).unwrap_or_default()
    }

    /// The token of the forms on the page.
    pub(super) fn csrf(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("name=\"csrf\" value=\"")?;
        rest.split('"').next()
    }
}

pub(super) struct Browser {
    portal: Portal,
    pub(super) visitor: Visitor,
    pub(super) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(super) fn new(world: &World) -> Self {
        let visitor = Visitor { address: [192, 0, 2, 1].into(), tls: true };
        Self { portal: world.portal.clone(), visitor, cookies: Vec::new() }
    }

    /// The browser of a person who has just logged in.
    pub(super) async fn logged_in(world: &World, name: &str) -> Self {
        let mut browser = Self::new(world);
        let reply = browser.log_in(name, &format!("password of {name}")).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        browser
    }

    pub(super) async fn log_in(&mut self, name: &str, password: &str) -> Reply {
        self.post_from("/login", "/login", &[("name", name), ("password", password)]).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// As [`Self::get`], by a name of the portal.
    pub(super) async fn get_at(&mut self, host: &str, path: &str) -> Reply {
        self.send(Request::get(path).header(HOST, host).body(Body::empty()).expect("a request")).await
    }

    /// Fills in a form of the page at the same path, or above it.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = if path.ends_with("/new") { path } else { &path[..=path.rfind('/').expect("a path")] };
        self.post_from(page, path, fields).await
    }

    /// Fills in a form of the page at `page`.
    pub(super) async fn post_from(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let shown = self.get(page).await;
        let token = shown.csrf().unwrap_or_default().to_owned();
        self.post_with(path, fields, Some(&token)).await
    }

    pub(super) async fn post_with(&mut self, path: &str, fields: &[(&str, &str)], token: Option<&str>) -> Reply {
        let fields: Vec<_> = fields.iter().copied().chain(token.map(|token| ("csrf", token))).collect();
        let body = serde_html_form::to_string(&fields).expect("fields");
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// Sends files by the form of a bucket's browser, into a folder: names, types and contents.
    pub(super) async fn upload(&mut self, bucket: &str, folder: &str, files: &[(&str, &str, &str)]) -> Reply {
        let page = self.get(&format!("/object-stores/t-o/buckets/{bucket}/objects/")).await;
        let token = page.csrf().unwrap_or_default().to_owned();
        self.send_parts(bucket, &[("csrf", &token), ("prefix", folder)], files).await
    }

    /// Sends such a form with these fields before the files.
    pub(super) async fn send_parts(
        &mut self,
        bucket: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &str)],
    ) -> Reply {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        for (name, content_type, content) in files {
            body += &format!(
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: {content_type}\r\n\r\n{content}\r\n"
            );
        }
        body += "--x--\r\n";
        let request = Request::post(format!("/object-stores/t-o/buckets/{bucket}/objects/upload"))
            .header(CONTENT_TYPE, "multipart/form-data; boundary=x");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Reply {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(COOKIE, cookies.join("; ").parse().expect("a header"));
        }
        request.extensions_mut().insert(self.visitor);
        let Ok(response) = router(self.portal.clone()).oneshot(request).await;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            self.keep(cookie.to_str().expect("text"));
        }
        let text = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(text.to_vec()).expect("text");
        Reply { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    fn keep(&mut self, cookie: &str) {
        let parsed = cookie::Cookie::parse(cookie.to_owned()).expect("a cookie");
        self.cookies.retain(|(name, _)| name != parsed.name());
        if !parsed.value().is_empty() {
            self.cookies.push((parsed.name().to_owned(), parsed.value().to_owned()));
        }
    }
}

/// Signs links as the server does.
struct Signer;

impl crate::SignLinks for Signer {
    fn sign(&self, wanted: types::Presign<'_>) -> Option<String> {
        s3_protocol::auth::presign(wanted).ok()
    }
}
