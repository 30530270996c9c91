//! What a response carries, and the end of a request.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream as _;
use http_body::{Body, Frame, SizeHint};
use storage::{ByteStream, StorageError};

use crate::observe::Record;

/// What an operation answers with, before it is tied to its request's record.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// A document, or an object that is at hand whole.
    Whole(Bytes),
    /// An object on its way from the engine.
    Stream(ByteStream),
}

impl From<String> for Content {
    fn from(document: String) -> Self {
        Self::Whole(document.into())
    }
}

impl From<Bytes> for Content {
    fn from(document: Bytes) -> Self {
        Self::Whole(document)
    }
}

impl From<Vec<u8>> for Content {
    fn from(document: Vec<u8>) -> Self {
        Self::Whole(document.into())
    }
}

impl From<ByteStream> for Content {
    fn from(stream: ByteStream) -> Self {
        match stream.into_ready() {
            Ok(whole) => Self::Whole(whole),
            Err(stream) => Self::Stream(stream),
        }
    }
}

/// Why a response broke off. The connection is aborted, so that no client takes a part for the whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The engine failed, or met damaged data.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The engine yielded fewer bytes than it said.
    #[error("the content ended {missing} bytes too soon")]
    Short {
        /// How many bytes did not come.
        missing: u64,
    },
}

/// The body of a response. The request's access log line is written when it ends or is dropped.
#[derive(Debug)]
pub struct ResponseBody {
    content: Content,
    remaining: u64,
    record: Record,
}

impl ResponseBody {
    pub(crate) fn new(content: Content, record: Record) -> Self {
        let (content, remaining) = match content {
            Content::Empty => (Content::Empty, 0),
            Content::Whole(bytes) if bytes.is_empty() => (Content::Empty, 0),
            Content::Whole(bytes) => {
                let length = bytes.len() as u64;
                (Content::Whole(bytes), length)
            }
            Content::Stream(stream) => {
                let length = stream.length();
                (Content::Stream(stream), length)
            }
        };
        Self { content, remaining, record }
    }

    fn sent(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let length = bytes.len() as u64;
        self.remaining = self.remaining.saturating_sub(length);
        self.record.sent(length);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn broken(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.content = Content::Empty;
        self.remaining = 0;
        self.record.broke_off(&error);
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = match &mut self.content {
            Content::Empty => return Poll::Ready(None),
            Content::Whole(bytes) => {
                let whole = std::mem::take(bytes);
                self.content = Content::Empty;
                return self.sent(whole);
            }
            Content::Stream(stream) => match Pin::new(stream).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => piece,
            },
        };
        match piece {
            Some(Ok(bytes)) => self.sent(bytes),
            Some(Err(error)) => self.broken(error.into()),
            None if self.remaining > 0 => {
                let missing = self.remaining;
                self.broken(BodyError::Short { missing })
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    /// Neither a failing engine nor one that stops early ends a body as if it were whole.
    #[tokio::test]
    async fn a_broken_stream_is_an_error() {
        let full = || Ok(Bytes::from_static(b"abc"));
        let damaged = || Err(StorageError::Damaged("crc".into()));
        for (length, pieces, whole) in [
            (6, vec![full(), full()], true),
            (6, vec![full()], false),
            (6, vec![full(), damaged()], false),
            (6, vec![], false),
        ] {
            let content = Content::from(ByteStream::new(length, stream::iter(pieces)));
            let body = ResponseBody::new(content, Record::for_test());
            assert_eq!(body.size_hint().exact(), Some(length));
            assert_eq!(body.collect().await.is_ok(), whole);
        }
    }
}
