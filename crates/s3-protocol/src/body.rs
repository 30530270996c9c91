//! The body of a request, checked while it is read.
//!
//! [`Payload`] reads an [`http_body::Body`] and undoes whatever framing the request has: none (`plain`), the chunks
//! of `aws-chunked` (`chunked`), or the file part of a form (`form_file`). What it hands on are slices of the bytes
//! that came in; nothing is held but the frame at hand and one line of framing. Content is handed on before the
//! signature or hash over it is known to be right, and so **nothing may be committed before [`Payload::next`] has
//! returned `None`**: a wrong signature, hash or length is an error of a later call.

mod chunked;
mod form_file;
mod frames;
mod plain;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderName;
use http::header::CONTENT_LENGTH;
use types::{Checksum, ChecksumAlgorithm};

use crate::auth::{DECODED_LENGTH, PayloadMode};
use crate::claims;
use crate::{ErrorCode, RequestHead, S3Error};
use chunked::Chunked;
pub(crate) use form_file::{FormFile, SizeRange, find};
pub(crate) use frames::Frames;
use plain::Plain;

/// The most bytes of a signed chunk. Clients send 64 KiB to 1 MiB; the cap bounds how much unverified content can pass
/// between two signatures.
pub const MAX_SIGNED_CHUNK_BYTES: u64 = 16 * 1024 * 1024;

/// The content of a request.
#[derive(Debug)]
pub struct Payload {
    frames: Frames,
    decoding: Decoding,
    length: Option<u64>,
    ended: bool,
}

#[derive(Debug)]
enum Decoding {
    Plain(Plain),
    Chunked(Box<Chunked>),
    FormFile(Box<FormFile>),
}

impl Payload {
    /// The content of the request with this head and body. `stall` is how long one read may take.
    ///
    /// # Errors
    /// `MissingContentLength` for framed content without `x-amz-decoded-content-length`, `InvalidArgument` for a
    /// length that is none, `InvalidRequest` for a bad `x-amz-trailer`.
    pub fn new<B>(body: B, head: &RequestHead<'_>, mode: &PayloadMode, stall: Duration) -> Result<Self, S3Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let frames = Frames::new(body, stall);
        let (decoding, length) = match mode {
            PayloadMode::Chunked(framing) => {
                let length = number(head, &DECODED_LENGTH)?.ok_or(ErrorCode::MissingContentLength)?;
                let trailer = claims::announced_trailer(head.headers())?;
                (Decoding::Chunked(Box::new(Chunked::new(framing.clone(), length, trailer))), Some(length))
            }
            PayloadMode::Unsigned | PayloadMode::Sha256(_) => {
                // HTTP/1 tells the length of every body (RFC 9112 section 6.3); HTTP/2 may leave it out where it is known.
                let untold = || frames.exact_length().filter(|_| head.parts.version >= http::Version::HTTP_2);
                let length = number(head, &CONTENT_LENGTH)?.or_else(untold);
                let sha256 = if let PayloadMode::Sha256(hash) = mode { Some(*hash) } else { None };
                (Decoding::Plain(Plain::new(length, sha256)), length)
            }
        };
        Ok(Self { frames, decoding, length, ended: false })
    }

    /// The file of a form, whose parts before it have been taken from `frames`.
    pub(crate) fn of_form(frames: Frames, file: FormFile) -> Self {
        Self { frames, decoding: Decoding::FormFile(Box::new(file)), length: None, ended: false }
    }

    /// The next piece of content, never empty; `None` once all of it has come **and has been checked**. After an error
    /// nothing more comes.
    ///
    /// # Errors
    /// `IncompleteBody`, `RequestTimeout`, `SignatureDoesNotMatch`, `XAmzContentSHA256Mismatch`,
    /// `MalformedTrailerError`, `InvalidRequest` for framing that is none, `EntityTooLarge` and `EntityTooSmall` for
    /// the file of a form.
    pub async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        if self.ended {
            return Ok(None);
        }
        let piece = match &mut self.decoding {
            Decoding::Plain(plain) => plain.next(&mut self.frames).await,
            Decoding::Chunked(chunked) => chunked.next(&mut self.frames).await,
            Decoding::FormFile(file) => file.next(&mut self.frames).await,
        };
        self.ended = !matches!(piece, Ok(Some(_)));
        piece
    }

    /// How many bytes of content come, where the head says it. Framing is not counted.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// [`Payload::length`], where the operation can not do without.
    ///
    /// # Errors
    /// `MissingContentLength`.
    pub fn require_length(&self) -> Result<u64, S3Error> {
        self.length.ok_or_else(|| ErrorCode::MissingContentLength.into())
    }

    /// The algorithm of the checksum that comes after the content, where one is announced.
    pub fn announced_checksum(&self) -> Option<ChecksumAlgorithm> {
        match &self.decoding {
            Decoding::Chunked(chunked) => chunked.announced(),
            Decoding::Plain(_) | Decoding::FormFile(_) => None,
        }
    }

    /// The checksum that came after the content: there once [`Payload::next`] has returned `None`, if it was announced.
    /// The caller compares it.
    pub fn trailer_checksum(&self) -> Option<Checksum> {
        match &self.decoding {
            Decoding::Chunked(chunked) => chunked.trailer_checksum(),
            Decoding::Plain(_) | Decoding::FormFile(_) => None,
        }
    }

    /// The whole content, for documents.
    ///
    /// # Errors
    /// `MaxMessageLengthExceeded` above `limit_bytes`, and those of [`Payload::next`].
    pub async fn collect(&mut self, limit_bytes: usize) -> Result<Bytes, S3Error> {
        let too_long = || S3Error::new(ErrorCode::MaxMessageLengthExceeded);
        if self.length.is_some_and(|length| length > limit_bytes as u64) {
            return Err(too_long());
        }
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await? else {
            return if first.len() > limit_bytes { Err(too_long()) } else { Ok(first) };
        };
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&second);
        while let Some(piece) = self.next().await? {
            if all.len() + piece.len() > limit_bytes {
                return Err(too_long());
            }
            all.extend_from_slice(&piece);
        }
        if all.len() > limit_bytes { Err(too_long()) } else { Ok(all.freeze()) }
    }
}

/// A header that holds a number of bytes.
fn number(head: &RequestHead<'_>, name: &HeaderName) -> Result<Option<u64>, S3Error> {
    let Some(value) = head.headers().get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number
        .map(Some)
        .ok_or_else(|| S3Error::invalid_argument(name.as_str(), text, format!("{name} is not a number of bytes")))
}

#[cfg(test)]
mod tests;
