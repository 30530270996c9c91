use std::sync::Arc;

use identity::{
    Actor, Identity, KeyRecord, MasterKey, NewKey, NewRole, NewTenancy, NewUser, Revocation, Secret, UserStatus,
};
use policy::{
    Acl, Action, BucketFacts, Caller, Context, DefaultPolicy, Facts, KeyAccess, KeyScope, Principal, Resource, decide,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use storage::memory::MemoryStore;
use types::{AccessKeyId, BucketName, Clock, ManualClock, ObjectKey, SeededEntropy};

use super::*;
use crate::Domains;

const READ_ONLY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;

struct World {
    access: Access,
    clock: Arc<ManualClock>,
}

fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

fn request() -> SessionRequest {
    SessionRequest { name: "job".to_owned(), role: None, policy: None, seconds: 3600 }
}

impl World {
    /// Tenancies `a` and `b`; ann is USER and bob MANAGER of `a`.
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let time = || Arc::clone(&clock) as Arc<dyn Clock>;
        let identity = Identity::open(Arc::new(MemoryStore::new()), master, time(), entropy).await.expect("opens");
        let world = Self { access: Access::new(Arc::new(identity), Domains::default(), None, time()), clock };
        for name in ["a", "b"] {
            world.identity().create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        for (name, role) in [("ann", Role::User), ("bob", Role::Manager)] {
            world.identity().create_user(NewUser { name: user(name), email: None }, None).await.expect("made");
            world.grant(name, role, None).await;
        }
        world
    }

    fn identity(&self) -> &Arc<Identity> {
        self.access.identity()
    }

    async fn grant(&self, who: &str, role: Role, expires: Option<Timestamp>) {
        let new = NewRole { tenancy: tenancy("a"), user: user(who), role, expires };
        self.identity().grant_role(new).await.expect("granted");
    }

    fn new_key(&self, owner: &str) -> NewKey {
        let (description, scope) = (String::new(), KeyScope::default());
        NewKey { tenancy: tenancy("a"), owner: user(owner), description, expires: None, scope }
    }

    async fn key(&self, new: NewKey) -> (Credential, Arc<KeyRecord>) {
        let key = self.identity().create_key(new).await.expect("made");
        (Credential::Key(Arc::clone(&key)), key)
    }

    async fn session(&self, from: &Credential, request: SessionRequest) -> Credential {
        let issued = self.access.session_from(from, request).await.expect("made");
        let id = &issued.session.info.id;
        self.access.find_credential(id, Some(&issued.token)).await.expect("found")
    }

    async fn principal(&self, credential: &Credential) -> Result<Arc<Principal>, &'static str> {
        let principal = self.access.principal_for(credential, &tenancy("a")).await;
        principal.map_err(|error| match error {
            AuthenticationError::ExpiredToken => "expired",
            AuthenticationError::OwnerDisabled(_) => "disabled",
            AuthenticationError::OwnerWithoutRole { .. } => "no role",
            error => panic!("{error}"),
        })
    }

    async fn refusal(&self, from: &Credential, request: SessionRequest) -> &'static str {
        match self.access.session_from(from, request).await.expect_err("refused") {
            SessionError::Authentication(AuthenticationError::ExpiredToken) => "expired",
            SessionError::Authentication(_) => "authentication",
            SessionError::Invalid { what, .. } => what,
            SessionError::Policy(_) => "the policy",
            SessionError::RoleNotHeld { .. } => "the role",
            SessionError::Identity(_) => "the size",
        }
    }
}

#[tokio::test]
async fn a_session_is_its_owner_in_its_tenancy_until_it_ends() {
    let world = World::new().await;
    let (ann, key) = world.key(world.new_key("ann")).await;
    let session = world.session(&ann, request()).await;
    let principal = world.principal(&session).await.expect("ann");
    let person = Caller::Person { name: user("ann"), key: Some(session.id().clone()) };
    assert_eq!((&principal.caller, principal.role), (&person, Some(Role::User)));
    assert_eq!(principal.groups, ["a-members"]);
    let elsewhere = world.access.principal_for(&session, &tenancy("b")).await.expect("a stranger");
    assert_eq!(elsewhere.role, None);

    let Credential::Session(held) = &session else { panic!("a session") };
    let issued = world.access.session_from(&ann, request()).await.expect("made");
    let (id, other) = (held.info.id.clone(), issued.session.info.id.clone());
    let find = async |id: &AccessKeyId, token: Option<&str>| match world.access.find_credential(id, token).await {
        Ok(_) => "found",
        Err(AuthenticationError::UnknownKey) => "unknown",
        Err(AuthenticationError::InvalidToken) => "invalid",
        Err(AuthenticationError::ExpiredToken) => "expired",
        Err(error) => panic!("{error}"),
    };
    assert_eq!(find(&other, Some(&issued.token)).await, "found");
    assert_eq!(find(&other, None).await, "unknown", "a session's key without its token");
    assert_eq!(find(&id, Some(&issued.token)).await, "invalid", "another session's token");
    assert_eq!(find(&key.info.id, Some(&issued.token)).await, "invalid", "a key with a token");
    assert_eq!(find(&other, Some("nonsense")).await, "invalid");
    assert_eq!(find(&key.info.id, Some("")).await, "invalid");
    world.clock.advance_secs(3599);
    assert_eq!(find(&other, Some(&issued.token)).await, "found");
    world.clock.advance_secs(1);
    assert_eq!(find(&other, Some(&issued.token)).await, "expired");
    assert_eq!(world.principal(&session).await, Err("expired"), "one that was found before it expired");
}

#[tokio::test]
async fn sessions_lose_their_power_with_what_they_came_from() {
    let world = World::new().await;
    let identity = world.identity();
    let (ann, key) = world.key(world.new_key("ann")).await;
    let session = world.session(&ann, request()).await;
    let for_person = world.access.session_for(user("ann"), tenancy("a"), Vec::new(), request()).await.expect("made");
    let for_person = Credential::Session(for_person.session);
    let both = async || (world.principal(&session).await.map(|_| ()), world.principal(&for_person).await.map(|_| ()));
    assert_eq!(both().await, (Ok(()), Ok(())));

    identity.set_user_status(&user("ann"), UserStatus::Disabled).await.expect("disabled");
    assert_eq!(both().await, (Err("disabled"), Err("disabled")));
    identity.set_user_status(&user("ann"), UserStatus::Active).await.expect("enabled");
    identity
        .revoke_role(&Actor::Operator, Revocation::of_all(&tenancy("a"), &user("ann"), "gone"))
        .await
        .expect("revoked");
    assert_eq!(both().await, (Err("no role"), Err("no role")));
    world.grant("ann", Role::User, None).await;
    assert_eq!(both().await, (Ok(()), Ok(())));

    identity.delete_key(&key.info.id).await.expect("deleted");
    assert_eq!(both().await, (Err("expired"), Ok(())), "the key is gone that one of them came from");
    world.clock.advance_secs(1);
    let secret = Secret::import(key.secret.expose()).expect("a secret");
    identity.import_key(world.new_key("ann"), key.info.id.clone(), secret).await.expect("imported");
    assert_eq!(both().await.0, Err("expired"), "another key of the same id does not revive it");

    identity.end_sessions(&user("ann")).await.expect("ended");
    assert_eq!(both().await, (Err("expired"), Err("expired")));
    world.clock.advance_secs(1);
    let later = world.access.session_for(user("ann"), tenancy("a"), Vec::new(), request()).await.expect("made");
    let later = Credential::Session(later.session);
    assert!(world.principal(&later).await.is_ok(), "new ones can be made");
    world.clock.advance_secs(1);
    identity.delete_user(&user("ann")).await.expect("deleted");
    identity.create_user(NewUser { name: user("ann"), email: None }, None).await.expect("made");
    world.grant("ann", Role::User, None).await;
    assert_eq!(world.principal(&later).await, Err("expired"), "another ann");
}

#[tokio::test]
async fn a_session_ends_with_the_first_end_of_what_it_comes_from() {
    let world = World::new().await;
    let now = world.clock.now();
    let lasting = async |credential: &Credential, seconds: u64| {
        let issued = world.access.session_from(credential, SessionRequest { seconds, ..request() }).await;
        issued.expect("made").session.info.expires.as_secs() - now.as_secs()
    };
    let (key, _) = world.key(NewKey { expires: Some(now.plus_secs(1800)), ..world.new_key("ann") }).await;
    assert_eq!(lasting(&key, 900).await, 900);
    assert_eq!(lasting(&key, 3600).await, 1800, "the key's end");
    world.grant("ann", Role::User, Some(now.plus_secs(1200))).await;
    assert_eq!(lasting(&key, 3600).await, 1200, "the role's end");
    let session = world.session(&key, SessionRequest { seconds: 900, ..request() }).await;
    assert_eq!(lasting(&session, 3600).await, 900, "the session's end");
    for (seconds, refused) in [(899, true), (900, false), (43_200, false), (43_201, true)] {
        let outcome = world.access.session_from(&key, SessionRequest { seconds, ..request() }).await;
        assert_eq!(matches!(outcome, Err(SessionError::Invalid { what: "duration", .. })), refused, "{seconds}");
    }
}

#[tokio::test]
async fn what_can_not_be_asked_for() {
    let world = World::new().await;
    let (ann, _) = world.key(world.new_key("ann")).await;
    let policy = |text: &str| SessionRequest { policy: Some(text.to_owned()), ..request() };
    let named = |name: &str| SessionRequest { name: name.to_owned(), ..request() };
    let long = format!("{}{}", READ_ONLY, " ".repeat(MAX_POLICY_CHARS));
    for (asked, expected) in [
        (named("x"), "role session name"),
        (named("a b"), "role session name"),
        (named(&"x".repeat(65)), "role session name"),
        (policy(&long), "policy"),
        (policy("{}"), "the policy"),
        (policy("nonsense"), "the policy"),
        (policy(""), "the policy"),
        (SessionRequest { role: Some(Role::Manager), ..request() }, "the role"),
    ] {
        assert_eq!(world.refusal(&ann, asked.clone()).await, expected, "{asked:?}");
    }
    let mut session = world.session(&ann, policy(READ_ONLY)).await;
    for _ in 0..3 {
        session = world.session(&session, policy(READ_ONLY)).await;
    }
    let filler = format!("{READ_ONLY}{}", " ".repeat(MAX_POLICY_CHARS - READ_ONLY.len()));
    session = world.session(&session, policy(&filler)).await;
    assert_eq!(world.refusal(&session, policy(&filler)).await, "the size");
    for (name, of) in [("eve", "a"), ("ann", "b")] {
        let refused = world.access.session_for(user(name), tenancy(of), Vec::new(), request()).await;
        let without =
            matches!(refused, Err(SessionError::Authentication(AuthenticationError::OwnerWithoutRole { .. })));
        assert!(without, "{name} in {of}");
    }
}

#[tokio::test]
async fn roles_and_groups_narrow_and_never_widen() {
    let world = World::new().await;
    let (bob, _) = world.key(world.new_key("bob")).await;
    let as_role = |role| SessionRequest { role: Some(role), ..request() };
    let whole = world.principal(&world.session(&bob, request()).await).await.expect("bob");
    assert_eq!(
        (whole.role, whole.groups.as_slice()),
        (Some(Role::Manager), &["a-managers".to_owned(), "a-members".to_owned()][..])
    );
    let narrow = world.session(&bob, as_role(Role::User)).await;
    let principal = world.principal(&narrow).await.expect("bob");
    assert_eq!((principal.role, principal.groups.as_slice()), (Some(Role::User), &["a-members".to_owned()][..]));
    assert_eq!(world.refusal(&narrow, as_role(Role::Deputy)).await, "the role");
    let again = world.principal(&world.session(&narrow, request()).await).await.expect("bob");
    assert_eq!(again.role, Some(Role::User), "the bound is inherited");
    // What the owner loses, the session loses.
    let deputy = world.session(&bob, as_role(Role::Deputy)).await;
    world.grant("bob", Role::User, None).await;
    let manager = Revocation { role: Some(Role::Manager), ..Revocation::of_all(&tenancy("a"), &user("bob"), "gone") };
    world.identity().revoke_role(&Actor::Operator, manager).await.expect("revoked");
    assert_eq!(world.principal(&deputy).await.expect("bob").role, Some(Role::User));

    let said = ["ops", "a-managers", "b-members", "x-deputies"].map(str::to_owned).to_vec();
    let standing = world.identity().standing(&user("ann")).await.expect("read").expect("known");
    let logged_in = world.access.principal_for_login(&standing, &said, &tenancy("a")).expect("there is the tenancy");
    assert_eq!(logged_in.groups, ["a-members", "ops"]);
    let issued = world.access.session_for(user("ann"), tenancy("a"), said, request()).await.expect("made");
    let session = Credential::Session(issued.session);
    let groups = |principal: Arc<Principal>| principal.groups.clone();
    assert_eq!(groups(world.principal(&session).await.expect("ann")), ["a-members", "ops"]);
    let chained = world.session(&session, request()).await;
    assert_eq!(groups(world.principal(&chained).await.expect("ann")), ["a-members", "ops"]);
}

/// Pieces of policies, from which documents are made.
const STATEMENTS: [&str; 6] = [
    r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
    r#"{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}"#,
    r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::data/in/*"}"#,
    r#"{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}"#,
    r#"{"Effect":"Allow","NotAction":"s3:GetObject","Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"]}"#,
    r#"{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::data/in/*"}"#,
];

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(STATEMENTS.as_slice()), 1..4)
        .prop_map(|statements| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")))
}

fn scope() -> impl Strategy<Value = KeyScope> {
    let targets = prop::sample::subsequence(vec!["data", "data/in/", "other"], 0..3);
    (any::<bool>(), targets).prop_map(|(read_only, targets)| KeyScope {
        access: if read_only { KeyAccess::ReadOnly } else { KeyAccess::ReadWrite },
        targets: targets.iter().map(|target| target.parse().expect("a target")).collect(),
        sources: Vec::new(),
    })
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::User), Just(Role::Deputy), Just(Role::Manager)]
}

/// What `principal` may do, of many things.
fn rights(principal: &Principal) -> Vec<(Action, &'static str, bool)> {
    let bucket = BucketName::new("data").expect("a name");
    let mut rights = Vec::new();
    for (owner, own) in [("ann", true), ("other", false)] {
        let owner = user(owner);
        let acl = Acl::private(&owner);
        let facts = BucketFacts::new(&bucket, &owner, &acl);
        for key in ["in/x", "out/x"] {
            let object = ObjectKey::new(key).expect("a key");
            for action in Action::ALL.iter().copied() {
                let resource = match action.scope() {
                    policy::Scope::Tenancy => Resource::Tenancy,
                    policy::Scope::NewBucket | policy::Scope::Bucket => Resource::Bucket(&bucket),
                    policy::Scope::Object => Resource::Object { bucket: &bucket, key: &object, version: None },
                };
                for default_policy in [DefaultPolicy::Owner, DefaultPolicy::Members] {
                    let context = Context::NOTHING;
                    let facts =
                        Facts { default_policy, bucket: Some(facts), context: &context, ..Facts::about(resource) };
                    if decide(principal, action, facts).is_allowed() {
                        rights.push((action, key, own));
                    }
                }
            }
        }
    }
    rights
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A session may do nothing that what it came from may not, over any chain of them.
    #[test]
    fn a_session_never_reaches_further_than_its_origin(
        owner_role in role(),
        scope in scope(),
        chain in prop::collection::vec((prop::option::of(document()), prop::option::of(role())), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new().await;
            world.grant("ann", owner_role, None).await;
            let (mut credential, _) = world.key(NewKey { scope, ..world.new_key("ann") }).await;
            let mut before = rights(&world.principal(&credential).await.expect("ann"));
            for (policy, role) in chain {
                let request = SessionRequest { policy, role, ..request() };
                match world.access.session_from(&credential, request).await {
                    Ok(issued) => credential = Credential::Session(issued.session),
                    Err(SessionError::RoleNotHeld { .. }) => continue,
                    Err(error) => panic!("{error}"),
                }
                let after = rights(&world.principal(&credential).await.expect("ann"));
                for right in &after {
                    assert!(before.contains(right), "{right:?} is more than before");
                }
                before = after;
            }
        });
    }
}
