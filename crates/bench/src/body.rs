//! Bodies of uploads: a few random bytes, repeated without copying.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use types::{Entropy, SeededEntropy};

use crate::target::sha256_of;

/// The bytes that a body repeats. Odd, so that no page of it equals another; the size of a comfortable write.
const PIECE_BYTES: usize = (256 << 10) + 1;

/// What bodies are made of. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    piece: Bytes,
    length: u64,
    sha256: Arc<OnceLock<String>>,
}

impl Content {
    /// `length` reproducible bytes.
    pub(crate) fn new(length: u64) -> Self {
        let mut piece = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(PIECE_BYTES)];
        SeededEntropy::new(length).fill(&mut piece);
        Self { piece: piece.into(), length, sha256: Arc::default() }
    }

    pub(crate) fn empty() -> Self {
        Self::new(0)
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, piece: bytes, sha256: Arc::default() }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// A body to send.
    pub(crate) fn body(&self) -> UploadBody {
        UploadBody { content: self.clone(), sent: 0 }
    }
}

/// One upload's body.
#[derive(Debug)]
pub(crate) struct UploadBody {
    content: Content,
    sent: u64,
}

impl UploadBody {
    pub(crate) fn is_empty(&self) -> bool {
        self.content.length == 0
    }

    /// In hex; made once for all bodies of a content.
    pub(crate) fn sha256(&self) -> &str {
        self.content.sha256.get_or_init(|| {
            let mut body = self.content.body();
            sha256_of(std::iter::from_fn(move || body.take_piece()))
        })
    }

    fn take_piece(&mut self) -> Option<Bytes> {
        let left = self.content.length - self.sent;
        if left == 0 {
            return None;
        }
        let piece = &self.content.piece;
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        self.sent += length as u64;
        Some(piece.slice(..length))
    }
}

impl Body for UploadBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.take_piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.content.length
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.length - self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_their_length_and_hash() {
        for length in [0, 1, 4096, PIECE_BYTES as u64, 3 * PIECE_BYTES as u64 + 7] {
            let content = Content::new(length);
            let mut body = content.body();
            let pieces: Vec<Bytes> = std::iter::from_fn(|| body.take_piece()).collect();
            assert_eq!(pieces.iter().map(|piece| piece.len() as u64).sum::<u64>(), length);
            assert_eq!(content.body().sha256(), sha256_of([Bytes::from(pieces.concat())].into_iter()));
            assert!(body.is_end_stream());
        }
    }
}
