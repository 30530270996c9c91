//! Roles to groups, against the reference, with a directory that goes away.

use policy::Role;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy, Timestamp};

use super::*;
use crate::directory::faults::FaultyDirectory;
use crate::directory::memory::MemoryDirectory;
use crate::{Actor, ExternalDirectory, MasterKey, NewRole, NewTenancy, NewUser, Revocation, User, UserStatus};

struct World {
    identity: Identity,
    memory: Arc<MemoryDirectory>,
    directory: Arc<FaultyDirectory<MemoryDirectory>>,
    clock: Arc<ManualClock>,
}

fn name(text: &str) -> UserName {
    UserName::new(text).expect("a name")
}

fn tenancy(text: &str) -> TenancyName {
    TenancyName::new(text).expect("a name")
}

impl World {
    async fn revoke(&self, user: &str) {
        let revocation = Revocation::of_all(&tenancy("t"), &name(user), "gone");
        self.identity.revoke_role(&Actor::Operator, revocation).await.expect("revoked");
    }

    /// With tenancy `t`, and people `u0` to `u39` in the external directory.
    async fn new(tenancy_groups: TenancyGroups) -> Self {
        let memory = Arc::new(MemoryDirectory::new());
        for number in 0..40 {
            memory.put(person(&format!("u{number}")), None);
        }
        let directory = Arc::new(FaultyDirectory::new(Arc::clone(&memory)));
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let external = ExternalDirectory {
            directory: Arc::clone(&directory) as _,
            writer: Some(Arc::clone(&directory) as _),
            tenancy_groups,
            cache_seconds: 30,
            grace_seconds: 3600,
        };
        let master = MasterKey::generate(&*entropy);
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let identity = Identity::open_beside(Arc::new(MemoryStore::new()), master, time, entropy, Some(external)).await;
        let identity = identity.expect("opens");
        identity.create_tenancy(NewTenancy::named(tenancy("t"))).await.expect("made");
        Self { identity, memory, directory, clock }
    }

    async fn grant(&self, user: &str, role: Role, expires: Option<u64>) {
        let expires = expires.map(Timestamp::from_secs);
        let new = NewRole { tenancy: tenancy("t"), user: name(user), role, expires };
        self.identity.grant_role(new).await.expect("granted");
    }

    async fn reconcile(&self) -> Reconciled {
        self.identity.reconcile_groups(Removals::Bounded).await.expect("done")
    }

    fn members(&self, group: &str) -> String {
        self.memory.members(group).map_or_else(|| "absent".to_owned(), |members| members.join(","))
    }
}

fn person(text: &str) -> User {
    let (name, created) = (name(text), Timestamp::from_secs(1));
    User { name, full_name: None, email: None, status: UserStatus::Active, created }
}

#[tokio::test]
async fn groups_follow_from_roles() {
    let world = World::new(TenancyGroups::Write).await;
    world.reconcile().await;
    assert_eq!(world.members("t-members"), "absent", "an empty group is not made");

    world.grant("u1", Role::User, None).await;
    world.grant("u2", Role::Manager, Some(2_000)).await;
    world.grant("u3", Role::Deputy, None).await;
    world.identity.create_user(NewUser { name: name("robot"), email: None }, None).await.expect("made");
    world.grant("robot", Role::User, None).await;
    assert_eq!(world.identity.group_drift().await.expect("compared").len(), 3, "drift is told before it is repaired");
    let done = world.reconcile().await;
    assert_eq!((done.created, done.added, done.removed, done.left), (3, 5, 0, vec![]));
    assert_eq!(world.members("t-members"), "u1,u2,u3", "without those whom the directory does not know");
    assert_eq!(world.members("t-managers"), "u2");
    assert_eq!(world.members("t-deputies"), "u3");
    assert_eq!(world.reconcile().await, Reconciled::default(), "once is enough");

    world.revoke("u1").await;
    world.clock.set(Timestamp::from_secs(2_000));
    world.memory.put_group("t-deputies", &["u9"]);
    let done = world.reconcile().await;
    assert_eq!((done.added, done.removed), (1, 4));
    assert_eq!(world.members("t-members"), "u3");
    assert_eq!(world.members("t-managers"), "");
    assert_eq!(world.members("t-deputies"), "u3", "what was changed by hand is repaired");
}

#[tokio::test]
async fn what_failed_is_done_by_the_next_run() {
    let world = World::new(TenancyGroups::Write).await;
    world.grant("u1", Role::User, None).await;
    world.directory.set_away(true);
    let failed = world.identity.reconcile_groups(Removals::Bounded).await;
    assert!(matches!(failed, Err(IdentityError::DirectoryAway { .. })));
    world.directory.set_away(false);
    assert_eq!(world.reconcile().await.added, 1);
    world.memory.take(&name("u1"));
    let left = world.reconcile().await.left;
    assert_eq!((left.len(), &left[0].unknown[..]), (1, &[name("u1")][..]), "who is unknown is told, again and again");
}

#[tokio::test]
async fn no_run_empties_a_group() {
    let world = World::new(TenancyGroups::Write).await;
    for (members, held, removed) in [(40, 20, 20), (40, 19, 0), (10, 0, 10), (11, 0, 0), (11, 1, 10)] {
        let all: Vec<String> = (0..members).map(|number| format!("u{number}")).collect();
        world.memory.put_group("t-members", &all.iter().map(String::as_str).collect::<Vec<_>>());
        for user in &all[..held] {
            world.grant(user, Role::User, None).await;
        }
        let done = world.reconcile().await;
        assert_eq!(done.removed, removed, "{held} of {members} hold a role");
        if removed == 0 {
            assert!(done.left[0].problem.contains("repair --all"), "{:?}", done.left);
            let all = world.identity.reconcile_groups(Removals::All).await.expect("done");
            assert_eq!(all.removed as usize, members - held);
        }
        for user in &all[..held] {
            world.revoke(user).await;
        }
    }
}

#[tokio::test]
async fn a_name_that_no_directory_takes_is_told() {
    let world = World::new(TenancyGroups::Write).await;
    world.identity.create_tenancy(NewTenancy::named(tenancy("9lives"))).await.expect("made");
    let new = NewRole { tenancy: tenancy("9lives"), user: name("u1"), role: Role::User, expires: None };
    world.identity.grant_role(new).await.expect("granted");
    let left = world.reconcile().await.left;
    assert_eq!(left[0].group, "9lives-members");
    assert!(left[0].problem.contains("start with a letter"), "{left:?}");
}

#[tokio::test]
async fn a_change_of_roles_calls_for_a_run() {
    let world = World::new(TenancyGroups::Write).await;
    let soon = std::time::Duration::from_millis(50);
    world.grant("u1", Role::User, None).await;
    tokio::time::timeout(soon, world.identity.role_changes()).await.expect("at once");
    tokio::time::timeout(soon, world.identity.role_changes()).await.expect_err("once for each");
}

/// What the directory says of the groups of tenancies counts only where it is to be read.
#[tokio::test]
async fn whose_word_the_groups_of_tenancies_are() {
    for (setting, expected) in [
        (TenancyGroups::Ours, "sea,t-members,x-members"),
        (TenancyGroups::Read, "sea,t-managers,t-members,x-members"),
        (TenancyGroups::Write, "sea,t-members,x-members"),
    ] {
        let world = World::new(setting).await;
        world.memory.put_group("t-managers", &["u1"]);
        world.memory.put_group("x-members", &["u1"]);
        world.memory.put_group("sea", &["u1"]);
        world.grant("u1", Role::User, None).await;
        let standing = world.identity.standing(&name("u1")).await.expect("asked").expect("there");
        assert_eq!(standing.groups(world.clock.now()).join(","), expected, "{setting:?}");
        assert_eq!(standing.role_in(&tenancy("t"), world.clock.now()), Some(Role::User), "a group gives no role");
        assert_eq!(world.identity.writes_groups(), setting == TenancyGroups::Write);
    }
}
