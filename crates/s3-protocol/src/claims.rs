//! What a request claims about the content that it carries: `Content-MD5` and the additional checksums.
//!
//! They are read here and compared above, where content is hashed in one pass (S3 user guide, "Checking object
//! integrity").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName};
use types::{Checksum, ChecksumAlgorithm, ChecksumType};

use crate::{ErrorCode, S3Error};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
const SDK_ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-checksum-algorithm");
const CHECKSUM_TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");
/// What the names of headers with a checksum start with.
const CHECKSUM_PREFIX: &str = "x-amz-checksum-";

/// The claims of one request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// The one `x-amz-checksum-*` header.
    pub checksum: Option<Checksum>,
    /// The checksum that `x-amz-trailer` announces after the content.
    pub trailer: Option<ChecksumAlgorithm>,
    /// The algorithm that the client names, in `x-amz-sdk-checksum-algorithm` or `x-amz-checksum-algorithm`.
    pub named: Option<ChecksumAlgorithm>,
    /// `x-amz-checksum-type`.
    pub kind: Option<ChecksumType>,
}

impl Claims {
    /// Reads the claims of a request with content.
    ///
    /// # Errors
    /// `InvalidDigest` for a bad `Content-MD5`; `BadDigest` for a malformed checksum; `InvalidRequest` for more than
    /// one, an unknown algorithm, or an algorithm that is named and then not used.
    pub fn parse(headers: &HeaderMap) -> Result<Self, S3Error> {
        let claims = Self {
            md5: content_md5(headers)?,
            checksum: checksum_header(headers)?,
            trailer: announced_trailer(headers)?,
            named: named_algorithm(headers)?,
            kind: checksum_type(headers)?,
        };
        if claims.checksum.is_some() && claims.trailer.is_some() {
            return Err(more_than_one());
        }
        claims.check_sdk_algorithm(headers)?;
        Ok(claims)
    }

    /// The algorithm of the checksum that is claimed, in a header or after the content; else the one that is named.
    pub fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.checksum.map(|checksum| checksum.algorithm).or(self.trailer).or(self.named)
    }

    /// `x-amz-sdk-checksum-algorithm` says what the client sends, so it must be there.
    fn check_sdk_algorithm(&self, headers: &HeaderMap) -> Result<(), S3Error> {
        if !headers.contains_key(SDK_ALGORITHM) {
            return Ok(());
        }
        match self.checksum.map(|checksum| checksum.algorithm).or(self.trailer) {
            None => Err(S3Error::invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                 headers were found.",
            )),
            sent if sent == self.named => Ok(()),
            Some(_) => Err(S3Error::invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")),
        }
    }
}

fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>, S3Error> {
    let Some(value) = headers.get(CONTENT_MD5) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let md5 = BASE64.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    md5.map(Some).ok_or_else(|| S3Error::new(ErrorCode::InvalidDigest).with_field("Content-MD5", text))
}

/// The one `x-amz-checksum-*` header with a value. `x-amz-checksum-algorithm`, `-mode` and `-type` are none.
fn checksum_header(headers: &HeaderMap) -> Result<Option<Checksum>, S3Error> {
    let mut found = None;
    for (name, value) in headers {
        if !name.as_str().starts_with(CHECKSUM_PREFIX) {
            continue;
        }
        let Some(algorithm) = trailer_algorithm(name.as_str()) else { continue };
        if found.is_some() {
            return Err(more_than_one());
        }
        found = Some(read_checksum(algorithm, value.to_str().unwrap_or_default())?);
    }
    Ok(found)
}

/// Reads a value in base64. The `-N` that clients put behind a composite checksum is dropped. What can not be read is
/// the checksum of no content: `BadDigest`.
pub(crate) fn read_checksum(algorithm: ChecksumAlgorithm, text: &str) -> Result<Checksum, S3Error> {
    let value = text.split_once('-').map_or(text, |(value, _)| value);
    Checksum::from_base64(algorithm, value).ok_or_else(|| {
        let message = format!("Value for {} header is invalid.", algorithm.header());
        S3Error::new(ErrorCode::BadDigest).with_message(message)
    })
}

/// The algorithm of the checksum that `x-amz-trailer` names; other trailers are not known.
pub(crate) fn announced_trailer(headers: &HeaderMap) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let mut found = None;
    let values = headers.get_all(TRAILER).iter().filter_map(|value| value.to_str().ok());
    for name in values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty()) {
        let algorithm = trailer_algorithm(name).ok_or_else(|| {
            S3Error::invalid_request("The value specified in the x-amz-trailer header is not supported")
        })?;
        if found.is_some() {
            return Err(more_than_one());
        }
        found = Some(algorithm);
    }
    Ok(found)
}

/// The algorithm whose header has this name, in any case.
pub(crate) fn trailer_algorithm(name: &str) -> Option<ChecksumAlgorithm> {
    ChecksumAlgorithm::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
}

fn named_algorithm(headers: &HeaderMap) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    for name in [SDK_ALGORITHM, ALGORITHM] {
        let Some(value) = headers.get(name) else { continue };
        let algorithm = value.to_str().unwrap_or_default().trim().parse().map_err(|()| {
            S3Error::invalid_request(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, \
                 CRC32C, CRC64NVME, SHA1, SHA256]",
            )
        })?;
        return Ok(Some(algorithm));
    }
    Ok(None)
}

fn checksum_type(headers: &HeaderMap) -> Result<Option<ChecksumType>, S3Error> {
    let Some(value) = headers.get(CHECKSUM_TYPE) else { return Ok(None) };
    let kind = value.to_str().unwrap_or_default().trim().parse();
    kind.map(Some).map_err(|()| S3Error::invalid_request("Value for x-amz-checksum-type header is invalid."))
}

fn more_than_one() -> S3Error {
    S3Error::invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&'static str, &str)]) -> Result<Claims, S3Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        Claims::parse(&headers)
    }

    #[test]
    fn claims_are_read() {
        let crc = Checksum::of(ChecksumAlgorithm::Crc32, b"x");
        let md5 = BASE64.encode([7; 16]);
        let claims = parse(&[("content-md5", &md5), ("x-amz-checksum-crc32", &crc.to_base64())]).expect("claims");
        assert_eq!((claims.md5, claims.checksum), (Some([7; 16]), Some(crc)));
        let claims = parse(&[("x-amz-sdk-checksum-algorithm", "crc32c"), ("x-amz-trailer", "X-Amz-Checksum-Crc32c")]);
        assert_eq!(claims.expect("claims").algorithm(), Some(ChecksumAlgorithm::Crc32c));
        let claims = parse(&[("x-amz-checksum-algorithm", "SHA256"), ("x-amz-checksum-type", "COMPOSITE")]);
        let claims = claims.expect("claims");
        assert_eq!((claims.named, claims.kind), (Some(ChecksumAlgorithm::Sha256), Some(ChecksumType::Composite)));
        let composite = parse(&[("x-amz-checksum-crc32", &format!("{}-3", crc.to_base64()))]);
        assert_eq!(composite.expect("claims").checksum, Some(crc));
        assert_eq!(parse(&[("x-amz-checksum-mode", "ENABLED")]), Ok(Claims::default()));
    }

    #[test]
    fn bad_claims_are_refused() {
        let crc = Checksum::of(ChecksumAlgorithm::Crc32, b"x").to_base64();
        for (code, pairs) in [
            (ErrorCode::InvalidDigest, &[("content-md5", "")][..]),
            (ErrorCode::InvalidDigest, &[("content-md5", "YWJyYWNhZGFicmE=")]),
            (ErrorCode::InvalidDigest, &[("content-md5", "\"")]),
            (ErrorCode::BadDigest, &[("x-amz-checksum-crc32", "bad")]),
            (ErrorCode::InvalidRequest, &[("x-amz-checksum-crc32", &crc), ("x-amz-checksum-crc32c", &crc)]),
            (ErrorCode::InvalidRequest, &[("x-amz-checksum-crc32", &crc), ("x-amz-checksum-crc32", &crc)]),
            (ErrorCode::InvalidRequest, &[("x-amz-checksum-crc32", &crc), ("x-amz-trailer", "x-amz-checksum-sha1")]),
            (ErrorCode::InvalidRequest, &[("x-amz-trailer", "x-amz-meta-a")]),
            (ErrorCode::InvalidRequest, &[("x-amz-checksum-algorithm", "MD4")]),
            (ErrorCode::InvalidRequest, &[("x-amz-checksum-type", "HALF")]),
            (ErrorCode::InvalidRequest, &[("x-amz-sdk-checksum-algorithm", "CRC32")]),
            (ErrorCode::InvalidRequest, &[("x-amz-sdk-checksum-algorithm", "SHA1"), ("x-amz-checksum-crc32", &crc)]),
        ] {
            assert_eq!(parse(pairs).expect_err("a bad claim").code(), code, "{pairs:?}");
        }
    }
}
