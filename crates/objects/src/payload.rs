//! Content on its way in.

use async_trait::async_trait;
use bytes::Bytes;
use types::Checksum;

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
