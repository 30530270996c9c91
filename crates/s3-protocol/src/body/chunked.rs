//! The framing `aws-chunked` (S3 API reference, "Transferring Payload in Multiple Chunks" and "… with trailing headers").
//!
//! ```text
//! body     = *chunk last-chunk [trailers] CRLF
//! chunk    = size [";chunk-signature=" signature] CRLF content CRLF
//! trailers = *(name ":" value CRLF) ["x-amz-trailer-signature:" signature CRLF]
//! ```
//!
//! A lone LF ends a line as well, and empty lines among the trailers are skipped, because clients in wide use write them
//! there: signatures and lengths do not depend on either.

use bytes::{Buf as _, Bytes};
use sha2::{Digest as _, Sha256};
use types::{Checksum, ChecksumAlgorithm};

use super::{Frames, MAX_SIGNED_CHUNK_BYTES};
use crate::auth::{ChunkSigning, Framing};
use crate::{ErrorCode, S3Error, claims};

/// The most bytes of one line: a chunk's head is below 110, a trailer below 120.
const MAX_LINE_BYTES: usize = 1024;
/// The most lines after the last chunk: one checksum, one signature and a few empty lines are all there is.
const MAX_TRAILER_LINES: usize = 8;
/// SHA-256 of nothing, part of every chunk's string to sign.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// The decoder. It is driven by reads, one state at a time.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    line: Vec<u8>,
    /// How many bytes of content are still to come.
    missing: u64,
    signatures: Option<Signatures>,
    trailers_are_signed: bool,
    announced: Option<ChecksumAlgorithm>,
    trailers: Vec<(String, String)>,
    trailer_lines: usize,
    checksum: Option<Checksum>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// At a chunk's head.
    Head,
    /// Inside a chunk, with so many bytes to come.
    Content(u64),
    /// At the end of line after a chunk's content.
    ContentEnd,
    /// After the last chunk: trailers and empty lines.
    Trailers,
}

/// The chain of signatures: each chunk's covers the one before.
#[derive(Debug)]
struct Signatures {
    signing: ChunkSigning,
    previous: String,
    claimed: String,
    hasher: Sha256,
}

impl Chunked {
    pub(super) fn new(framing: Framing, length: u64, announced: Option<ChecksumAlgorithm>) -> Self {
        let trailers_are_signed = matches!(framing, Framing::SignedWithTrailer(_));
        let signing = match framing {
            Framing::Unsigned => None,
            Framing::Signed(signing) | Framing::SignedWithTrailer(signing) => Some(signing),
        };
        Self {
            state: State::Head,
            line: Vec::new(),
            missing: length,
            signatures: signing.map(Signatures::new),
            trailers_are_signed,
            announced,
            trailers: Vec::new(),
            trailer_lines: 0,
            checksum: None,
        }
    }

    pub(super) fn announced(&self) -> Option<ChecksumAlgorithm> {
        self.announced
    }

    pub(super) fn trailer_checksum(&self) -> Option<Checksum> {
        self.checksum
    }

    pub(super) async fn next(&mut self, frames: &mut Frames) -> Result<Option<Bytes>, S3Error> {
        loop {
            let Some(mut data) = frames.next().await? else {
                self.check_end()?;
                return Ok(None);
            };
            let content = self.advance(&mut data)?;
            frames.unread(data);
            if content.is_some() {
                return Ok(content);
            }
        }
    }

    /// Takes from `data` up to the end of one piece of content, or all of it.
    fn advance(&mut self, data: &mut Bytes) -> Result<Option<Bytes>, S3Error> {
        while !data.is_empty() {
            match self.state {
                State::Content(left) => return self.take_content(left, data).map(Some),
                State::Head => {
                    if let Some(line) = self.take_line(data)? {
                        self.begin_chunk(&line)?;
                    }
                }
                State::ContentEnd => {
                    if let Some(line) = self.take_line(data)? {
                        if !line.is_empty() {
                            return Err(malformed("a chunk is longer than its size"));
                        }
                        self.state = State::Head;
                    }
                }
                State::Trailers => {
                    if let Some(line) = self.take_line(data)? {
                        self.take_trailer(line)?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// One line without its end, once all of it is there.
    fn take_line(&mut self, data: &mut Bytes) -> Result<Option<String>, S3Error> {
        let end = data.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(data.len());
        if self.line.len() + length > MAX_LINE_BYTES {
            return Err(malformed("a line is too long"));
        }
        self.line.extend_from_slice(&data[..length]);
        data.advance(end.map_or(length, |end| end + 1));
        if end.is_none() {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        let line = String::from_utf8(std::mem::take(&mut self.line));
        line.map(Some).map_err(|_| malformed("a line is not text"))
    }

    fn begin_chunk(&mut self, line: &str) -> Result<(), S3Error> {
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = chunk_size(size.trim()).ok_or_else(|| malformed("a chunk has no size"))?;
        if let Some(signatures) = &mut self.signatures {
            if size > MAX_SIGNED_CHUNK_BYTES {
                return Err(malformed("a signed chunk is larger than 16 MiB"));
            }
            let claimed = extension.trim().strip_prefix("chunk-signature=");
            signatures.claimed = claimed.ok_or_else(|| malformed("a chunk has no signature"))?.to_owned();
        }
        if size > 0 {
            self.missing = self.missing.checked_sub(size).ok_or_else(wrong_length)?;
            self.state = State::Content(size);
            return Ok(());
        }
        if self.missing > 0 {
            return Err(wrong_length());
        }
        self.end_chunk()?;
        self.state = State::Trailers;
        Ok(())
    }

    fn take_content(&mut self, left: u64, data: &mut Bytes) -> Result<Bytes, S3Error> {
        let length = usize::try_from(left).map_or(data.len(), |left| left.min(data.len()));
        let content = data.split_to(length);
        if let Some(signatures) = &mut self.signatures {
            signatures.hasher.update(&content);
        }
        let left = left - length as u64;
        self.state = if left > 0 { State::Content(left) } else { State::ContentEnd };
        if left == 0 {
            self.end_chunk()?;
        }
        Ok(content)
    }

    fn end_chunk(&mut self) -> Result<(), S3Error> {
        self.signatures.as_mut().map_or(Ok(()), Signatures::check_chunk)
    }

    fn take_trailer(&mut self, line: String) -> Result<(), S3Error> {
        self.trailer_lines += 1;
        if self.trailer_lines > MAX_TRAILER_LINES {
            return Err(ErrorCode::MalformedTrailerError.into());
        }
        if line.is_empty() {
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or(ErrorCode::MalformedTrailerError)?;
        self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(())
    }

    /// All bytes have come: is all there, and is it right?
    fn check_end(&mut self) -> Result<(), S3Error> {
        // The empty line at the very end is often forgotten, and nothing depends on it.
        if self.state != State::Trailers || !self.line.is_empty() {
            return Err(S3Error::new(ErrorCode::IncompleteBody));
        }
        let signature = self.trailers.iter().position(|(name, _)| name == TRAILER_SIGNATURE);
        let signature = signature.map(|index| self.trailers.remove(index).1);
        if self.trailers_are_signed {
            let signatures = self.signatures.as_ref().ok_or(ErrorCode::InternalError)?;
            signatures.check_trailers(&self.trailers, &signature.ok_or(ErrorCode::MalformedTrailerError)?)?;
        }
        for (name, value) in &self.trailers {
            let algorithm = claims::trailer_algorithm(name);
            if algorithm.is_none() || algorithm != self.announced || self.checksum.is_some() {
                return Err(S3Error::new(ErrorCode::MalformedTrailerError));
            }
            self.checksum = algorithm.map(|algorithm| claims::read_checksum(algorithm, value)).transpose()?;
        }
        if self.announced.is_some() && self.checksum.is_none() {
            return Err(ErrorCode::MalformedTrailerError.into());
        }
        Ok(())
    }
}

impl Signatures {
    fn new(signing: ChunkSigning) -> Self {
        Self { previous: signing.seed_signature.clone(), signing, claimed: String::new(), hasher: Sha256::new() }
    }

    fn check_chunk(&mut self) -> Result<(), S3Error> {
        let content = hex::encode(self.hasher.finalize_reset());
        let ours = self.sign("AWS4-HMAC-SHA256-PAYLOAD", &format!("{EMPTY_SHA256}\n{content}"));
        if !crate::auth::same_signature(&ours, &self.claimed) {
            return Err(ErrorCode::SignatureDoesNotMatch.into());
        }
        self.previous = ours;
        Ok(())
    }

    fn check_trailers(&self, trailers: &[(String, String)], claimed: &str) -> Result<(), S3Error> {
        let mut hasher = Sha256::new();
        for (name, value) in trailers {
            hasher.update(format!("{name}:{value}\n"));
        }
        let ours = self.sign("AWS4-HMAC-SHA256-TRAILER", &hex::encode(hasher.finalize()));
        if !crate::auth::same_signature(&ours, claimed) {
            return Err(ErrorCode::SignatureDoesNotMatch.into());
        }
        Ok(())
    }

    fn sign(&self, what: &str, hashes: &str) -> String {
        let ChunkSigning { key, signed_at, scope, .. } = &self.signing;
        let text = format!("{what}\n{}\n{scope}\n{}\n{hashes}", signed_at.to_amz_date(), self.previous);
        key.sign(text.as_bytes()).to_string()
    }
}

/// A size in hex digits. Sizes above 4 GiB are legal.
fn chunk_size(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits)
}

fn malformed(what: &str) -> S3Error {
    S3Error::invalid_request(format!("The aws-chunked body is malformed: {what}."))
}

fn wrong_length() -> S3Error {
    S3Error::new(ErrorCode::IncompleteBody)
        .with_message("You did not provide the number of bytes specified by the x-amz-decoded-content-length header.")
}
