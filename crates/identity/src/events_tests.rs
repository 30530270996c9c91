//! Events wait with what they tell of, over restarts, until they are acknowledged.

use std::sync::Arc;

use policy::Role;
use storage::memory::MemoryStore;
use storage::{Batch, Metadata, Space};
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::{
    Actor, Event, Identity, IdentityError, MasterKey, NewRole, NewTenancy, NewUser, PendingEvent, Recipients,
    Revocation, keyspace,
};

async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> Identity {
    let master = MasterKey::generate(&SeededEntropy::new(7));
    let entropy = Arc::new(SeededEntropy::new(clock.now().0));
    let opened = Identity::open(Arc::clone(store) as _, master, Arc::clone(clock) as Arc<dyn Clock>, entropy);
    opened.await.expect("opens")
}

fn names() -> (TenancyName, UserName) {
    (TenancyName::new("t").expect("a name"), UserName::new("ann").expect("a name"))
}

async fn with_a_grant(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> Identity {
    let identity = open(store, clock).await;
    let (tenancy, user) = names();
    identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.expect("made");
    identity.create_user(NewUser { name: user.clone(), email: None }, None).await.expect("made");
    let role = NewRole { tenancy, user, role: Role::User, expires: None };
    identity.grant_role(role).await.expect("granted");
    identity
}

fn message(subject: &str) -> Event {
    Event::Message {
        tenancy: names().0,
        from: Actor::Operator,
        to: Recipients::Everyone,
        subject: subject.to_owned(),
        body: String::new(),
        reply_to_sender: false,
    }
}

#[tokio::test]
async fn an_event_waits_until_it_is_acknowledged() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = with_a_grant(&store, &clock).await;
    let (tenancy, user) = names();
    identity.event_arrived().await;
    let first = identity.pending_events(10).await.expect("read");
    let [PendingEvent { at, event: Event::GrantCreated { user: who, renewed: false, .. }, .. }] = first.as_slice()
    else {
        panic!("{first:?}")
    };
    assert_eq!((*at, who), (clock.now(), &user));

    clock.advance_secs(5);
    identity.revoke_role(&Actor::Operator, Revocation::of_all(&tenancy, &user, "gone")).await.expect("revoked");
    let identity = open(&store, &clock).await;
    let events = identity.pending_events(10).await.expect("read");
    assert_eq!((events.len(), &events[0]), (2, &first[0]), "the same after a restart, in order");
    assert_eq!(identity.pending_events(1).await.expect("read"), first);

    identity.acknowledge_event(&first[0].id).await.expect("done");
    identity.acknowledge_event(&first[0].id).await.expect("no error the second time");
    assert_eq!(identity.pending_events(10).await.expect("read"), events[1..]);
    let identity = open(&store, &clock).await;
    assert_eq!(identity.pending_events(10).await.expect("read"), events[1..]);
    identity.acknowledge_event(&events[1].id).await.expect("done");
    assert_eq!(identity.pending_event_count(), 0);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(20), identity.event_arrived());
    waiting.await.expect_err("none waits");
}

#[tokio::test]
async fn waiting_for_an_event_ends_when_one_arrives() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = open(&store, &clock).await;
    let (tenancy, _) = names();
    identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.expect("made");
    let record = async {
        tokio::task::yield_now().await;
        identity.record_event(&tenancy, message("hello")).await.expect("recorded");
    };
    tokio::join!(identity.event_arrived(), record);
    assert_eq!(identity.pending_event_count(), 1);
    let none = TenancyName::new("none").expect("a name");
    assert!(matches!(identity.record_event(&none, message("x")).await, Err(IdentityError::NoSuchTenancy(_))));
}

/// An event outlives its tenancy, and one that can not be read keeps none behind it waiting.
#[tokio::test]
async fn neither_a_deletion_nor_damage_holds_events_up() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = with_a_grant(&store, &clock).await;
    let (tenancy, _) = names();
    clock.advance_secs(1);
    identity.record_event(&tenancy, message("two")).await.expect("recorded");
    identity.delete_tenancy(&tenancy).await.expect("deleted");
    let identity = open(&store, &clock).await;
    let events = identity.pending_events(10).await.expect("read");
    assert_eq!(events.len(), 2);
    assert!(identity.tenancy(&tenancy).is_none());

    let group = keyspace::tenancy(&tenancy);
    let key = keyspace::event(&group, events[0].id);
    let batch = Batch { put: vec![(key, "{}".into())], ..Batch::default() };
    store.commit(Space::CONTROL, &group, batch).await.expect("damaged");
    assert_eq!(identity.pending_events(10).await.expect("read"), events[1..]);
    identity.create_tenancy(NewTenancy::named(tenancy)).await.expect("made again");
    assert_eq!(identity.pending_events(10).await.expect("read"), events[1..]);
}

#[tokio::test]
async fn an_event_is_left_out_of_a_change_that_fails() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(1_000))));
    let identity = with_a_grant(&store, &clock).await;
    let (tenancy, user) = names();
    identity.revoke_role(&Actor::Operator, Revocation::of_all(&tenancy, &user, "gone")).await.expect("revoked");
    assert!(identity.revoke_role(&Actor::Operator, Revocation::of_all(&tenancy, &user, "gone")).await.is_err());
    assert_eq!(identity.pending_events(10).await.expect("read").len(), 2);
}
