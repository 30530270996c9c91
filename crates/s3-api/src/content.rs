//! The content of a request, as the store takes it in.

use async_trait::async_trait;
use bytes::Bytes;
use objects::{Claims, Payload, PayloadError};
use s3_protocol::S3Error;
use types::ChecksumAlgorithm;

use crate::call::Call;

/// A decoded payload with what its request claims about it.
#[derive(Debug)]
pub(crate) struct RequestContent {
    payload: s3_protocol::body::Payload,
    claims: s3_protocol::Claims,
}

impl RequestContent {
    /// The content of a request that writes an object or a part. To be asked for after authorization.
    ///
    /// # Errors
    /// MissingContentLength, EntityTooLarge above what one PUT may have, and those of [`s3_protocol::Claims::parse`].
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, S3Error> {
        let claims = s3_protocol::Claims::parse(call.headers())?;
        let payload = call.payload()?;
        if payload.require_length()? > objects::multipart::MAX_PART_BYTES {
            return Err(crate::errors::too_large());
        }
        Ok(Self { payload, claims })
    }

    /// The file of a form, whose length nobody knows beforehand.
    pub(crate) fn of_form(payload: s3_protocol::body::Payload, claims: s3_protocol::Claims) -> Self {
        Self { payload, claims }
    }
}

#[async_trait]
impl Payload for RequestContent {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        self.payload.next().await.map_err(|error| PayloadError(Box::new(error)))
    }

    fn length(&self) -> Option<u64> {
        self.payload.length()
    }

    fn claims(&self) -> Claims {
        Claims { md5: self.claims.md5, checksum: self.payload.trailer_checksum().or(self.claims.checksum) }
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.payload.announced_checksum().or(self.claims.algorithm())
    }
}
