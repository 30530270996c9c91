//! A store with tenancies and people, for the tests of several nouns.

use std::sync::Arc;

use policy::Role;
use storage::memory::MemoryStore;
use types::{Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::{Actor, Event, Identity, MasterKey, NewRole, NewTenancy, NewUser};

/// 2027-01-15T08:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const DAY_SECS: u64 = 24 * 3600;

pub(crate) struct Fixture {
    pub(crate) identity: Identity,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) fn tenancy(name: &str) -> TenancyName {
    TenancyName::new(name).expect("a name")
}

pub(crate) fn user(name: &str) -> UserName {
    UserName::new(name).expect("a name")
}

pub(crate) fn person(name: &str) -> Actor {
    Actor::Person(user(name))
}

impl Fixture {
    /// With tenancies `t` and `other`; in `t`, `use` is USER, `dep` DEPUTY and `man` MANAGER, for good; `far` is MANAGER of
    /// `other`; `ann` and `bob` hold nothing.
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(START));
        let identity = Self::open(&store, &clock).await;
        for name in ["t", "other"] {
            identity.create_tenancy(NewTenancy::named(tenancy(name))).await.expect("made");
        }
        for name in ["ann", "bob", "use", "dep", "man", "far"] {
            identity.create_user(NewUser { name: user(name), email: None }, None).await.expect("made");
        }
        for (of, who, role) in [
            ("t", "use", Role::User),
            ("t", "dep", Role::Deputy),
            ("t", "man", Role::Manager),
            ("other", "far", Role::Manager),
        ] {
            let new = NewRole { tenancy: tenancy(of), user: user(who), role, expires: None };
            identity.grant_role(new).await.expect("granted");
        }
        let fixture = Self { identity, store, clock };
        fixture.events().await;
        fixture
    }

    async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> Identity {
        let master = MasterKey::generate(&SeededEntropy::new(7));
        let entropy = Arc::new(SeededEntropy::new(clock.now().0));
        let opened = Identity::open(Arc::clone(store) as _, master, Arc::clone(clock) as Arc<dyn Clock>, entropy);
        opened.await.expect("opens")
    }

    /// As after a restart of the program.
    pub(crate) async fn restart(&mut self) {
        self.identity = Self::open(&self.store, &self.clock).await;
    }

    /// The events since the last call.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let pending = self.identity.pending_events(1_000).await.expect("read");
        for event in &pending {
            self.identity.acknowledge_event(&event.id).await.expect("acknowledged");
        }
        pending.into_iter().map(|pending| pending.event).collect()
    }

    pub(crate) async fn grant(&self, who: &str, role: Role, expires: Option<Timestamp>) {
        let new = NewRole { tenancy: tenancy("t"), user: user(who), role, expires };
        self.identity.grant_role(new).await.expect("granted");
    }

    /// The role in effect in `t`.
    pub(crate) async fn role(&self, who: &str) -> Option<Role> {
        self.identity.role_of(&tenancy("t"), &user(who), self.clock.now()).await.expect("asked")
    }
}
