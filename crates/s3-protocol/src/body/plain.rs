//! A body without framing.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Frames;
use crate::{ErrorCode, S3Error};

/// Counts the bytes, and hashes them where the head claims a hash.
#[derive(Debug)]
pub(super) struct Plain {
    missing: Option<u64>,
    sha256: Option<(Sha256, [u8; 32])>,
}

impl Plain {
    pub(super) fn new(length: Option<u64>, sha256: Option<[u8; 32]>) -> Self {
        Self { missing: length, sha256: sha256.map(|hash| (Sha256::new(), hash)) }
    }

    pub(super) async fn next(&mut self, frames: &mut Frames) -> Result<Option<Bytes>, S3Error> {
        let Some(data) = frames.next().await? else {
            self.check_end()?;
            return Ok(None);
        };
        if let Some(missing) = &mut self.missing {
            *missing = missing.checked_sub(data.len() as u64).ok_or(ErrorCode::IncompleteBody)?;
        }
        if let Some((hasher, _)) = &mut self.sha256 {
            hasher.update(&data);
        }
        Ok(Some(data))
    }

    fn check_end(&mut self) -> Result<(), S3Error> {
        if self.missing.is_some_and(|missing| missing > 0) {
            return Err(S3Error::new(ErrorCode::IncompleteBody)
                .with_message("You did not provide the number of bytes specified by the Content-Length HTTP header."));
        }
        let Some((hasher, claimed)) = self.sha256.take() else { return Ok(()) };
        let computed: [u8; 32] = hasher.finalize().into();
        if computed == claimed {
            return Ok(());
        }
        Err(S3Error::new(ErrorCode::XAmzContentSHA256Mismatch)
            .with_field("ClientComputedContentSHA256", hex::encode(claimed))
            .with_field("S3ComputedContentSHA256", hex::encode(computed)))
    }
}
