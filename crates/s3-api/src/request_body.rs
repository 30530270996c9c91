//! The body of a request before it is decoded: counted, and read by nobody until an operation asks for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;
use s3_protocol::RequestHead;
use s3_protocol::auth::PayloadMode;
use s3_protocol::body::Payload;

use crate::observe::ReceivedBytes;

/// How much of a refused body is read to its end: the parts that clients usually send.
const REFUSED_BYTES: u64 = 64 << 20;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A body of any connection. A handle: the one that an operation takes and the one that its request keeps are the same
/// body, read by one after the other, so nobody ever waits for the lock.
pub(crate) struct RequestBody {
    inner: Arc<Mutex<UnsyncBoxBody<Bytes, Error>>>,
    received: ReceivedBytes,
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, received: ReceivedBytes) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        Self { inner: Arc::new(Mutex::new(body.map_err(Into::into).boxed_unsync())), received }
    }

    /// The body for an operation to read.
    pub(crate) fn handle(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), received: self.received.clone() }
    }

    /// Reads and drops what the sender of a refused request is still sending, up to [`REFUSED_BYTES`]. A client that
    /// writes its body before it reads the response would otherwise meet a closed connection and never learn why.
    /// Nothing is asked of a client that still waits for `100 Continue`.
    pub(crate) async fn drain(self, head: &RequestHead<'_>, stall: Duration) {
        let waits = head.headers().contains_key(EXPECT) && !self.received.any();
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
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut *self.inner.lock()).poll_frame(context));
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
