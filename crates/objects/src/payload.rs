//! Content on its way in.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use types::Checksum;

/// Shorter pieces are joined, so that a body in chunks of a byte takes no more memory on its way than another.
const LEAST_PIECE_BYTES: usize = 4 << 10;

/// What the client says of its content. All that is said is verified before anything is committed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// `x-amz-checksum-*`, from the headers or the trailer.
    pub checksum: Option<Checksum>,
}

/// The content did not arrive whole, or not as signed. The message that the client is to see lies in the protocol layer;
/// it travels through here as it is.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PayloadError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// The content of a PUT, decoded.
#[async_trait]
pub trait Payload: Send {
    /// The next piece; `None` at the end, once everything that the protocol itself verifies was verified.
    ///
    /// # Errors
    /// [`PayloadError`] where the content breaks off or does not verify: nothing of it may be committed.
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError>;

    /// The length in bytes, where it is known beforehand.
    fn length(&self) -> Option<u64>;

    /// What the client says of the content. Complete only after the end, when trailers have been read.
    fn claims(&self) -> Claims;

    /// The algorithm of the checksum that is claimed, known before the content is read.
    fn checksum_algorithm(&self) -> Option<types::ChecksumAlgorithm>;
}

/// The content in pieces of [`LEAST_PIECE_BYTES`] or more; only the last may be shorter.
pub(crate) struct Pieces<'a> {
    payload: &'a mut dyn Payload,
    short: BytesMut,
    ended: bool,
}

impl<'a> Pieces<'a> {
    pub(crate) fn of(payload: &'a mut dyn Payload) -> Self {
        Self { payload, short: BytesMut::new(), ended: false }
    }

    /// As [`Payload::next`], but for the length of what comes.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        while !self.ended {
            match self.payload.next().await? {
                Some(piece) if self.short.is_empty() && piece.len() >= LEAST_PIECE_BYTES => return Ok(Some(piece)),
                Some(piece) => self.short.extend_from_slice(&piece),
                None => self.ended = true,
            }
            if self.short.len() >= LEAST_PIECE_BYTES {
                break;
            }
        }
        let piece = self.short.split().freeze();
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of these lengths, each of its own byte.
    struct Lengths<'a>(std::slice::Iter<'a, usize>, u8);

    #[async_trait]
    impl Payload for Lengths<'_> {
        async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
            self.1 += 1;
            Ok(self.0.next().map(|length| vec![self.1; *length].into()))
        }

        fn length(&self) -> Option<u64> {
            None
        }

        fn claims(&self) -> Claims {
            Claims::default()
        }

        fn checksum_algorithm(&self) -> Option<types::ChecksumAlgorithm> {
            None
        }
    }

    #[tokio::test]
    async fn short_pieces_are_joined_and_others_pass() {
        let cases: [(&[usize], &[usize]); 5] = [
            (&[], &[]),
            (&[5], &[5]),
            (&[4096, 100_000, 4096], &[4096, 100_000, 4096]),
            (&[5000, 1, 4000, 4000, 3], &[5000, 8001, 3]),
            (&[4095, 1, 10], &[4096, 10]),
        ];
        for (lengths, expected) in cases {
            let mut payload = Lengths(lengths.iter(), 0);
            let mut pieces = Pieces::of(&mut payload);
            let (mut found, mut content) = (Vec::new(), Vec::new());
            while let Some(piece) = pieces.next().await.unwrap() {
                found.push(piece.len());
                content.extend_from_slice(&piece);
            }
            assert_eq!(found, expected);
            let whole = (1..).zip(lengths).flat_map(|(byte, length)| std::iter::repeat_n(byte, *length));
            assert!(whole.eq(content), "{lengths:?}");
        }
    }
}
