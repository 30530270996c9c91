//! Headers of requests, as typed values, and of responses.
//!
//! `metadata` reads and writes what is stored with an object, [`copy_source()`] reads what is copied.

mod copy_source;
mod metadata;

pub use copy_source::{CopySource, copy_source, copy_source_conditions, copy_source_range};
pub use metadata::{
    MAX_USER_METADATA_BYTES, SystemMetadata, UserMetadata, WEBSITE_REDIRECT, header_text, header_value,
};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE};
use http::{HeaderMap, HeaderName};
use types::{ByteRange, Conditions, EtagMatch, Timestamp};

use crate::{ErrorCode, S3Error};

/// The storage classes that a request may name (S3 API reference, PutObject).
const STORAGE_CLASSES: [&str; 11] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
    "SNOW",
];

const LAST_MODIFIED_TIME: HeaderName = HeaderName::from_static("x-amz-if-match-last-modified-time");
const MATCH_SIZE: HeaderName = HeaderName::from_static("x-amz-if-match-size");
const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-amz-storage-class");

/// The conditions of a request: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`. A date that
/// can not be read is no condition, as in AWS.
pub fn conditions(headers: &HeaderMap) -> Conditions {
    read_conditions(headers, [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE])
}

/// The conditions of DeleteObject: those of every request, and `x-amz-if-match-last-modified-time` and
/// `x-amz-if-match-size`.
///
/// # Errors
/// `InvalidArgument` for one of the latter two that can not be read: to ignore it would delete too much.
pub fn delete_conditions(headers: &HeaderMap) -> Result<Conditions, S3Error> {
    let last_modified = match headers.get(LAST_MODIFIED_TIME).map(|value| value.to_str().unwrap_or_default().trim()) {
        None => None,
        Some(text) => {
            Some(Timestamp::parse_http_date(text).or_else(|| Timestamp::parse_iso8601(text)).ok_or_else(|| {
                let name = LAST_MODIFIED_TIME;
                S3Error::invalid_argument(name.as_str(), text, format!("{name} is not a date"))
            })?)
        }
    };
    Ok(Conditions { last_modified, size: number(headers, &MATCH_SIZE)?, ..conditions(headers) })
}

fn read_conditions(headers: &HeaderMap, names: [HeaderName; 4]) -> Conditions {
    let [if_match, if_none_match, if_modified_since, if_unmodified_since] = names;
    let tags = |name: HeaderName| all_values(headers, &name).map(|text| EtagMatch::parse(&text));
    let date = |name: HeaderName| Timestamp::parse_http_date(headers.get(name)?.to_str().ok()?);
    Conditions {
        if_match: tags(if_match),
        if_none_match: tags(if_none_match),
        if_modified_since: date(if_modified_since),
        if_unmodified_since: date(if_unmodified_since),
        ..Conditions::default()
    }
}

/// The `Range` of a request; `None` for no range, several, or one that can not be read: the whole object is meant.
pub fn range(headers: &HeaderMap) -> Option<ByteRange> {
    ByteRange::parse(headers.get(RANGE)?.to_str().ok()?)
}

/// The `x-amz-storage-class` of a request.
///
/// # Errors
/// `InvalidStorageClass` for one that AWS does not have.
pub fn storage_class(headers: &HeaderMap) -> Result<Option<&'static str>, S3Error> {
    let Some(value) = headers.get(STORAGE_CLASS) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let class = STORAGE_CLASSES.into_iter().find(|class| *class == text);
    class
        .map(Some)
        .ok_or_else(|| S3Error::new(ErrorCode::InvalidStorageClass).with_field("StorageClassRequested", text))
}

/// Whether a header has the value `true`, in any case.
pub fn flag(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"true"))
}

/// What the `x-amz-metadata-directive` or `x-amz-tagging-directive` of a copy says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Directive {
    /// As the source has it.
    #[default]
    Copy,
    /// As the request has it.
    Replace,
}

/// Reads a directive; `COPY` where the header is absent.
///
/// # Errors
/// `InvalidArgument` for another value.
pub fn directive(headers: &HeaderMap, name: &str) -> Result<Directive, S3Error> {
    let Some(value) = headers.get(name) else { return Ok(Directive::Copy) };
    match value.to_str().unwrap_or_default().trim() {
        "COPY" => Ok(Directive::Copy),
        "REPLACE" => Ok(Directive::Replace),
        other => Err(S3Error::invalid_argument(name, other, "Unknown metadata directive.")),
    }
}

/// What GetObjectAttributes is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ObjectAttributes {
    /// `ETag`.
    pub etag: bool,
    /// `Checksum`.
    pub checksum: bool,
    /// `ObjectParts`.
    pub object_parts: bool,
    /// `StorageClass`.
    pub storage_class: bool,
    /// `ObjectSize`.
    pub object_size: bool,
}

/// The `x-amz-object-attributes` of a request.
///
/// # Errors
/// `InvalidArgument` where the header is missing or names what there is not.
pub fn object_attributes(headers: &HeaderMap) -> Result<ObjectAttributes, S3Error> {
    const NAME: &str = "x-amz-object-attributes";
    let mut wanted = ObjectAttributes::default();
    let text = all_values(headers, &HeaderName::from_static(NAME)).unwrap_or_default();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let attribute = match name {
            "ETag" => &mut wanted.etag,
            "Checksum" => &mut wanted.checksum,
            "ObjectParts" => &mut wanted.object_parts,
            "StorageClass" => &mut wanted.storage_class,
            "ObjectSize" => &mut wanted.object_size,
            _ => return Err(S3Error::invalid_argument(NAME, name, "Invalid attribute name specified.")),
        };
        *attribute = true;
    }
    if wanted == ObjectAttributes::default() {
        return Err(S3Error::invalid_argument(NAME, &text, "Invalid attribute name specified."));
    }
    Ok(wanted)
}

/// A number in a header.
///
/// # Errors
/// `InvalidArgument` where it is none.
pub fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, S3Error> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let invalid = |_| S3Error::invalid_argument(name.as_str(), text, format!("{name} is not a number"));
    text.parse().map(Some).map_err(invalid)
}

/// The values of a header that is a list, joined by commas; `None` where it is absent.
fn all_values(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.contains_key(name).then(|| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    })
}

#[cfg(test)]
mod tests;
