//! The body of a request before it is decoded: counted, and read by nobody until an operation asks for it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use parking_lot::Mutex;
use s3_protocol::RequestHead;
use s3_protocol::auth::PayloadMode;
use s3_protocol::body::Payload;

use crate::observe::ReceivedBytes;

/// How much of a refused body is read to its end: the parts that clients usually send.
const REFUSED_BYTES: u64 = 64 << 20;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A body of any connection. It can be shared between threads with the call that it belongs to, though only its owner
/// reads it, so nobody ever waits for the lock.
pub(crate) struct RequestBody {
    inner: Mutex<UnsyncBoxBody<Bytes, Error>>,
    received: ReceivedBytes,
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, received: ReceivedBytes) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        Self { inner: Mutex::new(body.map_err(Into::into).boxed_unsync()), received }
    }

    /// Reads and drops what the sender of a refused request is still sending, up to [`REFUSED_BYTES`]. A client that
    /// writes its body before it reads the response would otherwise meet a closed connection and never learn why.
    /// Nothing is asked of a client that waits for `100 Continue`, or that speaks HTTP/2, where streams end one by one.
    pub(crate) async fn drain(self, head: &RequestHead<'_>, stall: Duration) {
        let waits = head.headers().contains_key(EXPECT) || head.parts.version == Version::HTTP_2;
        if waits || self.is_end_stream() || self.size_hint().lower() > REFUSED_BYTES {
            return;
        }
        let Ok(mut payload) = Payload::new(self, head, &PayloadMode::Unsigned, stall) else { return };
        let mut read = 0;
        while let Ok(Some(piece)) = payload.next().await {
            read += piece.len() as u64;
            if read > REFUSED_BYTES {
                return;
            }
        }
    }

    /// The body; an empty one stays behind.
    pub(crate) fn take(&mut self) -> Self {
        let received = self.received.clone();
        std::mem::replace(self, Self::new(Empty::new(), received))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(self.inner.get_mut()).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.received.add(data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.lock().size_hint()
    }
}
