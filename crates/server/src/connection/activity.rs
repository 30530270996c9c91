//! What a connection does: requests in flight, and how long each has waited for its client.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Patience;

/// No wait is going on.
const NOT_WAITING: u64 = u64::MAX;

/// How much longer than its patience the watch gives an upload: a handler that has a time-out of its own for it answers
/// first, which tells the client more than a closed connection.
const UPLOAD_GRACE: Duration = Duration::from_secs(2);

/// What is to be done with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// It waited too long for its first request.
    NoRequest,
    /// It waited too long for its next request.
    Idle,
    /// A client sends or takes nothing in the middle of a request.
    Stalled,
}

impl Verdict {
    /// The label of metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fine => "none",
            Self::NoRequest => "header",
            Self::Idle => "idle",
            Self::Stalled => "stall",
        }
    }
}

/// The activity of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    started: Instant,
    /// Milliseconds from `started` to the last byte that the client's side took.
    last_write_ms: AtomicU64,
    /// Whether a request's body was dropped before its end.
    unread_body: Arc<AtomicBool>,
    requests: Mutex<Requests>,
}

#[derive(Debug)]
struct Requests {
    in_flight: Vec<Arc<Waits>>,
    last_end: Option<Instant>,
}

/// Since when a request waits for its client, in milliseconds from the connection's start.
#[derive(Debug)]
pub(crate) struct Waits {
    started: Instant,
    to_send_ms: AtomicU64,
    to_take_ms: AtomicU64,
    body_asked: AtomicBool,
    unread_body: Arc<AtomicBool>,
}

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    activity: Arc<Activity>,
    waits: Arc<Waits>,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            last_write_ms: AtomicU64::new(0),
            unread_body: Arc::default(),
            requests: Mutex::new(Requests { in_flight: Vec::new(), last_end: None }),
        }
    }

    /// A request's headers are complete.
    pub(crate) fn begin(self: &Arc<Self>) -> Exchange {
        let waits = Arc::new(Waits {
            started: self.started,
            to_send_ms: AtomicU64::new(NOT_WAITING),
            to_take_ms: AtomicU64::new(NOT_WAITING),
            body_asked: AtomicBool::new(false),
            unread_body: Arc::clone(&self.unread_body),
        });
        self.requests.lock().in_flight.push(Arc::clone(&waits));
        Exchange { activity: Arc::clone(self), waits }
    }

    /// Whether a client may still be sending a body that nobody reads.
    pub(crate) fn has_unread_body(&self) -> bool {
        self.unread_body.load(Ordering::Relaxed)
    }

    /// Whether the client has used up the server's patience.
    pub(crate) fn verdict(&self, patience: Patience) -> Verdict {
        let now_ms = millis(self.started.elapsed());
        let beyond = |since_ms: u64, bound: Duration| now_ms.saturating_sub(since_ms) > millis(bound);
        let last_write_ms = self.last_write_ms.load(Ordering::Relaxed);
        let requests = self.requests.lock();
        if !requests.in_flight.is_empty() {
            let stalled = requests.in_flight.iter().any(|waits| {
                let to_send = waits.to_send_ms.load(Ordering::Relaxed);
                let to_take = waits.to_take_ms.load(Ordering::Relaxed);
                (to_send != NOT_WAITING && beyond(to_send, patience.stall + UPLOAD_GRACE))
                    || (to_take != NOT_WAITING && beyond(to_take.max(last_write_ms), patience.stall))
            });
            return if stalled { Verdict::Stalled } else { Verdict::Fine };
        }
        match requests.last_end {
            None if beyond(0, patience.header) => Verdict::NoRequest,
            // What is left of a response in the buffers may still be on its way to a slow client.
            Some(end) if end.elapsed() > patience.idle && beyond(last_write_ms, patience.idle) => Verdict::Idle,
            _ => Verdict::Fine,
        }
    }
}

impl Exchange {
    /// To note what the client keeps waiting.
    pub(crate) fn client(&self) -> Arc<Waits> {
        Arc::clone(&self.waits)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut requests = self.activity.requests.lock();
        requests.in_flight.retain(|waits| !Arc::ptr_eq(waits, &self.waits));
        requests.last_end = Some(Instant::now());
    }
}

impl Waits {
    /// The request's body is asked for; a client that expects `100 Continue` is told to go on.
    pub(crate) fn body_asked(&self) {
        self.body_asked.store(true, Ordering::Relaxed);
    }

    /// Whether the request's body was ever asked for.
    pub(crate) fn was_body_asked(&self) -> bool {
        self.body_asked.load(Ordering::Relaxed)
    }

    /// The server wants more of the request's body, and there is none. Called again, it changes nothing.
    pub(crate) fn body_wanted(&self) {
        let now_ms = millis(self.started.elapsed());
        let _ = self.to_send_ms.compare_exchange(NOT_WAITING, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// More of the body came, or no more is wanted.
    pub(crate) fn body_came(&self) {
        self.to_send_ms.store(NOT_WAITING, Ordering::Relaxed);
    }

    /// Nobody reads the rest of the body.
    pub(crate) fn body_left(&self) {
        self.unread_body.store(true, Ordering::Relaxed);
    }

    /// A piece of the response was handed over.
    pub(crate) fn response_offered(&self) {
        self.to_take_ms.store(millis(self.started.elapsed()), Ordering::Relaxed);
    }

    /// The connection asks for the next piece of the response.
    pub(crate) fn response_taken(&self) {
        self.to_take_ms.store(NOT_WAITING, Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NOT_WAITING - 1)
}

/// A stream that notes when bytes were last written.
#[derive(Debug)]
pub(crate) struct WatchedIo<I> {
    inner: I,
    activity: Arc<Activity>,
}

impl<I> WatchedIo<I> {
    pub(crate) fn new(inner: I, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
    }

    fn written(&self, result: &Poll<io::Result<usize>>) {
        if matches!(result, Poll::Ready(Ok(1..))) {
            self.activity.last_write_ms.store(millis(self.activity.started.elapsed()), Ordering::Relaxed);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for WatchedIo<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for WatchedIo<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.written(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.written(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { header: Duration::from_secs(2), idle: Duration::from_secs(4), stall: Duration::from_secs(6) };

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_requests_has_its_bounds() {
        let activity = Arc::new(Activity::new());
        after(1).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Fine);
        after(2).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::NoRequest);

        let exchange = activity.begin();
        after(60).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Fine, "the server works: that is not the client's fault");
        drop(exchange);
        after(3).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Fine);
        after(2).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_a_stall() {
        let activity = Arc::new(Activity::new());
        let exchange = activity.begin();
        let client = exchange.client();
        for _ in 0..3 {
            client.body_wanted();
            after(7).await;
            client.body_wanted();
            assert_eq!(activity.verdict(PATIENCE), Verdict::Fine);
            client.body_came();
        }
        client.body_wanted();
        after(4).await;
        client.body_wanted();
        after(5).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Stalled, "asking again does not start the wait anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_no_stalled_one() {
        let activity = Arc::new(Activity::new());
        let exchange = activity.begin();
        exchange.client().response_offered();
        after(5).await;
        activity.last_write_ms.store(5_000, Ordering::Relaxed);
        after(5).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Fine, "bytes went out in between");
        after(2).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Stalled);
        exchange.client().response_taken();
        assert_eq!(activity.verdict(PATIENCE), Verdict::Fine);
    }
}
