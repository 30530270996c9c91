//! Removes access keys that expired a while ago.
//!
//! A key stops working at its expiry by itself: every request looks. Its record stays for 30 days, so that its
//! owner can see in the list why a script fails; then record and secret go.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity::{Identity, IdentityError, KeyInfo};
use types::Clock;

use crate::{Done, Job, JobError};

/// How long after its expiry a key is still listed.
const KEPT_SECONDS: u64 = 30 * 24 * 3600;
/// The most keys of one tenancy that one run looks at; more than that waits for the next run.
const KEYS_PER_TENANCY: usize = 100_000;

/// The job.
pub struct ExpireKeys {
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
}

impl ExpireKeys {
    /// For the keys of `identity`.
    pub fn new(identity: Arc<Identity>, clock: Arc<dyn Clock>) -> Self {
        Self { identity, clock }
    }

    fn is_due(&self, key: &KeyInfo) -> bool {
        key.expires.is_some_and(|expires| expires.plus_secs(KEPT_SECONDS) <= self.clock.now())
    }
}

#[async_trait]
impl Job for ExpireKeys {
    fn name(&self) -> &'static str {
        "expire_keys"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let mut done = Done::default();
        for tenancy in self.identity.tenancies() {
            let keys = match self.identity.keys(&tenancy.name, None, KEYS_PER_TENANCY).await {
                Err(IdentityError::NoSuchTenancy(_)) => continue,
                keys => keys.map_err(|error| JobError(error.to_string()))?,
            };
            for key in keys.iter().filter(|key| self.is_due(key)) {
                match self.identity.delete_key(&key.id).await {
                    Ok(()) => done.items += 1,
                    Err(IdentityError::NoSuchKey(_)) => continue,
                    Err(error) => return Err(JobError(error.to_string())),
                }
                tracing::info!(key = %key.id, owner = %key.owner, tenancy = %key.tenancy, "removed an expired key");
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use identity::{MasterKey, NewKey, NewRole, NewTenancy, NewUser};
    use policy::{KeyScope, Role};
    use storage::memory::MemoryStore;
    use types::{ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

    use super::*;

    #[tokio::test]
    async fn keys_go_a_while_after_their_expiry() {
        let start = Timestamp::from_secs(1_000_000_000);
        let clock = Arc::new(ManualClock::new(start));
        let entropy = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let identity =
            Identity::open(Arc::new(MemoryStore::new()), master, Arc::clone(&clock) as Arc<dyn Clock>, entropy);
        let identity = Arc::new(identity.await.expect("opened"));
        let (tenancy, owner) = (TenancyName::new("t").expect("good"), UserName::new("ann").expect("good"));
        identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.expect("made");
        identity.create_user(NewUser { name: owner.clone(), email: None }, None).await.expect("made");
        let role = NewRole { tenancy: tenancy.clone(), user: owner.clone(), role: Role::User, expires: None };
        identity.grant_role(role).await.expect("granted");
        for expires in [None, Some(start.plus_secs(60)), Some(start.plus_secs(KEPT_SECONDS))] {
            let new = NewKey {
                tenancy: tenancy.clone(),
                owner: owner.clone(),
                description: String::new(),
                expires,
                scope: KeyScope::default(),
            };
            identity.create_key(new).await.expect("made");
        }

        let job = ExpireKeys::new(Arc::clone(&identity), Arc::clone(&clock) as Arc<dyn Clock>);
        for (after_seconds, removed, left) in
            [(0, 0, 3), (61, 0, 3), (60 + KEPT_SECONDS, 1, 2), (2 * KEPT_SECONDS, 1, 1), (9 * KEPT_SECONDS, 0, 1)]
        {
            clock.set(start.plus_secs(after_seconds));
            assert_eq!(job.run().await.expect("done").items, removed, "after {after_seconds} s");
            assert_eq!(identity.keys(&tenancy, None, 10).await.expect("listed").len(), left);
        }
    }
}
