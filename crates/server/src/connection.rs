//! One connection: HTTP/1.1 or HTTP/2, watched for clients that hold it and do nothing.
//!
//! hyper speaks the protocols. [`activity`] knows which requests are in flight and whether each waits for its client;
//! [`body`] tells it. [`lingering`] ends connections so that clients read their answers. [`serve`] looks at that a few times in every time-out and closes what only waits. One watch
//! serves both protocols, the handshake of versions included, which hyper's own header time-out does not cover.

mod activity;
mod body;
mod lingering;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use activity::{Activity, Verdict, WatchedIo};
pub(crate) use body::RequestBody;
use body::ResponseBody;
use lingering::LingeringIo;

/// The most bytes that a connection buffers of a request's head and between socket and body, per direction. A head
/// beyond it is answered 431. Times both directions and the default 4096 connections it makes 512 MiB.
const BUFFER_BYTES: usize = 64 * 1024;
/// The most bytes of a request's headers over HTTP/2, as its table counts them.
const HTTP2_HEADER_BYTES: u32 = 64 * 1024;
/// Streams at a time on one HTTP/2 connection: what transfer clients open, with room.
const HTTP2_STREAMS: u32 = 128;
/// How much of one response HTTP/2 buffers.
const HTTP2_SEND_BUFFER_BYTES: usize = 256 * 1024;
/// How often in each time-out the watch looks.
const LOOKS_PER_TIMEOUT: u32 = 8;
/// The watch looks at least this often, whatever the time-outs.
const SLOWEST_LOOK: Duration = Duration::from_secs(5);

/// An error of a body, as hyper takes it.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// A client over the network, in the clear.
    Http(SocketAddr),
    /// A client over the network, under TLS.
    Https(SocketAddr),
    /// A process of this machine, over the administration socket, and its user.
    Local(Option<u32>),
}

/// What answers the requests of a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The body of its responses.
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one request. Dropped where the client goes away.
    fn handle(
        self: Arc<Self>,
        request: Request<RequestBody>,
        peer: Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// How long a client may do nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From the connection's start to its first request's complete headers.
    pub(crate) header: Duration,
    /// From a response's end to the next request's complete headers.
    pub(crate) idle: Duration,
    /// Without sending a body that it announced, or taking a response.
    pub(crate) stall: Duration,
}

impl Patience {
    fn look_interval(&self) -> Duration {
        (self.header.min(self.idle).min(self.stall) / LOOKS_PER_TIMEOUT).min(SLOWEST_LOOK)
    }
}

/// When connections end for the server's sake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// Finish what is in flight, take nothing new.
    pub(crate) drain: CancellationToken,
    /// End now.
    pub(crate) abort: CancellationToken,
}

/// The protocols with their bounds.
pub(crate) fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The watch of this module covers it, from the first byte on.
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HTTP2_HEADER_BYTES)
        // Windows grow with what handlers read: a client that nobody has authorized fills 64 KiB, and a fast one over a
        // long line up to 16 MiB.
        .adaptive_window(true)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES);
    builder
}

/// Serves one connection to its end: the client's, a time-out's, or the server's.
pub(crate) async fn serve<I, H>(
    io: I,
    peer: Peer,
    handler: Arc<H>,
    protocols: &Builder<TokioExecutor>,
    patience: Patience,
    shutdown: Shutdown,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let activity = Arc::new(Activity::new());
    let service = service_fn(|request: Request<Incoming>| answer(request, peer, Arc::clone(&handler), &activity));
    let io = WatchedIo::new(io, Arc::clone(&activity));
    let io = TokioIo::new(LingeringIo::new(io, Arc::clone(&activity)));
    let connection = protocols.serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let mut look = tokio::time::interval(patience.look_interval());
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut closing = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(?peer, error = %error, "a connection broke");
                }
                return;
            }
            () = shutdown.abort.cancelled() => return,
            () = shutdown.drain.cancelled(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => match activity.verdict(patience) {
                Verdict::Fine => {}
                Verdict::Idle if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                verdict => {
                    tracing::debug!(?peer, ?verdict, "closing a connection whose client does nothing");
                    metrics::counter!(crate::telemetry::CONNECTIONS_TIMED_OUT, "reason" => verdict.name()).increment(1);
                    return;
                }
            },
        }
    }
}

/// Runs the handler between the two watched bodies.
fn answer<H: Handler>(
    request: Request<Incoming>,
    peer: Peer,
    handler: Arc<H>,
    activity: &Arc<Activity>,
) -> impl Future<Output = Result<Response<ResponseBody<H::Body>>, Infallible>> + use<H> {
    let exchange = activity.begin();
    let client = exchange.client();
    let expects = expects_continue(&request);
    let has_body = !request.body().is_end_stream();
    let request = request.map(|incoming| RequestBody::new(incoming, exchange.client()));
    // hyper moves what this function returns, and keeps a place for it with each connection. Kilobytes that are there
    // for one request are better in memory that the request before has just used.
    let response = Box::pin(handler.handle(request, peer));
    async move {
        let mut response = response.await;
        // hyper sends the 100 when a body that is not empty is first asked for.
        if expects && !(has_body && client.was_body_asked()) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| ResponseBody::new(body, exchange)))
    }
}

/// Whether the client waits for `100 Continue` before it sends a body (RFC 9110 section 10.1.1). Where it gets an answer
/// instead, it may send the body or not, and nobody can tell where the next request begins: the connection has to end.
/// HTTP/2 has no such trouble.
fn expects_continue(request: &Request<Incoming>) -> bool {
    let expects =
        request.headers().get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    expects && request.version() < Version::HTTP_2
}
