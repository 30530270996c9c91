//! The small documents that some operations take.

use bytes::Bytes;
use s3_protocol::{Claims, ErrorCode, S3Error};
use types::{Checksum, Md5};

use crate::call::Call;

impl Call<'_> {
    /// The document in the request's body, checked against what the request claims of it. To be asked for after
    /// authorization.
    ///
    /// # Errors
    /// MaxMessageLengthExceeded above `limit_bytes`, BadDigest, and those of reading the body.
    pub(crate) async fn document(&self, limit_bytes: usize) -> Result<Bytes, S3Error> {
        let claims = Claims::parse(self.headers())?;
        let mut payload = self.payload()?;
        let document = payload.collect(limit_bytes).await?;
        if claims.md5.is_some_and(|md5| Md5::of(&document) != md5) {
            return Err(S3Error::new(ErrorCode::BadDigest));
        }
        let checksum = payload.trailer_checksum().or(claims.checksum);
        if checksum.is_some_and(|claimed| Checksum::of(claimed.algorithm, &document) != claimed) {
            return Err(S3Error::new(ErrorCode::BadDigest));
        }
        Ok(document)
    }
}
