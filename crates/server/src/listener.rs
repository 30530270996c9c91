//! Sockets that accept connections: S3 over HTTP and HTTPS, metrics, and the administration socket.
//!
//! Each accepted connection runs as a task of its own in [`crate::connection`]. A slot is taken before a connection is
//! accepted, so that above the bound clients wait in the system's queue and cost no memory here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Handler, Patience, Peer, Shutdown};
use crate::telemetry;

/// Pause after a failed accept: the usual reason, too few file descriptors, does not go away at once.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What the listeners of one server share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// How long clients may do nothing.
    pub(crate) patience: Patience,
    /// When to end.
    pub(crate) shutdown: Shutdown,
    /// Every connection's task.
    pub(crate) tasks: TaskTracker,
    protocols: Arc<Builder<TokioExecutor>>,
}

impl Shared {
    /// For connections of this patience.
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            shutdown: Shutdown::default(),
            tasks: TaskTracker::new(),
            protocols: Arc::new(connection::protocols()),
        }
    }
}

/// Binds a TCP listener.
///
/// # Errors
/// With the address, and what to do about the usual reasons.
pub(crate) async fn bind(address: SocketAddr, setting: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port with",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need the capability CAP_NET_BIND_SERVICE: grant it, or choose another port with"
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address: choose another one with",
            _ => "check",
        };
        io::Error::new(error.kind(), format!("can not listen at {address} ({error}): {advice} {setting}"))
    })
}

/// Accepts TCP connections until the server drains; under TLS where there is an acceptor.
pub(crate) async fn run_tcp<H: Handler>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    slots: Arc<Semaphore>,
    handler: Arc<H>,
    shared: Shared,
) {
    loop {
        let Some((slot, accepted)) = next(&slots, &shared, listener.accept()).await else { return };
        let Some((stream, address)) = accepted else { continue };
        let (tls, handler, of_task) = (tls.clone(), Arc::clone(&handler), shared.clone());
        shared.tasks.spawn(async move {
            run_connection(stream, address, tls, handler, of_task).await;
            drop(slot);
        });
    }
}

/// Accepts connections of the Unix socket until the server drains.
pub(crate) async fn run_unix<H: Handler>(
    listener: UnixListener,
    slots: Arc<Semaphore>,
    handler: Arc<H>,
    shared: Shared,
) {
    loop {
        let Some((slot, accepted)) = next(&slots, &shared, listener.accept()).await else { return };
        let Some((stream, _)) = accepted else { continue };
        let (handler, of_task) = (Arc::clone(&handler), shared.clone());
        shared.tasks.spawn(async move {
            let Shared { patience, shutdown, protocols, .. } = of_task;
            let uid = stream.peer_cred().ok().map(|peer| peer.uid());
            connection::serve(stream, Peer::Local(uid), handler, &protocols, patience, shutdown).await;
            drop(slot);
        });
    }
}

/// Waits for a slot, then for a connection. `None` when the server drains; no connection where accepting failed.
async fn next<T>(
    slots: &Arc<Semaphore>,
    shared: &Shared,
    accept: impl Future<Output = io::Result<T>>,
) -> Option<(OwnedSemaphorePermit, Option<T>)> {
    let accepted = async {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        Some((slot, accept.await))
    };
    let (slot, result) = tokio::select! {
        () = shared.shutdown.drain.cancelled() => return None,
        accepted = accepted => accepted?,
    };
    match result {
        Ok(connection) => Some((slot, Some(connection))),
        Err(error) => {
            tracing::warn!(%error, "can not accept a connection");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            Some((slot, None))
        }
    }
}

async fn run_connection<H: Handler>(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    handler: Arc<H>,
    shared: Shared,
) {
    let Shared { patience, shutdown, protocols, .. } = shared;
    let _open = OpenConnection::count();
    // Small responses must not wait for the client's delayed acknowledgements.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can not turn off Nagle's algorithm");
    }
    match tls {
        None => connection::serve(stream, Peer::Http(address), handler, &protocols, patience, shutdown).await,
        Some(acceptor) => match tokio::time::timeout(patience.header, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                connection::serve(stream, Peer::Https(address), handler, &protocols, patience, shutdown).await;
            }
            Ok(Err(error)) => tls_failed(address, &error.to_string()),
            Err(_) => tls_failed(address, "the client took too long"),
        },
    }
}

/// Counts an open connection until it is dropped.
struct OpenConnection;

impl OpenConnection {
    fn count() -> Self {
        metrics::gauge!(telemetry::CONNECTIONS_OPEN).increment(1.0);
        Self
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        metrics::gauge!(telemetry::CONNECTIONS_OPEN).decrement(1.0);
    }
}

fn tls_failed(address: SocketAddr, reason: &str) {
    metrics::counter!(telemetry::TLS_HANDSHAKES_FAILED).increment(1);
    tracing::debug!(%address, reason, "a TLS handshake failed");
}
