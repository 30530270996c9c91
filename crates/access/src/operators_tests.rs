use std::sync::Arc;

use identity::directory::memory::MemoryDirectory;
use identity::{Actor, ExternalDirectory, Identity, MasterKey, NewRole, NewTenancy, NewUser, TenancyGroups, User};
use policy::Role;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp};

use super::*;

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn operators(people: &[&str], groups: &[&str]) -> Result<Operators, OperatorsError> {
    Operators::new(&texts(people), &texts(groups))
}

#[test]
fn names_are_checked() {
    assert_eq!(operators(&[], &[]), Ok(Operators::default()));
    assert!(operators(&["ann", "ann"], &["store-admins", "Store Admins"]).is_ok());
    for person in ["", "ann smith", "a/b"] {
        assert_eq!(operators(&[person], &[]), Err(OperatorsError::Person(person.to_owned())));
    }
    for group in ["", " admins", "ad\nmins", "t-o-managers", "t-o-members", "t-o-deputies"] {
        assert!(matches!(operators(&[], &[group]), Err(OperatorsError::Group(..))), "{group:?}");
    }
    let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!("group{n}")).collect();
    assert_eq!(Operators::new(&[], &many), Err(OperatorsError::TooMany));
}

/// Who is one follows from the directory at each moment, and from no role in a tenancy.
#[tokio::test]
async fn operators_are_who_the_configuration_and_the_directory_say() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let directory = Arc::new(MemoryDirectory::new());
    let user = |name: &str| UserName::new(name).expect("a name");
    for name in ["dora", "dirk"] {
        let status = UserStatus::Active;
        let person = User { name: user(name), full_name: None, email: None, status, created: clock.now() };
        directory.put(person, None);
    }
    directory.put_group("store-admins", &["dora"]);
    let external = ExternalDirectory {
        directory: directory.clone(),
        writer: None,
        tenancy_groups: TenancyGroups::Read,
        cache_seconds: 2,
        grace_seconds: 0,
    };
    let master = MasterKey::generate(&*entropy);
    let store = Arc::new(MemoryStore::new());
    let manual = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
    let time = Arc::clone(&manual) as Arc<dyn Clock>;
    let identity = Identity::open_beside(store, master, time, entropy, Some(external)).await.expect("opens");
    let tenancy = TenancyName::new("t-o").expect("a name");
    identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.expect("made");
    for name in ["ann", "max"] {
        identity.create_user(NewUser { name: user(name), email: None }, None).await.expect("made");
    }
    let role = NewRole { tenancy, user: user("max"), role: Role::Manager, expires: None };
    identity.grant_role(role).await.expect("granted");

    let named = operators(&["ann"], &["store-admins"]).expect("good");
    let includes = async |who: &str| {
        let standing = identity.standing(&user(who)).await.expect("read").expect("known");
        (named.includes(&standing), Operators::default().includes(&standing))
    };
    for (who, expected) in [("ann", true), ("dora", true), ("dirk", false), ("max", false)] {
        assert_eq!(includes(who).await, (expected, false), "{who}");
    }
    directory.put_group("store-admins", &["dirk"]);
    manual.advance_secs(3);
    for (who, expected) in [("dora", false), ("dirk", true)] {
        assert_eq!(includes(who).await.0, expected, "{who}, after the group changed");
    }
    identity.suspend_user(&Actor::Operator, &user("ann"), "gone").await.expect("suspended");
    assert!(!includes("ann").await.0, "the suspended are none");
}
