//! The two bodies of an exchange, noting who waits for whom.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::{Exchange, Waits};

/// The body of a request.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: Incoming,
    client: Arc<Waits>,
    ended: bool,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, client: Arc<Waits>) -> Self {
        Self { inner, client, ended: false }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.client.body_asked();
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Pending => self.client.body_wanted(),
            Poll::Ready(frame) => {
                self.ended = frame.is_none();
                self.client.body_came();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.client.body_came();
        if !self.ended && !self.inner.is_end_stream() {
            self.client.body_left();
        }
    }
}

/// The body of a response. The exchange ends when it is dropped.
#[derive(Debug)]
pub(crate) struct ResponseBody<B> {
    inner: B,
    client: Arc<Waits>,
    #[expect(dead_code, reason = "held for its Drop")]
    exchange: Exchange,
}

impl<B> ResponseBody<B> {
    pub(super) fn new(inner: B, exchange: Exchange) -> Self {
        let client = exchange.client();
        client.response_offered();
        Self { inner, client, exchange }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.client.response_taken();
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if polled.is_ready() {
            self.client.response_offered();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
