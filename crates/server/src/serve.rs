//! A server's life: open the store, finish what was broken off, listen, serve until a signal, end in order.
//!
//! The order of the end: take no new connections, let requests in flight finish (up to their time), stop the jobs, take
//! the administration socket away, close the engine. A second signal ends the process where it stands; the engine is
//! made for that.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use admin::Installation;
use background::Job;
use background::Scheduler;
use background::jobs::{
    ExpireKeys, FinishInterrupted, FlushLastUses, MeterUsage, PruneAudit, ReviewQuotas, Scrub, TellEvents,
    TendMembership, WriteGroups,
};
use metrics_exporter_prometheus::PrometheusHandle;
use storage::maintenance::Maintenance;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::admin_socket::AdminSocketError;
use crate::config::{Config, Domains, Environment, LimitSettings};
use crate::connection::{Handler, Patience};
use crate::ldap::LdapError;
use crate::listener::Shared;
use crate::monitoring::{Monitored, Readiness};
use crate::routed::Routed;
use crate::store::{MIB, Store, StoreError};
use crate::tls::{Certificates, TlsError};
use crate::{admin_socket, config, ldap, listener, monitoring, process, telemetry};

/// Connections at a time of the administration socket and of monitoring, each: they have few clients, and must answer
/// when S3 is full.
const SIDE_CONNECTIONS: usize = 64;
/// Connections at a time of the portal: a browser opens a few, and people look at pages one at a time.
const PORTAL_CONNECTIONS: usize = 512;
/// How long the start waits for what a crash broke off to be finished: a completion that comes to its end later may come
/// after what its client wrote in its place. Beyond, the job goes on beside the requests.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(10);
/// The exit status of a process that a second signal ended, as shells count SIGINT.
const STATUS_INTERRUPTED: i32 = 130;

/// The server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory of people.
    #[error(transparent)]
    Ldap(#[from] LdapError),
    /// A certificate.
    #[error("tls.certificates: {0}")]
    Tls(#[from] TlsError),
    /// The administration socket.
    #[error(transparent)]
    AdminSocket(#[from] AdminSocketError),
    /// A listener, or what the system refuses.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Logs or metrics.
    #[error("logs and metrics can not be started: {0}")]
    Telemetry(String),
    /// The engine could not be closed.
    #[error("the store was not closed in order: {0}. The next start repairs what is needed")]
    Close(storage::StorageError),
}

/// Where a server listens, once it does.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// S3 over HTTP.
    pub(crate) s3: Option<SocketAddr>,
    /// S3 over HTTPS.
    pub(crate) s3_tls: Option<SocketAddr>,
    /// The portal over HTTP.
    pub(crate) portal: Option<SocketAddr>,
    /// The portal over HTTPS.
    pub(crate) portal_tls: Option<SocketAddr>,
    /// The addresses of a Swarm site.
    pub(crate) legacy: Option<SocketAddr>,
    /// Monitoring.
    pub(crate) metrics: Option<SocketAddr>,
    /// The administration socket.
    pub(crate) admin_socket: PathBuf,
    /// Whether there is a tenancy yet.
    pub(crate) has_tenancies: bool,
}

/// Everything that is bound before anything is served, so that a mistake leaves nothing half started.
struct Bound {
    s3: Option<TcpListener>,
    s3_tls: Option<TcpListener>,
    portal: Option<TcpListener>,
    portal_tls: Option<TcpListener>,
    legacy: Option<TcpListener>,
    /// For the listeners with TLS, where there is one.
    tls: Option<(TlsAcceptor, Arc<Certificates>)>,
    metrics: Option<TcpListener>,
    admin: UnixListener,
}

/// Serves until SIGTERM or SIGINT. `started` runs beside the server once it listens.
///
/// # Errors
/// [`ServeError`] says what to do.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    config: &Config,
    environment: &Environment,
    started: impl FnOnce(Started) -> F,
) -> Result<(), ServeError> {
    process::keep_files_private();
    let _log = telemetry::start_log(&config.log.level, config.log.format).map_err(ServeError::Telemetry)?;
    let metrics = telemetry::start_metrics().map_err(ServeError::Telemetry)?;
    for name in config::unknown_variables(environment) {
        tracing::warn!(name, "this environment variable is no setting");
    }
    process::raise_open_files_limit(config.limits.connections);
    admin_socket::check_path(&config.admin_socket_path())?;

    // Until the store is open a signal ends the process where it stands, which the engine is made for.
    let external = ldap::external(&config.ldap, environment)?;
    let store = Store::open(config, environment, external).await?;
    finish_interrupted(&store).await;
    let signals = Signals::catch()?;
    let bound = bind(config).await?;
    let readiness = Readiness::default();
    let shared = Shared::new(patience(&config.limits));
    let addresses = bound.started(config, &store)?;
    spawn_listeners(bound, &addresses, config, &store, &readiness, metrics, &shared)?;
    let jobs = start_jobs(config, &store);
    readiness.set(true);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        s3 = addresses.s3.map(display),
        s3_tls = addresses.s3_tls.map(display),
        portal = addresses.portal.map(display),
        portal_tls = addresses.portal_tls.map(display),
        legacy = addresses.legacy.map(display),
        metrics = addresses.metrics.map(display),
        "the server listens"
    );
    let beside = tokio::spawn(started(addresses));

    signals.wait().await;
    readiness.set(false);
    beside.abort();
    drain(&shared, Duration::from_secs(config.limits.shutdown_timeout_seconds)).await;
    jobs.stop().await;
    if let Err(error) = store.identity.flush_last_uses().await {
        tracing::warn!(%error, "the last uses of keys were not written");
    }
    if let Err(error) = store.metering.flush().await {
        tracing::warn!(%error, "the traffic of the last minute was not written to the history of use");
    }
    store.tasks.stop();
    admin_socket::remove(&config.admin_socket_path());
    store.close().await.map_err(ServeError::Close)?;
    tracing::info!("the server has ended");
    Ok(())
}

async fn finish_interrupted(store: &Store) {
    let job = FinishInterrupted::new(Arc::clone(&store.objects));
    match tokio::time::timeout(RECOVERY_PATIENCE, job.run()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "what was broken off can not be finished"),
        Err(_) => tracing::warn!("what was broken off is finished beside the requests: there is much of it"),
    }
}

fn start_jobs(config: &Config, store: &Store) -> Scheduler {
    let finish = FinishInterrupted::new(Arc::clone(&store.objects));
    let expire = ExpireKeys::new(Arc::clone(&store.identity), Arc::clone(&store.clock));
    let flush = FlushLastUses::new(Arc::clone(&store.identity));
    let tend = TendMembership::new(Arc::clone(&store.identity));
    let review = ReviewQuotas::new(Arc::clone(&store.identity), Arc::clone(&store.objects));
    let meter = MeterUsage::new(
        Arc::clone(&store.metering),
        Arc::clone(&store.identity),
        Arc::clone(&store.objects),
        Arc::clone(&store.access),
    );
    let tell = TellEvents::new(Arc::clone(&store.notify), Arc::clone(&store.identity));
    let mut jobs: Vec<Box<dyn Job>> =
        vec![Box::new(finish), Box::new(expire), Box::new(flush), Box::new(tend), Box::new(review), Box::new(tell)];
    jobs.push(Box::new(meter));
    if let Some(keep_days) = NonZeroU64::new(config.audit.keep_days) {
        jobs.push(Box::new(PruneAudit::new(store.audit.clone(), keep_days, Arc::clone(&store.clock))));
    }
    if store.identity.writes_groups() {
        jobs.push(Box::new(WriteGroups::new(Arc::clone(&store.identity))));
    }
    let pace = NonZeroU64::new(config.scrub.pace_mib_per_second.saturating_mul(MIB));
    if let Some(pace) = pace.filter(|_| config.scrub.period_hours > 0) {
        let engine = Arc::clone(&store.engine) as Arc<dyn Maintenance>;
        let period = Duration::from_secs(config.scrub.period_hours * 3600);
        jobs.push(Box::new(Scrub::new(Arc::clone(&store.objects), engine, period, pace)));
    }
    Scheduler::start(jobs, Arc::clone(&store.clock), &store.job_runs)
}

async fn bind(config: &Config) -> Result<Bound, ServeError> {
    let tcp = async |address: Option<SocketAddr>, setting| match address {
        Some(address) => listener::bind(address, setting).await.map(Some),
        None => Ok(None),
    };
    let s3 = tcp(config.listen.s3.address(), "listen.s3").await?;
    let s3_tls = tcp(config.listen.s3_tls.address(), "listen.s3_tls").await?;
    let portal = tcp(config.listen.portal.address(), "listen.portal").await?;
    let portal_tls = tcp(config.listen.portal_tls.address(), "listen.portal_tls").await?;
    let legacy = tcp(config.listen.legacy.address(), "listen.legacy").await?;
    let tls = if s3_tls.is_some() || portal_tls.is_some() {
        let certificates = Certificates::load(&config.tls.certificates)?;
        let acceptor = certificates.acceptor().map_err(|error| ServeError::Telemetry(error.to_string()))?;
        Some((acceptor, certificates))
    } else {
        None
    };
    let metrics = tcp(config.listen.metrics.address(), "listen.metrics").await?;
    let admin = admin_socket::bind(&config.admin_socket_path()).await?;
    Ok(Bound { s3, s3_tls, portal, portal_tls, legacy, tls, metrics, admin })
}

impl Bound {
    fn started(&self, config: &Config, store: &Store) -> std::io::Result<Started> {
        let address = |listener: Option<&TcpListener>| listener.map(TcpListener::local_addr).transpose();
        Ok(Started {
            s3: address(self.s3.as_ref())?,
            s3_tls: address(self.s3_tls.as_ref())?,
            portal: address(self.portal.as_ref())?,
            portal_tls: address(self.portal_tls.as_ref())?,
            legacy: address(self.legacy.as_ref())?,
            metrics: address(self.metrics.as_ref())?,
            admin_socket: config.admin_socket_path(),
            has_tenancies: !store.identity.tenancies().is_empty(),
        })
    }
}

fn spawn_listeners(
    bound: Bound,
    addresses: &Started,
    config: &Config,
    store: &Store,
    readiness: &Readiness,
    metrics: PrometheusHandle,
    shared: &Shared,
) -> Result<(), ServeError> {
    let side = || Arc::new(Semaphore::new(SIDE_CONNECTIONS));
    let tasks = &shared.tasks;
    let hangup = signal(SignalKind::hangup())?;
    let stop = shared.shutdown.drain.clone();
    let (acceptor, certificates) = bound.tls.unzip();
    match certificates {
        Some(certificates) => tasks.spawn(certificates.watch(hangup, stop)),
        None => tasks.spawn(ignore(hangup, stop)),
    };
    let s3 = (bound.s3, bound.s3_tls);
    spawn_pair(
        s3,
        acceptor.as_ref(),
        config.limits.connections as usize,
        &Arc::new(store.s3(config, addresses)),
        shared,
    );
    let (portal, pages) = ((bound.portal, bound.portal_tls), Arc::new(store.portal(config, addresses)));
    spawn_pair(portal, acceptor.as_ref(), PORTAL_CONNECTIONS, &pages, shared);
    spawn_pair((bound.legacy, None), None, PORTAL_CONNECTIONS, &pages, shared);
    if let Some(listener) = bound.metrics {
        let router = monitoring::router(Monitored {
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            engine: Arc::clone(&store.engine) as Arc<dyn Maintenance>,
            identity: Arc::clone(&store.identity),
            objects: Arc::clone(&store.objects),
            data_dir: config.data_dir.clone(),
            started: Instant::now(),
        });
        tasks.spawn(listener::run_tcp(listener, None, side(), Arc::new(Routed(router)), shared.clone()));
    }
    tasks.spawn(monitoring::upkeep(metrics, shared.shutdown.drain.clone()));
    let router = store.admin(installation(config, addresses));
    tasks.spawn(listener::run_unix(bound.admin, side(), Arc::new(Routed(router)), shared.clone()));
    Ok(())
}

/// Serves a handler over HTTP, HTTPS or both, with so many connections at a time over both.
fn spawn_pair<H: Handler>(
    (plain, tls): (Option<TcpListener>, Option<TcpListener>),
    acceptor: Option<&TlsAcceptor>,
    connections: usize,
    handler: &Arc<H>,
    shared: &Shared,
) {
    let slots = Arc::new(Semaphore::new(connections));
    let with_acceptor = [plain.map(|listener| (listener, None)), tls.map(|listener| (listener, acceptor.cloned()))];
    for (listener, acceptor) in with_acceptor.into_iter().flatten() {
        let (slots, handler) = (Arc::clone(&slots), Arc::clone(handler));
        shared.tasks.spawn(listener::run_tcp(listener, acceptor, slots, handler, shared.clone()));
    }
}

/// Takes SIGHUP where there is nothing to read again: a service manager's "reload" must not end the server.
async fn ignore(mut hangup: Signal, stop: CancellationToken) {
    while stop.run_until_cancelled(hangup.recv()).await.flatten().is_some() {
        tracing::info!("SIGHUP reads TLS certificates again, and there are none; other settings need a restart");
    }
}

/// What the administration API tells of this server.
fn installation(config: &Config, addresses: &Started) -> Installation {
    let names = |domains: &Domains| domains.iter().map(|domain| domain.as_str().to_owned()).collect();
    Installation {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_dir: absolute(&config.data_dir).display().to_string(),
        s3_address: addresses.s3.map(|address| address.to_string()),
        s3_tls_address: addresses.s3_tls.map(|address| address.to_string()),
        portal_address: addresses.portal.map(|address| address.to_string()),
        portal_tls_address: addresses.portal_tls.map(|address| address.to_string()),
        internal_domains: names(&config.domains.internal),
        external_domains: names(&config.domains.external),
        default_tenancy: config.default_tenancy.clone(),
    }
}

const fn patience(limits: &LimitSettings) -> Patience {
    Patience {
        header: Duration::from_secs(limits.header_timeout_seconds),
        idle: Duration::from_secs(limits.idle_timeout_seconds),
        stall: Duration::from_secs(limits.stall_timeout_seconds),
    }
}

/// Lets what is in flight finish, up to `bound`; then ends it.
async fn drain(shared: &Shared, bound: Duration) {
    shared.shutdown.drain.cancel();
    shared.tasks.close();
    tracing::info!(tasks = shared.tasks.len(), bound_seconds = bound.as_secs(), "finishing what is in flight");
    if tokio::time::timeout(bound, shared.tasks.wait()).await.is_err() {
        tracing::warn!(tasks = shared.tasks.len(), "the time is over: ending what is still in flight");
        shared.shutdown.abort.cancel();
        shared.tasks.wait().await;
    }
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first one. The second one ends the process.
    async fn wait(mut self) {
        self.next().await;
        tracing::info!("a signal came: the server ends; a second one ends it at once");
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("a second signal came");
            std::process::exit(STATUS_INTERRUPTED);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The folder as an absolute path, for people to read.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
