//! Makes the groups of an external directory follow from the roles: see [`identity::write_through`].
//!
//! It runs when roles changed, some seconds later; and in its period, since roles end by time, and since somebody may
//! have changed a group by hand. A run that failed is repeated soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;
use identity::write_through::{GroupDrift, Reconciled, Removals};

use crate::{Done, Job, JobError};

/// Members that the groups of the directory lack or have too many after the last run, by `kind` (`missing`, `extra`,
/// or `unknown` to the directory).
pub const DIRECTORY_DRIFT: &str = "commonhold_directory_drift_members";

/// How soon a run that failed, or that left something to do, is repeated.
const RETRY: Duration = Duration::from_secs(30);

/// The job.
pub struct WriteGroups {
    identity: Arc<Identity>,
    is_to_be_repeated: AtomicBool,
}

impl WriteGroups {
    /// For the roles of `identity`, which has a directory whose groups are written.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity, is_to_be_repeated: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Job for WriteGroups {
    fn name(&self) -> &'static str {
        "write_groups"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn wanted(&self) {
        let repeated = async {
            if self.is_to_be_repeated.load(Ordering::Relaxed) {
                tokio::time::sleep(RETRY).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.identity.role_changes() => {}
            () = repeated => {}
        }
    }

    async fn run(&self) -> Result<Done, JobError> {
        let outcome = self.identity.reconcile_groups(Removals::Bounded).await;
        self.is_to_be_repeated.store(outcome.is_err(), Ordering::Relaxed);
        let Reconciled { created, added, removed, left } = outcome.map_err(|error| JobError(error.to_string()))?;
        if created + added + removed > 0 {
            tracing::info!(created, added, removed, "the directory's groups follow from the roles");
        }
        for drift in &left {
            let GroupDrift { group, missing, extra, unknown, problem } = drift;
            let (missing, extra, unknown) = (missing.len(), extra.len(), unknown.len());
            tracing::warn!(group, missing, extra, unknown, problem, "a group of the directory does not follow");
        }
        for (kind, count) in [
            ("missing", left.iter().map(|drift| drift.missing.len()).sum::<usize>()),
            ("extra", left.iter().map(|drift| drift.extra.len()).sum()),
            ("unknown", left.iter().map(|drift| drift.unknown.len()).sum()),
        ] {
            metrics::gauge!(DIRECTORY_DRIFT, "kind" => kind).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
        Ok(Done { items: created + added + removed })
    }
}

#[cfg(test)]
mod tests {
    use identity::directory::faults::FaultyDirectory;
    use identity::directory::memory::MemoryDirectory;
    use identity::{
        Actor, ExternalDirectory, MasterKey, NewRole, NewTenancy, Revocation, TenancyGroups, User, UserStatus,
    };
    use policy::Role;
    use storage::memory::MemoryStore;
    use types::{ManualClock, SeededEntropy, TenancyName, Timestamp, UserName};

    use super::*;
    use crate::Scheduler;

    #[tokio::test(start_paused = true)]
    async fn a_grant_reaches_the_directory_soon_and_after_an_outage() {
        let memory = Arc::new(MemoryDirectory::new());
        let name = UserName::new("ann").expect("a name");
        let created = Timestamp::from_secs(1);
        memory
            .put(User { name: name.clone(), full_name: None, email: None, status: UserStatus::Active, created }, None);
        let directory = Arc::new(FaultyDirectory::new(Arc::clone(&memory)));
        let (clock, entropy) = (Arc::new(ManualClock::new(created)), Arc::new(SeededEntropy::new(1)));
        let external = ExternalDirectory {
            directory: Arc::clone(&directory) as _,
            writer: Some(Arc::clone(&directory) as _),
            tenancy_groups: TenancyGroups::Write,
            cache_seconds: 30,
            grace_seconds: 0,
        };
        let master = MasterKey::generate(&*entropy);
        let store = Arc::new(MemoryStore::new());
        let identity = Identity::open_beside(store, master, clock.clone(), entropy, Some(external)).await;
        let identity = Arc::new(identity.expect("opens"));
        let tenancy = TenancyName::new("t").expect("a name");
        identity.create_tenancy(NewTenancy::named(tenancy.clone())).await.expect("made");
        let scheduler = Scheduler::start(
            vec![Box::new(WriteGroups::new(Arc::clone(&identity)))],
            clock,
            &crate::JobRuns::default(),
        );
        tokio::time::sleep(Duration::from_secs(60)).await;

        let grant = NewRole { tenancy: tenancy.clone(), user: name.clone(), role: Role::User, expires: None };
        identity.grant_role(grant).await.expect("granted");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(memory.members("t-members"), Some(vec!["ann".to_owned()]), "within seconds");

        directory.set_away(true);
        identity.revoke_role(&Actor::Operator, Revocation::of_all(&tenancy, &name, "gone")).await.expect("revoked");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(memory.members("t-members"), Some(vec!["ann".to_owned()]));
        directory.set_away(false);
        tokio::time::sleep(RETRY + Duration::from_secs(10)).await;
        assert_eq!(memory.members("t-members"), Some(vec![]), "as soon as it is back");
        scheduler.stop().await;
    }
}
