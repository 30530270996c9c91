use std::sync::Arc;

use identity::{Identity, MasterKey, NewUser};
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy};

use super::*;
use crate::Domains;

async fn world() -> (Access, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let master = MasterKey::generate(&*entropy);
    let time = || Arc::clone(&clock) as Arc<dyn Clock>;
    let identity = Identity::open(Arc::new(MemoryStore::new()), master, time(), entropy).await.expect("opens");
    for name in ["ann", "bob"] {
        let name = UserName::new(name).expect("a name");
        identity.create_user(NewUser { name, email: None }, Some("correct horse")).await.expect("made");
    }
    (Access::new(Arc::new(identity), Domains::default(), None, time()), clock)
}

async fn attempt(access: &Access, name: &str, password: &str, source: [u8; 4]) -> &'static str {
    match access.log_in(name, password, source.into()).await {
        Ok(user) => {
            assert_eq!(user.name.as_str(), name);
            "in"
        }
        Err(LogInError::Wrong) => "wrong",
        Err(LogInError::TooManyFailures { wait_seconds }) => {
            assert!((1..=WINDOW_SECONDS).contains(&wait_seconds));
            "wait"
        }
        Err(LogInError::Identity(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn who_guesses_waits_and_others_do_not() {
    let (access, clock) = world().await;
    let (here, there) = ([192, 0, 2, 1], [198, 51, 100, 1]);
    for name in ["ann", "eve", "no name at all", ""] {
        assert_eq!(attempt(&access, name, "wrong horse", here).await, "wrong", "{name:?}");
    }
    assert_eq!(attempt(&access, "ann", "correct horse", here).await, "in", "one wrong password is forgiven");
    for _ in 0..FAILURES_OF_NAME {
        assert_eq!(attempt(&access, "ann", "wrong horse", there).await, "wrong");
    }
    assert_eq!(attempt(&access, "ann", "correct horse", there).await, "wait", "nothing is learned by going on");
    assert_eq!(attempt(&access, "ann", "correct horse", here).await, "wait", "from nowhere");
    assert_eq!(attempt(&access, "bob", "correct horse", there).await, "in", "others are not kept out");
    clock.advance_secs(WINDOW_SECONDS);
    assert_eq!(attempt(&access, "ann", "correct horse", there).await, "in");
}

#[test]
fn one_address_guesses_at_many_names_only_so_often() {
    let (failures, now) = (Failures::default(), Timestamp::from_secs(1_000));
    let v6 = |text: &str| text.parse::<IpAddr>().expect("an address");
    for n in 0..FAILURES_OF_ADDRESS {
        let source = v6(&format!("2001:db8::{n:x}"));
        failures.begin(&format!("user-{n}"), source, now).expect("looked at");
    }
    let refused = failures.begin("another", v6("2001:db8::ffff"), now);
    assert!(matches!(refused, Err(LogInError::TooManyFailures { .. })), "all are one network");
    failures.begin("another", v6("2001:db8:0:1::1"), now).expect("another network");
    failures.begin("another", v6("192.0.2.1"), now).expect("another address");
    // One right password takes back one attempt.
    failures.forgive("user-0", v6("2001:db8::"));
    failures.begin("another", v6("2001:db8::1"), now).expect("looked at");
    failures.begin("more", v6("2001:db8::1"), now).expect_err("and no more than that");
}

#[test]
fn attempts_side_by_side_count_and_an_error_tells_nothing() {
    let (failures, now, source) = (Failures::default(), Timestamp::from_secs(1_000), IpAddr::from([192, 0, 2, 1]));
    for _ in 0..3 * FAILURES_OF_NAME {
        failures.begin("ann", source, now).expect("looked at");
        failures.take_back("ann", source);
    }
    for _ in 0..FAILURES_OF_NAME {
        failures.begin("ann", source, now).expect("looked at");
    }
    failures.begin("ann", source, now).expect_err("as many as may be are under way");
}

#[test]
fn what_is_watched_is_bounded() {
    let (failures, now) = (Failures::default(), Timestamp::from_secs(1_000));
    for n in 0..3 * WATCHED as u32 {
        failures.begin(&format!("user-{n}"), IpAddr::from(n.to_be_bytes()), now).expect("looked at");
    }
    let names = failures.names.lock();
    assert!(names.young.len() <= WATCHED && names.old.len() <= WATCHED);
    let addresses = failures.addresses.lock();
    assert!(addresses.young.len() <= WATCHED && addresses.old.len() <= WATCHED);
}
