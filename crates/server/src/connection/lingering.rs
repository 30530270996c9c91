//! The end of a connection whose client is still sending.
//!
//! A refused upload is answered before its body was read. To close the connection then would reset it, and the client,
//! which finds out while it sends, may lose the answer that waits in its own buffers. So the server ends only its own
//! direction, with the answer, and reads and drops what still comes, until the client ends its direction too or uses up
//! the time that it is given (RFC 9112, section 9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::Activity;

/// How long a client may go on sending: 3 GiB at a gigabit.
const LINGER: Duration = Duration::from_secs(30);
/// How long it may send nothing.
const QUIET: Duration = Duration::from_secs(5);
/// The bytes that are dropped at a time.
const DROPPED_BYTES: usize = 16 * 1024;

/// A stream whose shutdown waits for a client that is in the middle of a body.
#[derive(Debug)]
pub(crate) struct LingeringIo<I> {
    inner: I,
    activity: Arc<Activity>,
    end: End,
}

#[derive(Debug)]
enum End {
    /// It has not come.
    Ahead,
    /// The client was told, and may send until `deadline` if it is never quiet for long.
    Lingering { deadline: Instant, patience: Pin<Box<Sleep>> },
    /// Nothing more is read.
    Reached,
}

impl<I> LingeringIo<I> {
    pub(crate) fn new(inner: I, activity: Arc<Activity>) -> Self {
        Self { inner, activity, end: End::Ahead }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> LingeringIo<I> {
    /// Drops what comes; ready once that is enough.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let End::Lingering { deadline, patience } = &mut self.end else { return Poll::Ready(()) };
        loop {
            if patience.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut dropped = [0; DROPPED_BYTES];
            let mut dropped = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut dropped)) {
                Ok(()) if !dropped.filled().is_empty() => {
                    patience.as_mut().reset((*deadline).min(Instant::now() + QUIET));
                }
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for LingeringIo<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringIo<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.end, End::Ahead) {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.end = if self.activity.has_unread_body() {
                let now = Instant::now();
                let patience = Box::pin(tokio::time::sleep_until(now + QUIET));
                End::Lingering { deadline: now + LINGER, patience }
            } else {
                End::Reached
            };
        }
        ready!(self.poll_linger(cx));
        self.end = End::Reached;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    async fn lingering(unread: bool) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<Duration>) {
        let (client, server) = duplex(1024);
        let activity = Arc::new(Activity::new());
        if unread {
            activity.begin().client().body_left();
        }
        let mut server = LingeringIo::new(server, activity);
        let began = Instant::now();
        let end = tokio::spawn(async move {
            server.write_all(b"no").await.expect("room");
            server.shutdown().await.expect("an end");
            began.elapsed()
        });
        (client, end)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_in_the_middle_of_a_body_reads_its_answer() {
        let (mut client, end) = lingering(true).await;
        client.write_all(&[0; 100_000]).await.expect("somebody reads");
        let mut answer = [0; 2];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"no");
        drop(client);
        assert!(end.await.expect("no panic") < QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_who_is_quiet_or_never_ends() {
        let (_client, end) = lingering(false).await;
        assert_eq!(end.await.expect("no panic"), Duration::ZERO);
        let (_client, end) = lingering(true).await;
        assert_eq!(end.await.expect("no panic").as_secs(), QUIET.as_secs());
        let (mut client, end) = lingering(true).await;
        while client.write_all(b"more").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(end.await.expect("no panic").as_secs(), LINGER.as_secs());
    }
}
