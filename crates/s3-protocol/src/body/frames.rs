//! The bytes of a body as they come in, with a bound on how long each read may take.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::{ErrorCode, S3Error};

type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = String> + Send>>;

/// A body, and what was read of it and not used yet.
pub(crate) struct Frames {
    body: BoxBody,
    unused: Bytes,
    stall: Duration,
}

impl Frames {
    pub(crate) fn new<B>(body: B, stall: Duration) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: fmt::Display,
    {
        Self { body: Box::pin(body.map_err(|error| error.to_string())), unused: Bytes::new(), stall }
    }

    /// The length of the whole body where it is known.
    pub(super) fn exact_length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes, never empty; `None` at the end. Trailers of HTTP itself are skipped.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        if !self.unused.is_empty() {
            return Ok(Some(std::mem::take(&mut self.unused)));
        }
        loop {
            let frame = tokio::time::timeout(self.stall, self.body.frame())
                .await
                .map_err(|_| S3Error::new(ErrorCode::RequestTimeout))?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(ErrorCode::IncompleteBody.into()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    Ok(_) | Err(_) => {}
                },
            }
        }
    }

    /// Gives bytes back: the next read returns them.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        debug_assert!(self.unused.is_empty(), "only what the last read returned can be given back");
        self.unused = bytes;
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("unused", &self.unused.len()).field("stall", &self.stall).finish()
    }
}
