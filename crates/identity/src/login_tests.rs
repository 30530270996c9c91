use std::sync::Arc;

use storage::memory::MemoryStore;
use storage::{Metadata, Space};
use types::{Clock, ManualClock, SeededEntropy};

use super::*;
use crate::MasterKey;

struct World {
    identity: Identity,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
}

async fn world() -> World {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000))));
    let entropy = Arc::new(SeededEntropy::new(5));
    let master = MasterKey::generate(&*entropy);
    let metadata = Arc::clone(&store) as Arc<dyn Metadata>;
    let identity = Identity::open(metadata, master, Arc::clone(&clock) as Arc<dyn Clock>, entropy).await;
    World { identity: identity.expect("opens"), clock, store }
}

fn ann() -> UserName {
    UserName::new("ann").expect("a name")
}

impl World {
    async fn begin(&self) -> LoginToken {
        self.identity.begin_login(&ann(), "192.0.2.1").await.expect("begun").0
    }

    async fn is_live(&self, token: &LoginToken) -> bool {
        self.identity.login(token).await.expect("read").is_some()
    }

    fn pass(&self, seconds: u64) {
        self.clock.set(self.clock.now().plus_secs(seconds));
    }
}

#[tokio::test]
async fn only_the_token_proves_a_session() {
    let world = world().await;
    let token = world.begin().await;
    assert!(world.is_live(&token).await);
    let text = token.expose();
    assert_eq!(LoginToken::parse(text), Some(token.clone()));
    let (_, secret) = text.rsplit_once('.').expect("two parts");
    for other in [
        format!("bob.{secret}"),
        format!("ann.{}", "0".repeat(64)),
        format!("ann.{}", secret.to_uppercase()),
        format!("ann.{}", &secret[1..]),
        secret.to_owned(),
        String::new(),
    ] {
        let lives = match LoginToken::parse(&other) {
            Some(other) => world.is_live(&other).await,
            None => false,
        };
        assert!(!lives, "{other}");
    }
    for (key, value) in world.store.scan(Space::CONTROL, b"", None, 1024).await.expect("read") {
        let is_there = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there(&key) && !is_there(&value), "the token is in the store");
    }
    assert!(!format!("{token:?}").contains(secret));
}

#[tokio::test]
async fn sessions_end() {
    let world = world().await;
    let unused = world.begin().await;
    world.pass(IDLE_SECONDS - 1);
    assert!(world.is_live(&unused).await);
    world.pass(IDLE_SECONDS - 1);
    assert!(world.is_live(&unused).await, "the use before was noted");
    world.pass(IDLE_SECONDS);
    assert!(!world.is_live(&unused).await);

    let used = world.begin().await;
    let mut passed = 0;
    while passed + IDLE_SECONDS / 2 < LIFETIME_SECONDS {
        world.pass(IDLE_SECONDS / 2);
        passed += IDLE_SECONDS / 2;
        assert!(world.is_live(&used).await, "after {passed} s");
    }
    world.pass(LIFETIME_SECONDS - passed);
    assert!(!world.is_live(&used).await);

    let (one, other) = (world.begin().await, world.begin().await);
    world.identity.end_login(&one).await.expect("ended");
    world.identity.end_login(&one).await.expect("has ended");
    assert_eq!((world.is_live(&one).await, world.is_live(&other).await), (false, true));
    let third = world.begin().await;
    assert_eq!(world.identity.logins(&ann()).await.expect("read").len(), 2);
    world.identity.end_logins(&ann()).await.expect("ended");
    assert_eq!((world.is_live(&other).await, world.is_live(&third).await), (false, false));
}

#[tokio::test]
async fn a_person_has_a_bounded_number_of_sessions() {
    let world = world().await;
    let mut tokens = Vec::new();
    for _ in 0..MAX_LOGINS_PER_PERSON + 3 {
        tokens.push(world.begin().await);
        world.pass(1);
    }
    let mut live = Vec::new();
    for token in &tokens {
        live.push(world.is_live(token).await);
    }
    assert_eq!(live.iter().filter(|live| **live).count(), MAX_LOGINS_PER_PERSON);
    assert!(live[3..].iter().all(|live| *live), "the latest ones stay");
}

#[tokio::test]
async fn a_password_counts_as_given_for_a_while() {
    let world = world().await;
    let token = world.begin().await;
    let confirmed = async || {
        let login = world.identity.login(&token).await.expect("read").expect("lives");
        login.is_confirmed(world.clock.now())
    };
    assert!(confirmed().await);
    world.pass(CONFIRMED_SECONDS);
    assert!(!confirmed().await);
    world.identity.confirm_login(&token).await.expect("confirmed").expect("lives");
    assert!(confirmed().await);
}

#[tokio::test]
async fn groups_of_a_provider_go_with_the_login_and_end_it() {
    let world = world().await;
    let begin = async |groups: Vec<String>| {
        let vouched = Vouched { confirmed: None, groups };
        world.identity.begin_vouched_login(&ann(), "192.0.2.1", vouched).await
    };
    let (token, login) = begin(vec!["lab".to_owned()]).await.expect("begun");
    assert_eq!(login.ends(), world.clock.now().plus_secs(VOUCHED_SECONDS));
    let (none, _) = begin(Vec::new()).await.expect("begun");
    world.pass(VOUCHED_SECONDS / 2);
    let used = world.identity.login(&token).await.expect("read").expect("lives");
    assert_eq!((used.groups.as_slice(), used.used), (&["lab".to_owned()][..], world.clock.now()));
    assert!(world.is_live(&none).await);
    world.pass(VOUCHED_SECONDS - VOUCHED_SECONDS / 2);
    assert_eq!((world.is_live(&token).await, world.is_live(&none).await), (false, true), "by use alone");

    let groups = |count: usize| (0..count).map(|number| format!("group {number}")).collect();
    begin(groups(MAX_GROUPS)).await.expect("begun");
    assert!(matches!(begin(groups(MAX_GROUPS + 1)).await, Err(IdentityError::TooMany { limit: MAX_GROUPS, .. })));
}

#[test]
fn logins_without_groups_are_read() {
    let earlier = r#"{"user":"ann","began":1,"used":2,"confirmed":3,"source":"192.0.2.1"}"#;
    let login: Login = serde_json::from_str(earlier).expect("is read");
    assert!(login.groups.is_empty());
}
