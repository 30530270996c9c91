//! What a copy copies: `x-amz-copy-source` and the headers around it (S3 API reference, CopyObject, UploadPartCopy).

use http::{HeaderMap, HeaderName};
use types::{BucketName, ByteRange, Conditions, ObjectKey, VersionId};

use super::read_conditions;
use crate::{S3Error, params, percent};

const COPY_SOURCE: &str = "x-amz-copy-source";
const COPY_SOURCE_RANGE: &str = "x-amz-copy-source-range";

/// The object that a copy reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopySource {
    /// Its bucket; any name that a bucket can have, not only those of new ones.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// The version, where one is named.
    pub version: Option<VersionId>,
}

/// The source of a copy: `bucket/key` or `/bucket/key`, percent-encoded, with `?versionId=` behind it. `+` stays `+`.
///
/// # Errors
/// `InvalidArgument` where it is malformed, `KeyTooLongError`.
pub fn copy_source(headers: &HeaderMap) -> Result<Option<CopySource>, S3Error> {
    let Some(value) = headers.get(COPY_SOURCE) else { return Ok(None) };
    let text = value.to_str().or_else(|_| std::str::from_utf8(value.as_bytes())).unwrap_or_default();
    parse(text).map(Some)
}

fn parse(text: &str) -> Result<CopySource, S3Error> {
    let invalid = |message: &'static str| S3Error::invalid_argument(COPY_SOURCE, text, message);
    let (path, version) = match text.rsplit_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    };
    let path = percent::decode(path).ok_or_else(|| invalid("The copy source is not UTF-8 once decoded."))?;
    let (bucket, key) = path
        .strip_prefix('/')
        .unwrap_or(&path)
        .split_once('/')
        .filter(|(_, key)| !key.is_empty())
        .ok_or_else(|| invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey"))?;
    let bucket = BucketName::new(bucket).map_err(|_| invalid("Invalid copy source bucket name"))?;
    let version = version.map(params::parse_version_id).transpose()?;
    Ok(CopySource { bucket, key: crate::route::object_key(key)?, version })
}

/// The `x-amz-copy-source-if-*` conditions, on the source of a copy.
pub fn copy_source_conditions(headers: &HeaderMap) -> Conditions {
    let names = [
        "x-amz-copy-source-if-match",
        "x-amz-copy-source-if-none-match",
        "x-amz-copy-source-if-modified-since",
        "x-amz-copy-source-if-unmodified-since",
    ];
    read_conditions(headers, names.map(HeaderName::from_static))
}

/// The `x-amz-copy-source-range` of a part copy.
///
/// # Errors
/// `InvalidArgument` unless it is `bytes=first-last`.
pub fn copy_source_range(headers: &HeaderMap) -> Result<Option<ByteRange>, S3Error> {
    let Some(value) = headers.get(COPY_SOURCE_RANGE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    match ByteRange::parse(text) {
        Some(range @ ByteRange::From { last: Some(_), .. }) => Ok(Some(range)),
        _ => Err(S3Error::invalid_argument(
            COPY_SOURCE_RANGE,
            text,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn sources_are_read_in_every_form() {
        let version = "0123456789abcdef0123456789abcdef";
        let with_version = format!("/b/k?versionId={version}");
        for (text, bucket, key, version) in [
            ("bucket/key", "bucket", "key", None),
            ("/test_bucket/a%20b+c", "test_bucket", "a b+c", None),
            ("CMIP6.CMIP/a//../%E2%82%AC/", "CMIP6.CMIP", "a//../€/", None),
            ("b/what?now", "b", "what?now", None),
            ("b/k%3FversionId=x", "b", "k?versionId=x", None),
            ("b%2Fk%2F1", "b", "k/1", None),
            (&with_version, "b", "k", Some(version)),
            ("b/k?versionId=null", "b", "k", Some("null")),
        ] {
            let source = parse(text).expect(text);
            assert_eq!((source.bucket.as_str(), source.key.as_str()), (bucket, key), "{text}");
            assert_eq!(source.version.map(|version| version.to_string()).as_deref(), version, "{text}");
        }
        for text in ["", "/", "bucket", "/bucket/", "//key", "b/%ff", "b/k?versionId=", "b/k?versionId=nonsense"] {
            assert_eq!(parse(text).expect_err(text).code(), ErrorCode::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn part_ranges_are_strict() {
        let range = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COPY_SOURCE_RANGE, text.parse().expect("a value"));
            copy_source_range(&headers)
        };
        assert_eq!(range("bytes=0-9"), Ok(Some(ByteRange::From { first: 0, last: Some(9) })));
        for text in ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=2-", "bytes=-2", "bytes=0-2,3-5"] {
            assert_eq!(range(text).expect_err(text).code(), ErrorCode::InvalidArgument, "{text}");
        }
        assert_eq!(copy_source_range(&HeaderMap::new()), Ok(None));
    }
}
