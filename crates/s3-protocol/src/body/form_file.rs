//! The file in a form: content up to the boundary.

use bytes::{Bytes, BytesMut};

use super::Frames;
use crate::{ErrorCode, S3Error};

/// How many bytes a file may have, both ends included: `content-length-range` of a form's policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SizeRange {
    pub(crate) min_bytes: u64,
    pub(crate) max_bytes: u64,
}

impl SizeRange {
    /// The sizes that are in both ranges.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { min_bytes: self.min_bytes.max(other.min_bytes), max_bytes: self.max_bytes.min(other.max_bytes) }
    }
}

/// Looks for the delimiter while content passes. What could be its beginning at the end of a frame is held back.
#[derive(Debug)]
pub(crate) struct FormFile {
    /// `CRLF -- boundary`.
    delimiter: Vec<u8>,
    size: SizeRange,
    seen_bytes: u64,
    found: bool,
}

impl FormFile {
    pub(crate) fn new(delimiter: Vec<u8>, size: SizeRange) -> Self {
        Self { delimiter, size, seen_bytes: 0, found: false }
    }

    pub(super) async fn next(&mut self, frames: &mut Frames) -> Result<Option<Bytes>, S3Error> {
        while !self.found {
            let Some(mut data) = frames.next().await? else { return Err(ErrorCode::IncompleteBody.into()) };
            let content = match find(&data, &self.delimiter) {
                Some(at) => {
                    self.found = true;
                    data.split_to(at)
                }
                None => {
                    let held = overlap(&data, &self.delimiter);
                    let content = data.split_to(data.len() - held);
                    if held > 0 {
                        self.read_on(data, frames).await?;
                    }
                    content
                }
            };
            self.count(content.len() as u64)?;
            if !content.is_empty() {
                return Ok(Some(content));
            }
        }
        self.finish(frames).await?;
        Ok(None)
    }

    /// Puts the bytes that were held back before the next ones.
    async fn read_on(&self, held: Bytes, frames: &mut Frames) -> Result<(), S3Error> {
        let Some(more) = frames.next().await? else { return Err(ErrorCode::IncompleteBody.into()) };
        let mut joined = BytesMut::with_capacity(held.len() + more.len());
        joined.extend_from_slice(&held);
        joined.extend_from_slice(&more);
        frames.unread(joined.freeze());
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), S3Error> {
        self.seen_bytes = self.seen_bytes.saturating_add(bytes);
        if self.seen_bytes > self.size.max_bytes {
            return Err(self.wrong_size(ErrorCode::EntityTooLarge));
        }
        Ok(())
    }

    /// Fields after the file are ignored, as S3 documents it.
    async fn finish(&mut self, frames: &mut Frames) -> Result<(), S3Error> {
        if self.seen_bytes < self.size.min_bytes {
            return Err(self.wrong_size(ErrorCode::EntityTooSmall));
        }
        /// The most bytes of fields after the file that are read and dropped.
        const MAX_EPILOGUE_BYTES: usize = 64 * 1024;
        let mut skipped = 0;
        while let Some(data) = frames.next().await? {
            skipped += data.len();
            if skipped > MAX_EPILOGUE_BYTES {
                return Err(S3Error::new(ErrorCode::MalformedPOSTRequest));
            }
        }
        Ok(())
    }

    fn wrong_size(&self, code: ErrorCode) -> S3Error {
        S3Error::new(code)
            .with_field("ProposedSize", self.seen_bytes.to_string())
            .with_field("MinSizeAllowed", self.size.min_bytes.to_string())
            .with_field("MaxSizeAllowed", self.size.max_bytes.to_string())
    }
}

/// Where `pattern` begins in `data`.
pub(crate) fn find(data: &[u8], pattern: &[u8]) -> Option<usize> {
    let first = *pattern.first()?;
    let mut from = 0;
    while let Some(at) = data.get(from..)?.iter().position(|byte| *byte == first) {
        if data[from + at..].starts_with(pattern) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// How many bytes at the end of `data` could be the beginning of `pattern`.
fn overlap(data: &[u8], pattern: &[u8]) -> usize {
    let longest = data.len().min(pattern.len().saturating_sub(1));
    (1..=longest).rev().find(|length| data.ends_with(&pattern[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_whole_and_begun() {
        for (data, found, begun) in [
            ("abc\r\n--x", Some(3), 5),
            ("\r\n-\r\n--xy", Some(3), 0),
            ("abc\r\n-", None, 3),
            ("abc\r", None, 1),
            ("abc", None, 0),
            ("", None, 0),
            ("\r\r\n-", None, 3),
        ] {
            assert_eq!(find(data.as_bytes(), b"\r\n--x"), found, "{data:?}");
            if found.is_none() {
                assert_eq!(overlap(data.as_bytes(), b"\r\n--x"), begun, "{data:?}");
            }
        }
    }
}
