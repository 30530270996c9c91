//! Content on its way out of an engine.

use std::fmt;
use std::pin::Pin as StdPin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};

use crate::StorageError;

/// A sequence of byte pieces of known total length. Content that is at hand travels without a heap-allocated stream.
pub struct ByteStream {
    length: u64,
    inner: Inner,
}

enum Inner {
    Ready(Option<Bytes>),
    Stream(BoxStream<'static, Result<Bytes, StorageError>>),
}

impl ByteStream {
    /// The content of `stream`, which yields `length` bytes in all or fails.
    pub fn new(length: u64, stream: impl Stream<Item = Result<Bytes, StorageError>> + Send + 'static) -> Self {
        Self { length, inner: Inner::Stream(stream.boxed()) }
    }

    /// No content.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// How many bytes it yields from its beginning.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The content, where it is at hand whole and untouched; else the stream back.
    ///
    /// # Errors
    /// The stream itself, where it has to be polled.
    pub fn into_ready(self) -> Result<Bytes, Self> {
        match self.inner {
            Inner::Ready(bytes) => Ok(bytes.unwrap_or_default()),
            Inner::Stream(_) => Err(self),
        }
    }

    /// Reads everything into one piece: for content that is known to be small.
    ///
    /// # Errors
    /// The stream's.
    pub async fn collect(mut self) -> Result<Bytes, StorageError> {
        if let Inner::Ready(bytes) = &mut self.inner {
            return Ok(bytes.take().unwrap_or_default());
        }
        let mut whole = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0));
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.into())
    }
}

impl From<Bytes> for ByteStream {
    fn from(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, inner: Inner::Ready(Some(bytes).filter(|bytes| !bytes.is_empty())) }
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, StorageError>;

    fn poll_next(mut self: StdPin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.inner {
            Inner::Ready(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Inner::Stream(stream) => stream.poll_next_unpin(context),
        }
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteStream({} bytes)", self.length)
    }
}
