//! A bounded number of connections, bound as the service account, to whichever server answers.
//!
//! A question takes a connection that lies idle, or makes one. Where an idle one turns out to be broken, all idle ones
//! are dropped, since they lead to the same server, and the question is asked again on a new one. A new connection goes
//! to the server that answered last, and to the others in their order where it does not. Where none does, questions are
//! refused at once for a moment, so that nobody waits for time-outs that others have waited for.
//!
//! Each question runs as a task of its own: a caller that goes away leaves no connection in the middle of something,
//! and what a library makes of strange bytes ends the task and not the program.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ldap3::Ldap;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::failure::Failure;
use crate::settings::{LdapSettings, ServerUrl, SettingsError};
use crate::{connection, telemetry};

/// How long questions are refused at once after no server could be reached.
const REST: Duration = Duration::from_secs(2);
/// How long a connection may lie idle. Servers and firewalls close those that lie longer, not all of them aloud.
const IDLE: Duration = Duration::from_secs(60);

/// The pool. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    settings: LdapSettings,
    tls: Arc<ClientConfig>,
    idle: Mutex<Vec<Idle>>,
    questions: Semaphore,
    passwords: Semaphore,
    /// Where in the list of servers the one stands that answered last.
    preferred: AtomicUsize,
    rest: Mutex<Option<Rest>>,
}

/// Whom a connection is bound as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum As {
    /// The service account.
    Account,
    /// Nobody yet.
    Nobody,
}

struct Idle {
    ldap: Ldap,
    since: Instant,
}

/// That no server could be reached.
struct Rest {
    until: Instant,
    reason: String,
}

impl Pool {
    /// A pool without any connection yet.
    ///
    /// # Errors
    /// [`SettingsError`] where there is no certificate to trust.
    pub(crate) fn new(settings: LdapSettings) -> Result<Self, SettingsError> {
        let inner = Inner {
            tls: connection::tls(&settings.trust)?,
            idle: Mutex::default(),
            questions: Semaphore::new(settings.connections),
            passwords: Semaphore::new(settings.connections),
            preferred: AtomicUsize::new(0),
            rest: Mutex::default(),
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn settings(&self) -> &LdapSettings {
        &self.inner.settings
    }

    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.inner.tls
    }

    /// Asks `question`, which may be asked twice, on a connection of the service account.
    pub(crate) async fn ask<T, F>(
        &self,
        operation: &'static str,
        question: impl Fn(Ldap) -> F + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        counted(operation, async move { inner.ask(question).await }).await
    }

    /// Lets `work` have a connection of its own that is bound as nobody, and that is closed after it.
    pub(crate) async fn alone<T, F>(
        &self,
        operation: &'static str,
        work: impl FnOnce(Ldap) -> F + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        counted(operation, async move {
            let _turn = inner.turn(&inner.passwords).await?;
            let ldap = inner.connect(As::Nobody).await?;
            work(ldap).await
        })
        .await
    }
}

/// Runs `work` as a task and counts what comes of it.
async fn counted<T: Send + 'static>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let began = Instant::now();
    let outcome = tokio::spawn(work).await;
    let outcome = outcome.unwrap_or_else(|_| Err(Failure::Away("its answer can not be read".to_owned())));
    telemetry::count(operation, began.elapsed(), &outcome);
    outcome
}

impl Inner {
    async fn ask<T, F>(&self, question: impl Fn(Ldap) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let _turn = self.turn(&self.questions).await?;
        if let Some(ldap) = self.take_idle() {
            match question(ldap.clone()).await {
                Err(Failure::Away(reason)) => {
                    tracing::debug!(reason, "a connection to the directory is given up");
                    self.idle.lock().clear();
                }
                outcome => {
                    self.keep(ldap);
                    return outcome;
                }
            }
        }
        let ldap = self.connect(As::Account).await?;
        let outcome = question(ldap.clone()).await;
        if !matches!(outcome, Err(Failure::Away(_))) {
            self.keep(ldap);
        }
        outcome
    }

    /// Waits for a place, as long as one question may take.
    async fn turn<'s>(&self, places: &'s Semaphore) -> Result<tokio::sync::SemaphorePermit<'s>, Failure> {
        match timeout(self.settings.operation_timeout, places.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Failure::Away("all connections are in use: raise ldap.connections".to_owned())),
        }
    }

    fn take_idle(&self) -> Option<Ldap> {
        let mut idle = self.idle.lock();
        while let Some(mut last) = idle.pop() {
            if last.since.elapsed() < IDLE && !last.ldap.is_closed() {
                return Some(last.ldap);
            }
        }
        None
    }

    fn keep(&self, ldap: Ldap) {
        let mut idle = self.idle.lock();
        if idle.len() < self.settings.connections {
            idle.push(Idle { ldap, since: Instant::now() });
        }
    }

    /// A new connection, to the first server that answers.
    async fn connect(&self, who: As) -> Result<Ldap, Failure> {
        self.refuse_while_resting()?;
        let servers = &self.settings.servers;
        let first = self.preferred.load(Ordering::Relaxed);
        let mut reasons = Vec::new();
        for offset in 0..servers.len() {
            let at = (first + offset) % servers.len();
            match self.open(&servers[at], who).await {
                Ok(ldap) => {
                    if self.preferred.swap(at, Ordering::Relaxed) != at {
                        tracing::warn!(server = %servers[at], "the directory is asked at another server");
                    }
                    *self.rest.lock() = None;
                    telemetry::set_away(false);
                    return Ok(ldap);
                }
                Err(failure) => reasons.push(failure.to_string()),
            }
        }
        let failure = Failure::Away(reasons.join("; "));
        self.rest(&failure);
        Err(failure)
    }

    async fn open(&self, server: &ServerUrl, who: As) -> Result<Ldap, Failure> {
        let mut ldap = connection::open(&self.settings, &self.tls, server).await?;
        if who == As::Account {
            connection::bind_account(&self.settings, &mut ldap, server).await?;
        }
        Ok(ldap)
    }

    /// Lets one question try, while others are still refused, when the rest is over.
    fn refuse_while_resting(&self) -> Result<(), Failure> {
        let mut rest = self.rest.lock();
        match &mut *rest {
            Some(rest) if Instant::now() < rest.until => Err(Failure::Away(rest.reason.clone())),
            Some(rest) => {
                let servers = u32::try_from(self.settings.servers.len()).unwrap_or(1);
                rest.until = Instant::now() + self.settings.connect_timeout * servers;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn rest(&self, failure: &Failure) {
        let mut rest = self.rest.lock();
        if rest.is_none() {
            tracing::warn!(reason = %failure, "the directory is away");
        }
        *rest = Some(Rest { until: Instant::now() + REST, reason: failure.to_string() });
        telemetry::set_away(true);
    }
}
