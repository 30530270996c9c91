//! The body of a request before it is decoded: counted, and read by nobody until an operation asks for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use parking_lot::Mutex;

use crate::observe::ReceivedBytes;

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
