//! What a request's head promises about its body: `x-amz-content-sha256` and `Content-Encoding: aws-chunked`.

use http::HeaderName;
use http::header::CONTENT_ENCODING;
use types::Timestamp;

use super::{CONTENT_SHA256, SigningKey};
use crate::{ErrorCode, RequestHead, S3Error};

/// The length of the content without its framing.
pub(crate) const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const STREAMING_SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

/// What is promised about the body of a verified request.
#[derive(Clone, Debug)]
pub enum PayloadMode {
    /// Nothing.
    Unsigned,
    /// Its SHA-256.
    Sha256([u8; 32]),
    /// It comes in the frames of `aws-chunked`.
    Chunked(Framing),
}

/// How `aws-chunked` frames are to be read (S3 API reference, "Signature calculations … multiple chunks").
#[derive(Clone, Debug)]
pub enum Framing {
    /// Chunks without signatures; trailers may follow.
    Unsigned,
    /// Each chunk is signed.
    Signed(ChunkSigning),
    /// Each chunk is signed, and so are the trailers.
    SignedWithTrailer(ChunkSigning),
}

/// What is needed to check the signatures of chunks.
#[derive(Clone, Debug)]
pub struct ChunkSigning {
    /// The key of the request's scope.
    pub key: SigningKey,
    /// The request's own signature, with which the chain begins.
    pub seed_signature: String,
    /// When the request was signed.
    pub signed_at: Timestamp,
    /// The scope, as in the string to sign.
    pub scope: String,
}

/// `x-amz-content-sha256`, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ContentSha256 {
    Absent,
    Unsigned,
    Sha256([u8; 32]),
    StreamingUnsignedTrailer,
    StreamingSigned,
    StreamingSignedTrailer,
}

impl ContentSha256 {
    pub(super) fn of(head: &RequestHead<'_>) -> Result<Self, S3Error> {
        match head.headers().get(CONTENT_SHA256) {
            None => Ok(Self::Absent),
            Some(value) => Self::parse(value.to_str().unwrap_or_default().trim()),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, S3Error> {
        let mut hash = [0; 32];
        match text {
            UNSIGNED_PAYLOAD => Ok(Self::Unsigned),
            STREAMING_UNSIGNED_TRAILER => Ok(Self::StreamingUnsignedTrailer),
            STREAMING_SIGNED => Ok(Self::StreamingSigned),
            STREAMING_SIGNED_TRAILER => Ok(Self::StreamingSignedTrailer),
            _ if text.starts_with("STREAMING-") => Err(S3Error::not_implemented(CONTENT_SHA256.as_str())
                .with_message("The payload signature that x-amz-content-sha256 announces is not implemented.")),
            _ if hex::decode_to_slice(text, &mut hash).is_ok() => Ok(Self::Sha256(hash)),
            _ => Err(S3Error::invalid_argument(
                CONTENT_SHA256.as_str(),
                text,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 \
                 value.",
            )),
        }
    }
}

impl PayloadMode {
    /// The mode of a request that no version 4 key stands behind: anonymous, or signed with version 2.
    pub(super) fn without_key(head: &RequestHead<'_>) -> Result<Self, S3Error> {
        Self::of(ContentSha256::of(head)?, head, || None)
    }

    /// The mode that the header asks for. Chunk signatures need what `signing` makes.
    ///
    /// Clients that do not sign leave out `x-amz-content-sha256` and yet frame the body, so framing is also what
    /// `Content-Encoding: aws-chunked` together with `x-amz-decoded-content-length` says.
    pub(super) fn of(
        claim: ContentSha256,
        head: &RequestHead<'_>,
        signing: impl FnOnce() -> Option<ChunkSigning>,
    ) -> Result<Self, S3Error> {
        let signing = || {
            signing().ok_or_else(|| {
                S3Error::new(ErrorCode::InvalidRequest)
                    .with_message("Signed chunks need a request that is signed with AWS4-HMAC-SHA256.")
            })
        };
        Ok(match claim {
            ContentSha256::Absent | ContentSha256::Unsigned if is_framed(head) => Self::Chunked(Framing::Unsigned),
            ContentSha256::Absent | ContentSha256::Unsigned => Self::Unsigned,
            ContentSha256::Sha256(hash) => Self::Sha256(hash),
            ContentSha256::StreamingUnsignedTrailer => Self::Chunked(Framing::Unsigned),
            ContentSha256::StreamingSigned => Self::Chunked(Framing::Signed(signing()?)),
            ContentSha256::StreamingSignedTrailer => Self::Chunked(Framing::SignedWithTrailer(signing()?)),
        })
    }
}

fn is_framed(head: &RequestHead<'_>) -> bool {
    let encodings = head.headers().get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    head.headers().contains_key(DECODED_LENGTH)
        && encodings.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("aws-chunked"))
}
