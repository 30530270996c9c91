//! Random sequences of operations, compared with a model after each: what every request would see, from memory as well
//! as after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use policy::{KeyScope, Role};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};
use storage::Metadata;
use storage::memory::MemoryStore;
use types::{AccessKeyId, Clock, ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

use crate::{Actor, Identity, IdentityError, MasterKey, NewKey, NewRole, NewTenancy, NewUser, Revocation, Secret};

/// Names of which one begins like another.
const TENANCIES: [&str; 3] = ["a", "a-b", "b"];
const USERS: [&str; 3] = ["u", "u.v", "w"];
const KEYS: [&str; 3] = ["key", "key-1", "other"];

#[derive(Clone, Debug)]
enum Operation {
    CreateTenancy(usize),
    DeleteTenancy(usize),
    CreateUser(usize),
    DeleteUser(usize),
    Grant { tenancy: usize, user: usize, expires_in_secs: Option<u64> },
    Revoke { tenancy: usize, user: usize },
    ImportKey { tenancy: usize, user: usize, key: usize },
    DeleteKey(usize),
    Advance { secs: u64 },
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let any = || 0usize..3;
    prop_oneof![
        3 => any().prop_map(Operation::CreateTenancy),
        1 => any().prop_map(Operation::DeleteTenancy),
        3 => any().prop_map(Operation::CreateUser),
        1 => any().prop_map(Operation::DeleteUser),
        6 => (any(), any(), prop::option::of(1u64..4))
            .prop_map(|(tenancy, user, expires_in_secs)| Operation::Grant { tenancy, user, expires_in_secs }),
        1 => (any(), any()).prop_map(|(tenancy, user)| Operation::Revoke { tenancy, user }),
        6 => (any(), any(), any()).prop_map(|(tenancy, user, key)| Operation::ImportKey { tenancy, user, key }),
        2 => any().prop_map(Operation::DeleteKey),
        1 => (0u64..3).prop_map(|secs| Operation::Advance { secs }),
        1 => Just(Operation::Restart),
    ]
}

#[derive(Default)]
struct Model {
    tenancies: BTreeSet<usize>,
    users: BTreeSet<usize>,
    roles: BTreeMap<(usize, usize), Option<Timestamp>>,
    keys: BTreeMap<usize, (usize, usize)>,
}

impl Model {
    fn holds_role(&self, tenancy: usize, user: usize, now: Timestamp) -> bool {
        self.roles.get(&(tenancy, user)).is_some_and(|expires| expires.is_none_or(|expires| now < expires))
    }

    /// Does the operation; whether it is allowed.
    fn apply(&mut self, operation: &Operation, now: Timestamp) -> bool {
        match *operation {
            Operation::CreateTenancy(tenancy) => self.tenancies.insert(tenancy),
            Operation::DeleteTenancy(tenancy) => {
                self.roles.retain(|(of, _), _| *of != tenancy);
                self.keys.retain(|_, (of, _)| *of != tenancy);
                self.tenancies.remove(&tenancy)
            }
            Operation::CreateUser(user) => self.users.insert(user),
            Operation::DeleteUser(user) => {
                self.roles.retain(|(_, of), _| *of != user);
                self.keys.retain(|_, (_, of)| *of != user);
                self.users.remove(&user)
            }
            Operation::Grant { tenancy, user, expires_in_secs } => {
                let allowed = self.tenancies.contains(&tenancy) && self.users.contains(&user);
                if allowed {
                    self.roles.insert((tenancy, user), expires_in_secs.map(|secs| now.plus_secs(secs)));
                }
                allowed
            }
            // What has expired is held no more, so there is nothing to take away.
            Operation::Revoke { tenancy, user } => {
                let held = self.holds_role(tenancy, user, now);
                if held {
                    self.roles.remove(&(tenancy, user));
                }
                held
            }
            Operation::ImportKey { tenancy, user, key } => {
                let allowed = self.holds_role(tenancy, user, now) && !self.keys.contains_key(&key);
                if allowed {
                    self.keys.insert(key, (tenancy, user));
                }
                allowed
            }
            Operation::DeleteKey(key) => self.keys.remove(&key).is_some(),
            Operation::Advance { .. } | Operation::Restart => true,
        }
    }
}

struct System {
    identity: Identity,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
}

fn tenancy(n: usize) -> TenancyName {
    TenancyName::new(TENANCIES[n]).expect("a name")
}

fn user(n: usize) -> UserName {
    UserName::new(USERS[n]).expect("a name")
}

fn key(n: usize) -> AccessKeyId {
    AccessKeyId::new(KEYS[n]).expect("an id")
}

impl System {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let identity = Self::open(&store, &clock, &entropy).await;
        Self { identity, store, clock, entropy }
    }

    async fn open(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, entropy: &Arc<SeededEntropy>) -> Identity {
        let metadata = Arc::clone(store) as Arc<dyn Metadata>;
        let master = MasterKey::generate(&SeededEntropy::new(7));
        let identity = Identity::open(metadata, master, Arc::clone(clock) as Arc<dyn Clock>, Arc::clone(entropy) as _);
        identity.await.expect("opens")
    }

    async fn apply(&mut self, operation: &Operation) -> Result<(), IdentityError> {
        let identity = &self.identity;
        match *operation {
            Operation::CreateTenancy(n) => {
                identity.create_tenancy(NewTenancy::named(tenancy(n))).await?;
            }
            Operation::DeleteTenancy(n) => identity.delete_tenancy(&tenancy(n)).await?,
            Operation::CreateUser(n) => {
                identity.create_user(NewUser { name: user(n), email: None }, None).await?;
            }
            Operation::DeleteUser(n) => identity.delete_user(&user(n)).await?,
            Operation::Grant { tenancy: t, user: u, expires_in_secs } => {
                let expires = expires_in_secs.map(|secs| self.clock.now().plus_secs(secs));
                let new = NewRole { tenancy: tenancy(t), user: user(u), role: Role::Deputy, expires };
                identity.grant_role(new).await?;
            }
            Operation::Revoke { tenancy: t, user: u } => {
                let revocation = Revocation::of_all(&tenancy(t), &user(u), "gone");
                identity.revoke_role(&Actor::Operator, revocation).await?;
            }
            Operation::ImportKey { tenancy: t, user: u, key: k } => {
                let new = NewKey {
                    tenancy: tenancy(t),
                    owner: user(u),
                    description: String::new(),
                    expires: None,
                    scope: KeyScope::default(),
                };
                identity.import_key(new, key(k), secret(t, u, k)).await?;
            }
            Operation::DeleteKey(n) => identity.delete_key(&key(n)).await?,
            Operation::Advance { secs } => self.clock.advance_secs(secs),
            Operation::Restart => self.identity = Self::open(&self.store, &self.clock, &self.entropy).await,
        }
        Ok(())
    }

    async fn compare(&self, model: &Model, identity: &Identity) {
        let now = self.clock.now();
        for t in [0, 1, 2] {
            assert_eq!(identity.tenancy(&tenancy(t)).is_some(), model.tenancies.contains(&t));
            for u in [0, 1, 2] {
                let role = identity.role_of(&tenancy(t), &user(u), now).await.expect("asked");
                assert_eq!(role.is_some(), model.holds_role(t, u, now), "role of {} in {}", USERS[u], TENANCIES[t]);
            }
            let listed = identity.keys(&tenancy(t), None, 10).await.map_or(0, |keys| keys.len());
            assert_eq!(listed, model.keys.values().filter(|(of, _)| *of == t).count());
        }
        for u in [0, 1, 2] {
            assert_eq!(identity.user(&user(u)).await.expect("asked").is_some(), model.users.contains(&u));
        }
        for k in [0, 1, 2] {
            let found = identity.key(&key(k)).await.expect("asked");
            let seen = found.as_ref().map(|key| (&key.info.tenancy, &key.info.owner, &key.secret));
            let expected = model.keys.get(&k).map(|(t, u)| (tenancy(*t), user(*u), secret(*t, *u, k)));
            assert_eq!(seen, expected.as_ref().map(|(tenancy, user, secret)| (tenancy, user, secret)), "{}", KEYS[k]);
        }
    }
}

fn secret(tenancy: usize, user: usize, key: usize) -> Secret {
    Secret::import(&format!("secret-{tenancy}-{user}-{key}")).expect("a secret")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn requests_see_what_the_model_says(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (mut system, mut model) = (System::new().await, Model::default());
            for operation in operations {
                let allowed = model.apply(&operation, system.clock.now());
                let outcome = system.apply(&operation).await;
                assert_eq!(outcome.is_ok(), allowed, "{operation:?}: {outcome:?}");
                system.compare(&model, &system.identity).await;
            }
            let restarted = System::open(&system.store, &system.clock, &system.entropy).await;
            system.compare(&model, &restarted).await;
        });
    }
}
