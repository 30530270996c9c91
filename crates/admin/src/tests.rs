//! Each noun, over a real socket.

mod bucket_policies;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::{Access, Domains};
use audit::{Audit, Order};
use http::Method;
use identity::{Identity, MasterKey, UserStatus};
use metering::Metering;
use notify::{Notify, Site};
use objects::Objects;
use policy::{DefaultPolicy, Role};
use serde_json::{Value, json};
use storage::StorageError;
use storage::maintenance::{BackedUp, Maintenance, Progress, Verified};
use storage::memory::MemoryStore;
use tempfile::TempDir;
use tokio::net::UnixListener;
use types::{AccessKeyId, Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::audit::AuditQuery;
use crate::client::NO_BODY;
use crate::key::{CreateKey, KeyFilter};
use crate::maintenance::{BackupRequest, Outcome, ScrubView, Task, TaskKind};
use crate::role::{GrantRole, RevokeRole, RoleFilter, Validity};
use crate::tenancy::{CreateTenancy, SetTenancy};
use crate::user::CreateUser;
use crate::{AdminClient, AdminState, ClientError, Installation, SecretText, router};

/// A running server and its client. The socket goes with the directory.
struct World {
    client: AdminClient,
    state: AdminState,
    clock: Arc<ManualClock>,
    _directory: TempDir,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = Arc::new(MemoryStore::new());
        let time = || Arc::clone(&clock) as Arc<dyn Clock>;
        let master = MasterKey::generate(&*entropy);
        let metadata = Arc::clone(&store) as Arc<dyn storage::Metadata>;
        let identity = Identity::open(Arc::clone(&metadata), master, time(), Arc::clone(&entropy) as _).await;
        let identity = Arc::new(identity.expect("opens"));
        let audit = Audit::open(Arc::clone(&metadata), time()).await.expect("opens");
        let notify = Notify::open(Arc::clone(&metadata), Arc::clone(&identity), time(), Site::default(), None).await;
        let notify = Arc::new(notify.expect("opens"));
        let state = AdminState {
            identity: Arc::clone(&identity),
            access: Arc::new(Access::new(identity, Domains::default(), None, time())),
            metering: Arc::new(Metering::new(Arc::clone(&metadata), time())),
            objects: Arc::new(Objects::new(metadata, store, time(), entropy)),
            audit,
            notify,
            engine: Arc::new(Idle),
            tasks: crate::maintenance::Tasks::default(),
            clock: time(),
            started: clock.now(),
            installation: Arc::new(Installation { version: "1.2.3".to_owned(), ..Installation::default() }),
        };
        let directory = TempDir::new().expect("a directory");
        let socket = directory.path().join("admin.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(axum::serve(listener, router(state.clone())).into_future());
        Self { client: AdminClient::new(socket), state, clock, _directory: directory }
    }

    /// With tenancy `ceda-o`, and ann, who is USER of it.
    async fn with_ann() -> Self {
        let world = Self::new().await;
        world.client.create_tenancy(&new_tenancy("ceda-o")).await.expect("made");
        world.client.create_user(&new_user("ann")).await.expect("made");
        world.client.grant_role(&tenancy("ceda-o"), &user("ann"), &role(Role::User)).await.expect("granted");
        world
    }
}

/// An engine whose backups wait until they are stopped.
struct Idle;

impl Maintenance for Idle {
    fn failure(&self) -> Option<String> {
        None
    }

    fn verify(&self, _progress: &Progress) -> Result<Verified, StorageError> {
        let mut verified = Verified { log_bytes: 7, ..Verified::default() };
        verified.damages.add("segment 3", None);
        Ok(verified)
    }

    fn backup(&self, _directory: &Path, progress: &Progress) -> Result<BackedUp, StorageError> {
        progress.expect(100);
        while !progress.is_stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(StorageError::Io("stopped".to_owned()))
    }
}

#[tokio::test]
async fn one_work_runs_at_a_time_and_can_be_watched_and_stopped() {
    let world = World::new().await;
    let client = &world.client;
    assert_eq!(client.task().await.expect("answered"), None);
    let ended = async || loop {
        match client.task().await.expect("answered").expect("some") {
            Task { outcome: Some(outcome), .. } => return outcome,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(client.scrubs().await.expect("told"), ScrubView { under_way: None, last: None });
    client.start_scrub().await.expect("started");
    let Outcome::Done(report) = ended().await else { panic!("it is done") };
    assert_eq!((report.read_bytes, report.damages), (7, vec!["segment 3".to_owned()]));
    let last = client.scrubs().await.expect("told").last.expect("one");
    assert_eq!((last.ended, last.damage_count), (Some(world.clock.now()), 1));

    let relative = client.start_backup(&BackupRequest { directory: "backup".into() }).await;
    assert_eq!(code(relative), "InvalidRequest");
    client.start_backup(&BackupRequest { directory: "/backup".into() }).await.expect("started");
    assert_eq!(code(client.start_scrub().await), "Busy");
    let task = client.task().await.expect("answered").expect("some");
    assert_eq!((task.kind, task.outcome), (TaskKind::Backup, None));
    client.stop_task().await.expect("asked");
    assert_eq!(ended().await, Outcome::Failed("it was stopped before its end".to_owned()));
    client.start_scrub().await.expect("there is room again");
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

fn new_tenancy(name: &str) -> CreateTenancy {
    serde_json::from_value(json!({ "name": name })).expect("a request")
}

fn new_user(name: &str) -> CreateUser {
    CreateUser { name: user(name), email: None, password: None }
}

fn role(role: Role) -> GrantRole {
    GrantRole::of(role)
}

fn new_key(tenancy_name: &str, owner: &str) -> CreateKey {
    serde_json::from_value(json!({ "tenancy": tenancy_name, "user": owner })).expect("a request")
}

fn narrow_key() -> CreateKey {
    let scope = json!({
        "access": "read-only",
        "targets": ["data", "results/2026/"],
        "sources": ["192.0.2.0/24"],
    });
    serde_json::from_value(json!({ "tenancy": "ceda-o", "user": "ann", "scope": scope })).expect("a request")
}

#[tokio::test]
async fn sessions_are_ended() {
    let world = World::with_ann().await;
    let ended = world.client.end_sessions(&user("ann")).await.expect("ended");
    assert_eq!((ended.user, ended.until), (user("ann"), world.clock.now()));
    let standing = world.state.identity.standing(&user("ann")).await.expect("asked").expect("there");
    assert_eq!(standing.sessions_ended, Some(ended.until));
    assert_eq!(code(world.client.end_sessions(&user("eve")).await), "NoSuchUser");
}

/// The code of a refusal, which must say something to people too.
fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    match result {
        Err(ClientError::Refused(detail)) => {
            assert!(!detail.message.is_empty());
            detail.code
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn tenancies() {
    let World { client, .. } = &World::new().await;
    let mut new = new_tenancy("ceda-o");
    new.quota_bytes = Some(10 << 40);
    new.default_policy = DefaultPolicy::Members;
    new.endpoints = vec!["Data.CEDA.ac.uk".to_owned()];
    let made = client.create_tenancy(&new).await.expect("made");
    assert_eq!(made.created, Timestamp::from_secs(1_800_000_000));
    assert_eq!((made.quota_bytes, made.default_policy), (Some(10 << 40), DefaultPolicy::Members));
    assert_eq!(made.endpoints, ["data.ceda.ac.uk"]);
    assert_eq!(client.show_tenancy(&made.name).await.expect("there"), made);
    assert_eq!(code(client.create_tenancy(&new).await), "TenancyExists");

    let mut other = new_tenancy("a-o");
    other.endpoints = vec!["data.ceda.ac.uk".to_owned()];
    assert_eq!(code(client.create_tenancy(&other).await), "EndpointTaken");
    other.endpoints = vec!["https://data".to_owned()];
    assert_eq!(code(client.create_tenancy(&other).await), "InvalidRequest");
    other.endpoints.clear();
    let other = client.create_tenancy(&other).await.expect("made");
    assert_eq!(client.list_tenancies().await.expect("listed").items, [other.clone(), made.clone()]);

    // What is not named stays; null takes a limit away.
    let set = SetTenancy { description: Some("Environmental data".to_owned()), ..SetTenancy::default() };
    let changed = client.set_tenancy(&made.name, &set).await.expect("changed");
    assert_eq!((changed.quota_bytes, changed.description.as_str()), (Some(10 << 40), "Environmental data"));
    let set = SetTenancy { quota_bytes: Some(None), ..SetTenancy::default() };
    let changed = client.set_tenancy(&made.name, &set).await.expect("changed");
    assert_eq!((changed.quota_bytes, changed.description.as_str()), (None, "Environmental data"));

    client.delete_tenancy(&other.name).await.expect("deleted");
    for refused in [
        code(client.delete_tenancy(&other.name).await),
        code(client.show_tenancy(&other.name).await),
        code(client.set_tenancy(&other.name, &SetTenancy::default()).await),
    ] {
        assert_eq!(refused, "NoSuchTenancy");
    }
}

#[tokio::test]
async fn users() {
    let World { client, state, .. } = &World::with_ann().await;
    let new = CreateUser {
        name: user("bob.j@x.org"),
        email: Some("bob@example.org".to_owned()),
        password: Some(SecretText::new("correct horse")),
    };
    let bob = client.create_user(&new).await.expect("made");
    assert_eq!(code(client.create_user(&new).await), "UserExists");
    for (email, password) in [(Some("nonsense"), None), (None, Some("short"))] {
        let email = email.map(str::to_owned);
        let bad = CreateUser { name: user("eve"), email, password: password.map(SecretText::new) };
        assert_eq!(code(client.create_user(&bad).await), "InvalidRequest");
    }
    let names = client.list_users().await.expect("listed").items.into_iter().map(|user| user.name);
    assert_eq!(names.collect::<Vec<_>>(), [user("ann"), user("bob.j@x.org")]);

    let directory = state.identity.directory();
    assert!(directory.verify_password(&bob.name, "correct horse").await.expect("checked").is_some());
    assert_eq!(client.disable_user(&bob.name).await.expect("disabled").status, UserStatus::Disabled);
    assert!(directory.verify_password(&bob.name, "correct horse").await.expect("checked").is_none());
    assert_eq!(client.enable_user(&bob.name).await.expect("enabled").status, UserStatus::Active);

    client.create_key(&new_key("ceda-o", "ann")).await.expect("made");
    let detail = client.show_user(&user("ann")).await.expect("there");
    assert_eq!((detail.roles.len(), detail.keys.len()), (1, 1));
    client.delete_user(&user("ann")).await.expect("deleted");
    for refused in [
        code(client.show_user(&user("ann")).await),
        code(client.disable_user(&user("ann")).await),
        code(client.delete_user(&user("ann")).await),
        code(client.list_roles(&RoleFilter { user: Some(user("ann")), tenancy: None }).await),
    ] {
        assert_eq!(refused, "NoSuchUser");
    }
    let filter = KeyFilter { tenancy: Some(tenancy("ceda-o")), user: None };
    assert_eq!(client.list_keys(&filter).await.expect("listed").items, []);
}

#[tokio::test]
async fn roles() {
    let World { client, clock, .. } = &World::with_ann().await;
    client.create_tenancy(&new_tenancy("noc-o")).await.expect("made");
    client.create_user(&new_user("bob+1")).await.expect("made");
    let until = Timestamp::from_secs(1_900_000_000);
    let deputy = GrantRole { expires: Some(until), ..role(Role::Deputy) };
    let granted = client.grant_role(&tenancy("noc-o"), &user("bob+1"), &deputy).await.expect("granted");
    assert_eq!((granted.role, granted.expires, granted.validity), (Role::Deputy, Some(until), Validity::Active));

    let filter = |in_tenancy: Option<&str>, of: Option<&str>| RoleFilter {
        tenancy: in_tenancy.map(tenancy),
        user: of.map(user),
    };
    for (filter, expected) in [
        (filter(None, None), vec!["ann", "bob+1"]),
        (filter(Some("noc-o"), None), vec!["bob+1"]),
        (filter(None, Some("ann")), vec!["ann"]),
        (filter(None, Some("bob+1")), vec!["bob+1"]),
        (filter(Some("noc-o"), Some("ann")), vec![]),
    ] {
        let roles = client.list_roles(&filter).await.expect("listed").items;
        assert_eq!(roles.iter().map(|role| role.user.as_str()).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    clock.set(until);
    let roles = client.list_roles(&filter(Some("noc-o"), None)).await.expect("listed").items;
    assert_eq!(roles[0].validity, Validity::Expired);
    assert_eq!(code(client.grant_role(&tenancy("noc-o"), &user("bob+1"), &deputy).await), "InvalidRequest");

    let longer = GrantRole { expires: Some(until.plus_secs(3600)), ..role(Role::Deputy) };
    client.grant_role(&tenancy("noc-o"), &user("bob+1"), &longer).await.expect("granted anew");
    let gone = RevokeRole::all("left the project");
    let revoked = client.revoke_role(&tenancy("noc-o"), &user("bob+1"), &gone).await.expect("revoked").items;
    assert_eq!((revoked.len(), revoked[0].reason.as_str()), (1, "left the project"));
    assert_eq!(code(client.revoke_role(&tenancy("noc-o"), &user("bob+1"), &gone).await), "NoRole");
    let nobody = client.grant_role(&tenancy("noc-o"), &user("eve"), &role(Role::User)).await;
    assert_eq!(code(nobody), "NoSuchUser");
    assert_eq!(code(client.list_roles(&filter(Some("x"), None)).await), "NoSuchTenancy");
}

#[tokio::test]
async fn keys() {
    let world = World::with_ann().await;
    let World { client, clock, .. } = &world;
    let mut new = new_key("ceda-o", "ann");
    new.description = "laptop".to_owned();
    new.expires = Some(clock.now().plus_secs(60));
    let made = client.create_key(&new).await.expect("made");
    assert_eq!((made.key.access_key.as_str().len(), made.secret.expose().len()), (32, 40));
    assert_eq!((made.key.description.as_str(), made.key.validity), ("laptop", Validity::Active));

    let mut import = new_key("ceda-o", "ann");
    import.access_key = Some(AccessKeyId::new("AKIA.old-1").expect("an id"));
    assert_eq!(code(client.create_key(&import).await), "InvalidRequest");
    import.secret = Some(SecretText::new("short"));
    assert_eq!(code(client.create_key(&import).await), "InvalidRequest");
    import.secret = Some(SecretText::new("a/secret+of=old"));
    let imported = client.create_key(&import).await.expect("imported");
    assert_eq!(imported.secret.expose(), "a/secret+of=old");
    assert_eq!(code(client.create_key(&import).await), "KeyExists");

    clock.advance_secs(60);
    let filter = KeyFilter { tenancy: None, user: Some(user("ann")) };
    let keys = client.list_keys(&filter).await.expect("listed").items;
    let validity = |id: &AccessKeyId| keys.iter().find(|key| key.access_key == *id).map(|key| key.validity);
    assert_eq!(validity(&made.key.access_key), Some(Validity::Expired));
    assert_eq!(validity(&imported.key.access_key), Some(Validity::Active));

    client.create_user(&new_user("bob")).await.expect("made");
    assert_eq!(code(client.create_key(&new_key("ceda-o", "bob")).await), "NoRole");
    assert_eq!(code(client.create_key(&new_key("ceda-o", "eve")).await), "NoSuchUser");
    assert_eq!(code(client.create_key(&new_key("x", "ann")).await), "NoSuchTenancy");
    let made = client.create_key(&narrow_key()).await.expect("made");
    let shown = client.key(&made.key.access_key).await.expect("shown");
    assert_eq!(shown, made.key);
    assert_eq!(shown.scope.to_string(), "read-only to data, results/2026/ from 192.0.2.0/24");
    assert_eq!(shown.last_use, None);
    let record = world.state.identity.key(&made.key.access_key).await.expect("asked").expect("there");
    world.state.identity.note_use(&record, [192, 0, 2, 7].into(), "GetObject");
    let last_use = client.key(&made.key.access_key).await.expect("shown").last_use.expect("used");
    assert_eq!((last_use.at, last_use.operation.as_str()), (clock.now(), "GetObject"));
    let mut many = narrow_key();
    many.scope.sources = vec![many.scope.sources[0]; 101];
    assert_eq!(code(client.create_key(&many).await), "InvalidRequest");
    assert_eq!(code(client.key(&AccessKeyId::new("none").expect("an id")).await), "NoSuchKey");
    client.delete_key(&imported.key.access_key).await.expect("deleted");
    assert_eq!(code(client.delete_key(&imported.key.access_key).await), "NoSuchKey");
}

#[tokio::test]
async fn status() {
    let World { client, clock, .. } = &World::with_ann().await;
    clock.advance_secs(5);
    let status = client.status().await.expect("answers");
    assert_eq!(status.installation.version, "1.2.3");
    assert_eq!((status.tenancies, status.now.as_secs() - status.started.as_secs()), (1, 5));
}

#[tokio::test]
async fn the_demo_can_be_made_twice_and_its_usage_is_told() {
    let World { client, .. } = &World::new().await;
    let first = client.demo().await.expect("made");
    let usage = client.usage(None).await.expect("told");
    let second = client.demo().await.expect("made again");
    assert_ne!(first.access_key, second.access_key);
    assert_eq!(client.usage(None).await.expect("told"), usage);
    assert_eq!(usage.tenancies[0].tenancy, first.tenancy);
    assert!(usage.tenancies[0].stored.bytes > 8 * 12 * 18 * 36 * 4);

    let detail = client.usage(Some(&first.tenancy)).await.expect("told").tenancies.remove(0);
    assert_eq!([detail.buckets[0].stored, detail.users[0].stored], [detail.stored; 2]);
    assert_eq!((&detail.buckets[0].owner, &detail.users[0].user), (&first.user, &first.user));
    assert_eq!(code(client.delete_tenancy(&first.tenancy).await), "TenancyHasBuckets");
    assert_eq!(code(client.usage(Some(&tenancy("x"))).await), "NoSuchTenancy");
}

#[tokio::test]
async fn what_is_no_request_of_the_api_is_refused_in_its_words() {
    let World { client, .. } = &World::with_ann().await;
    for (method, path, body, expected) in [
        (Method::GET, "/v1/nothing", None, "NoSuchCall"),
        (Method::GET, "/", None, "NoSuchCall"),
        (Method::POST, "/v1/status", None, "NoSuchCall"),
        (Method::POST, "/v1/tenancies", None, "InvalidRequest"),
        (Method::POST, "/v1/tenancies", Some(json!({ "name": "UPPER" })), "InvalidRequest"),
        (Method::POST, "/v1/tenancies", Some(json!({ "name": "a", "qouta": 1 })), "InvalidRequest"),
        (
            Method::POST,
            "/v1/tenancies",
            Some(json!({ "name": "a", "description": "x".repeat(2000) })),
            "InvalidRequest",
        ),
        (
            Method::POST,
            "/v1/tenancies",
            Some(json!({ "name": "a", "description": "x".repeat(1 << 20) })),
            "InvalidRequest",
        ),
        (Method::GET, "/v1/tenancies/UPPER", None, "InvalidRequest"),
        (Method::GET, "/v1/roles?tenant=a", None, "InvalidRequest"),
        (Method::PUT, "/v1/tenancies/ceda-o/roles/ann", Some(json!({ "role": "KING" })), "InvalidRequest"),
        (
            Method::PUT,
            "/v1/tenancies/ceda-o/roles/ann",
            Some(json!({ "role": "USER", "expires": "soon" })),
            "InvalidRequest",
        ),
    ] {
        let result = match &body {
            Some(body) => client.call::<Value>(method, path, Some(body)).await,
            None => client.call::<Value>(method, path, NO_BODY).await,
        };
        assert_eq!(code(result), expected, "{path} {:?}", body.map(|body| body.to_string().len()));
    }
}

#[tokio::test]
async fn without_a_server_the_client_says_what_to_do() {
    let directory = TempDir::new().expect("a directory");
    let client = AdminClient::new(directory.path().join("admin.sock"));
    let error = client.status().await.expect_err("nobody answers");
    assert!(matches!(error, ClientError::NotRunning { .. }));
    assert!(error.to_string().contains("commonhold serve"));
}

#[tokio::test]
async fn changes_are_recorded_before_they_are_answered_and_reads_are_not() {
    let world = World::with_ann().await;
    let client = &world.client;
    client.list_users().await.expect("listed");
    let made = client.create_key(&new_key("ceda-o", "ann")).await.expect("made");
    assert_eq!(code(client.delete_tenancy(&tenancy("none")).await), "NoSuchTenancy");
    let page = client.audit_page(&AuditQuery { order: Order::Oldest, ..AuditQuery::default() }).await.expect("a page");
    let told = page.entries.iter().map(|line| {
        let entry = &line.entry;
        (entry.action.as_str(), entry.target.as_str(), entry.outcome, entry.error.as_str())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("tenancy.create", "tenancies ceda-o", audit::Outcome::Done, ""),
            ("user.create", "users ann", audit::Outcome::Done, ""),
            ("role.grant", "tenancies ceda-o roles ann", audit::Outcome::Done, ""),
            ("key.create", "keys ann", audit::Outcome::Done, ""),
            ("tenancy.delete", "tenancies none", audit::Outcome::Refused, "NoSuchTenancy"),
        ]
    );
    let of_key = &page.entries[3].entry;
    assert_eq!(of_key.facts.get("access_key"), Some(&made.key.access_key.to_string()));
    let whole = format!("{page:?}");
    assert!(!whole.contains(made.secret.expose()), "no secret is recorded");
    assert_eq!(client.verify_audit(None).await.expect("proven").fault_count, 0);
}
