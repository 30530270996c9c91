//! Tells of grants and tenancies that end, and of requests that wait; forgets what ended years ago.
//!
//! A role ends by itself: every request looks at its expiry. What is told, the crate `identity` writes in one batch with a
//! mark that it was, so that each word is said once, whenever a run is cut off.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;

use crate::{Done, Job, JobError};

/// The job.
pub struct TendMembership {
    identity: Arc<Identity>,
}

impl TendMembership {
    /// For the members of `identity`.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl Job for TendMembership {
    fn name(&self) -> &'static str {
        "tend_membership"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn run(&self) -> Result<Done, JobError> {
        let failed = |error: identity::IdentityError| JobError(error.to_string());
        let roles = self.identity.tend_roles().await.map_err(failed)?;
        let requests = self.identity.tend_requests().await.map_err(failed)?;
        Ok(Done { items: roles.told + roles.forgotten + requests.reminded + requests.forgotten })
    }
}

impl std::fmt::Debug for TendMembership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TendMembership")
    }
}
