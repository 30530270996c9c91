use proptest::prelude::{any, proptest};
use storage::Metadata;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy};

use super::*;
use crate::{MasterKey, NewTenancy, NewUser};

async fn open_identity(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, seed: u64) -> Identity {
    let entropy = Arc::new(SeededEntropy::new(seed));
    let master = MasterKey::generate(&SeededEntropy::new(7));
    let metadata = Arc::clone(store) as Arc<dyn Metadata>;
    Identity::open(metadata, master, Arc::clone(clock) as Arc<dyn Clock>, entropy).await.expect("opens")
}

fn user() -> UserName {
    UserName::new("ann").expect("a name")
}

fn new_session(clock: &ManualClock) -> NewSession {
    NewSession {
        owner: user(),
        tenancy: TenancyName::new("ceda-o").expect("a name"),
        name: "job-17".to_owned(),
        role: Some(Role::User),
        key: AccessKeyId::new("key").ok(),
        groups: vec!["ops".to_owned()],
        policies: vec![policy(0)],
        expires: clock.now().plus_secs(900),
    }
}

/// A policy with a text of so many characters in it.
fn policy(length: usize) -> Policy {
    let sid = "x".repeat(length);
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{sid}","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}]}}"#
    );
    Policy::parse_for_session(document.as_bytes()).expect("a policy")
}

#[tokio::test]
async fn a_token_holds_the_session_also_after_a_restart_and_shows_nothing_of_it() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = open_identity(&store, &clock, 1).await;
    let issued = identity.issue_session(new_session(&clock)).expect("made");
    assert!(issued.session.info.id.as_str().starts_with("ASIA"));
    for identity in [identity, open_identity(&store, &clock, 2).await] {
        for _ in 0..2 {
            let found = identity.open_session(&issued.token).expect("opens");
            assert_eq!(format!("{:?}", found.info), format!("{:?}", issued.session.info));
            assert_eq!(found.secret, issued.session.secret);
        }
    }
    let raw = BASE64_URL.decode(issued.token.as_bytes()).expect("base64");
    for text in [issued.session.secret.expose(), "ann", "job-17"] {
        assert!(!raw.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        assert!(!issued.token.contains(text));
    }
    assert!(!format!("{issued:?}").contains(issued.session.secret.expose()));
    let (early, late) = (clock.now().plus_secs(899), clock.now().plus_secs(900));
    assert!(!issued.session.info.is_expired(early) && issued.session.info.is_expired(late));
}

#[tokio::test]
async fn no_other_token_opens() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
    let identity = open_identity(&store, &clock, 1).await;
    let issued = identity.issue_session(new_session(&clock)).expect("made");
    // Another store's, of another master key.
    let entropy = Arc::new(SeededEntropy::new(1));
    let master = MasterKey::generate(&SeededEntropy::new(8));
    let time = Arc::clone(&clock) as Arc<dyn Clock>;
    let other = Identity::open(Arc::new(MemoryStore::new()), master, time, entropy).await.expect("opens");
    assert!(other.open_session(&issued.token).is_none());
    for at in 0..issued.token.len() {
        let mut forged = issued.token.to_string();
        let replacement = if &forged[at..=at] == "A" { "B" } else { "A" };
        forged.replace_range(at..=at, replacement);
        // The last character may hold bits that mean nothing, and base64 that is not canonical is no token.
        assert!(identity.open_session(&forged).is_none(), "character {at}");
    }
    for length in 0..issued.token.len() {
        assert!(identity.open_session(&issued.token[..length]).is_none(), "{length} characters");
    }
    assert!(identity.open_session(&"A".repeat(MAX_TOKEN_CHARS + 1)).is_none());
}

#[tokio::test]
async fn a_session_fits_a_token_or_is_refused() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
    let identity = open_identity(&store, &clock, 1).await;
    let with = |policies: Vec<Policy>| identity.issue_session(NewSession { policies, ..new_session(&clock) });
    let two = with(vec![policy(1900), policy(1900)]).expect("two long policies fit");
    assert_eq!(identity.open_session(&two.token).expect("opens").info.policies.len(), 2);
    let three = with(vec![policy(1900), policy(1900), policy(1900)]);
    assert!(matches!(three, Err(IdentityError::SessionTooLarge { .. })), "{three:?}");
    let groups = (0..=MAX_GROUPS).map(|n| n.to_string()).collect();
    let crowd = identity.issue_session(NewSession { groups, ..new_session(&clock) });
    assert!(matches!(crowd, Err(IdentityError::TooMany { .. })));
}

#[tokio::test]
async fn sessions_end_for_a_person_and_for_one_of_the_same_name_who_comes_later() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = open_identity(&store, &clock, 1).await;
    identity.create_tenancy(NewTenancy::named(new_session(&clock).tenancy)).await.expect("made");
    let ended = async |identity: &Identity| {
        identity.standing(&user()).await.expect("asked").and_then(|standing| standing.sessions_ended)
    };
    assert!(matches!(identity.end_sessions(&user()).await, Err(IdentityError::NoSuchUser(_))));
    identity.create_user(NewUser { name: user(), email: None }, None).await.expect("made");
    assert_eq!(ended(&identity).await, None);
    clock.set(Timestamp::from_secs(2_000));
    assert_eq!(identity.end_sessions(&user()).await.expect("ended"), clock.now());
    assert_eq!(ended(&identity).await, Some(clock.now()));

    clock.set(Timestamp::from_secs(3_000));
    identity.delete_user(&user()).await.expect("deleted");
    identity.create_user(NewUser { name: user(), email: None }, None).await.expect("made");
    let identity = open_identity(&store, &clock, 2).await;
    assert_eq!(ended(&identity).await, Some(clock.now()), "the deletion ended them");
}

proptest! {
    /// Whatever a client sends as a token is no session, and nothing breaks.
    #[test]
    fn no_token_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..600), text in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
        let identity = runtime.block_on(open_identity(&store, &clock, 1));
        let marked = [&[FORMAT], bytes.as_slice()].concat();
        for token in [BASE64_URL.encode(&bytes), BASE64_URL.encode(marked), text] {
            assert!(identity.open_session(&token).is_none());
        }
    }
}
