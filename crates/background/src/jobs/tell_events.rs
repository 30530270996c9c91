//! Tells people of events: puts them into inboxes, and sends the mails that are due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity::Identity;
use notify::Notify;

use crate::{Done, Job, JobError};

/// The job.
pub struct TellEvents {
    notify: Arc<Notify>,
    identity: Arc<Identity>,
}

impl TellEvents {
    /// For the events of `identity`.
    pub const fn new(notify: Arc<Notify>, identity: Arc<Identity>) -> Self {
        Self { notify, identity }
    }
}

#[async_trait]
impl Job for TellEvents {
    fn name(&self) -> &'static str {
        "tell_events"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn wanted(&self) {
        self.identity.event_arrived().await;
    }

    async fn run(&self) -> Result<Done, JobError> {
        let ran = self.notify.run().await.map_err(|error| JobError(error.to_string()))?;
        Ok(Done { items: ran.events })
    }
}
