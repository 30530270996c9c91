//! A store in this process, and requests to its doors.

use std::sync::Arc;

use access::{Access, Domains, Operators};
use audit::{Audit, Filter, Order};
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use identity::{Identity, MasterKey, NewRole, NewTenancy, NewUser};
use metering::Metering;
use objects::Objects;
use policy::Role;
use serde_json::Value;
use storage::Engine;
use storage::memory::MemoryStore;
use tower::ServiceExt as _;
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::{Client, Swarm, router};

/// The host of the tenancy `cedadev-o`.
pub(super) const HOST: &str = "cedadev-o.s3.jc.rl.ac.uk:81";

pub(super) struct World {
    pub(super) swarm: Swarm,
    pub(super) clock: Arc<ManualClock>,
}

pub(super) fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

pub(super) fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// As the clients take the token out of an answer.
    pub(super) fn second_word(&self) -> &str {
        self.text.split_whitespace().nth(1).expect("a second word")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

/// `Basic` with the password that people of the world have.
pub(super) fn basic(name: &str) -> String {
    basic_with(name, &format!("password of {}", name.split(['@', '+']).next().unwrap_or(name)))
}

pub(super) fn basic_with(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{password}")))
}

impl World {
    /// The tenancy `cedadev-o` with its USERs `mjones07` and `ann`, its MANAGER `max`, `stranger` who belongs to
    /// `other-o`, and `oper` who runs the installation. The password of each is `password of <name>`.
    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let engine = Engine::new(Arc::new(MemoryStore::new()));
        let clock_of = || Arc::clone(&clock) as Arc<dyn Clock>;
        let master = MasterKey::generate(&*entropy);
        let identity = Identity::open(engine.metadata.clone(), master, clock_of(), entropy.clone()).await;
        let identity = Arc::new(identity.expect("opens"));
        for name in ["cedadev-o", "other-o"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        for (name, of, role) in [
            ("mjones07", "cedadev-o", Role::User),
            ("ann", "cedadev-o", Role::User),
            ("max", "cedadev-o", Role::Manager),
            ("stranger", "other-o", Role::Manager),
            ("oper", "other-o", Role::User),
        ] {
            let new = NewUser { name: user(name), email: None };
            identity.create_user(new, Some(&format!("password of {name}"))).await.expect("made");
            let new = NewRole { tenancy: tenancy(of), user: user(name), role, expires: None };
            identity.grant_role(new).await.expect("granted");
        }
        let domains = Domains::new(&["s3.jc.rl.ac.uk".to_owned()], &["s3-ext.jc.rl.ac.uk".to_owned()]);
        let access = Arc::new(Access::new(identity.clone(), domains, None, clock_of()));
        let audit = Audit::open(engine.metadata.clone(), clock_of()).await.expect("opens");
        let metering = Arc::new(Metering::new(engine.metadata.clone(), clock_of()));
        let objects = Arc::new(Objects::new(engine.metadata, engine.blobs, clock_of(), entropy.clone()));
        let operators = Arc::new(Operators::new([&"oper".to_owned()], []).expect("names"));
        let swarm = Swarm {
            identity,
            access,
            operators,
            objects,
            metering,
            audit,
            clock: clock_of(),
            entropy,
            version: "1.2.3",
        };
        Self { swarm, clock }
    }

    /// Sends a request to [`HOST`].
    pub(super) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send_to(HOST, method, path, headers, "").await
    }

    pub(super) async fn send_to(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).expect("a request");
        request.extensions_mut().insert(Client { address: [192, 0, 2, 1].into(), tls: false });
        let Ok(response) = router(self.swarm.clone(), Router::new()).oneshot(request).await;
        let (parts, body) = response.into_parts();
        let text = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(text.to_vec()).expect("text");
        Reply { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// What the audit log has, each entry as `actor action target outcome error`.
    pub(super) async fn log(&self) -> Vec<String> {
        self.swarm.audit.idle().await;
        let page = self.swarm.audit.page(&Filter::default(), Order::Oldest, None, 1_000).await.expect("read");
        let line = |line: audit::Line| {
            let entry = line.entry;
            format!(
                "{} {} {}: {} {} {}",
                entry.via,
                entry.actor,
                entry.action,
                entry.target,
                entry.outcome.name(),
                entry.error
            )
        };
        page.lines.into_iter().map(|one| line(one).trim().to_owned()).collect()
    }
}
