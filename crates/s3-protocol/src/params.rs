//! Query parameters, as typed values.

use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES, HeaderName,
};
use types::{UploadId, VersionId};

use crate::headers::header_value;
use crate::{Query, S3Error};

/// The highest number of a part (S3 user guide, "Multipart upload limits").
pub const MAX_PART_NUMBER: u16 = 10_000;

/// How keys stand in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum EncodingType {
    /// As they are.
    #[default]
    None,
    /// Percent-encoded: `encoding-type=url`.
    Url,
}

/// `max-keys`, `max-uploads`, `max-parts` or `max-buckets`: at most `limit`, and `limit` where it is absent.
///
/// # Errors
/// `InvalidArgument` unless it is a number from 0 to 2147483647.
pub fn page_size(query: &Query, name: &str, limit: u32) -> Result<u32, S3Error> {
    let Some(text) = query.get_nonempty(name) else { return Ok(limit) };
    let number: Option<u32> = text.parse().ok().filter(|number| *number <= i32::MAX as u32);
    let number = number.ok_or_else(|| {
        let message = format!("Argument {name} must be an integer between 0 and 2147483647");
        S3Error::invalid_argument(name, text, message)
    })?;
    Ok(number.min(limit))
}

/// `part-number-marker`; 0 where it is absent.
///
/// # Errors
/// `InvalidArgument` unless it is a number from 0 to 2147483647.
pub fn part_number_marker(query: &Query) -> Result<u32, S3Error> {
    if query.get_nonempty("part-number-marker").is_none() {
        return Ok(0);
    }
    page_size(query, "part-number-marker", i32::MAX as u32)
}

/// `encoding-type`.
///
/// # Errors
/// `InvalidArgument` for anything but `url`.
pub fn encoding_type(query: &Query) -> Result<EncodingType, S3Error> {
    match query.get_nonempty("encoding-type") {
        None => Ok(EncodingType::None),
        Some("url") => Ok(EncodingType::Url),
        Some(other) => {
            Err(S3Error::invalid_argument("encoding-type", other, "Invalid Encoding Method specified in Request"))
        }
    }
}

/// `partNumber`.
///
/// # Errors
/// `InvalidArgument` unless it is a number from 1 to 10000.
pub fn part_number(query: &Query) -> Result<Option<u16>, S3Error> {
    let Some(text) = query.get("partNumber") else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (1..=MAX_PART_NUMBER).contains(number));
    number.map(Some).ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::invalid_argument("partNumber", text, message)
    })
}

/// `uploadId`.
///
/// # Errors
/// `NoSuchUpload` for a text that is no id: there is no such upload.
pub fn upload_id(query: &Query) -> Result<UploadId, S3Error> {
    let text = query.get("uploadId").unwrap_or_default();
    text.parse().map_err(|_| S3Error::no_such_upload(text))
}

/// `versionId`.
///
/// # Errors
/// `InvalidArgument` for an empty one and for a text that is no id.
pub fn version_id(query: &Query) -> Result<Option<VersionId>, S3Error> {
    query.get("versionId").map(parse_version_id).transpose()
}

/// Reads the text of a version's id.
///
/// # Errors
/// `InvalidArgument` for an empty one and for a text that is no id.
pub fn parse_version_id(text: &str) -> Result<VersionId, S3Error> {
    if text.is_empty() {
        return Err(S3Error::invalid_argument("versionId", text, "Version id cannot be the empty string"));
    }
    text.parse().map_err(|_| S3Error::invalid_argument("versionId", text, "Invalid version id specified"))
}

/// The headers that `response-*` parameters put in place of the stored ones.
pub fn response_overrides(query: &Query) -> Vec<(HeaderName, HeaderValue)> {
    let overrides = [
        ("response-cache-control", CACHE_CONTROL),
        ("response-content-disposition", CONTENT_DISPOSITION),
        ("response-content-encoding", CONTENT_ENCODING),
        ("response-content-language", CONTENT_LANGUAGE),
        ("response-content-type", CONTENT_TYPE),
        ("response-expires", EXPIRES),
    ];
    let present = overrides.into_iter().filter_map(|(name, header)| Some((header, query.get_nonempty(name)?)));
    present.map(|(header, value)| (header, header_value(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    fn query(text: &str) -> Query {
        Query::parse(Some(text)).expect(text)
    }

    #[test]
    fn page_sizes_are_bounded() {
        for (text, size) in
            [("", 1000), ("max-keys", 1000), ("max-keys=0", 0), ("max-keys=7", 7), ("max-keys=9999", 1000)]
        {
            assert_eq!(page_size(&query(text), "max-keys", 1000), Ok(size), "{text}");
        }
        for text in ["max-keys=-1", "max-keys=blah", "max-keys=2147483648", "max-keys=1.5"] {
            let error = page_size(&query(text), "max-keys", 1000).expect_err(text);
            assert_eq!((error.code(), error.field("ArgumentName")), (ErrorCode::InvalidArgument, Some("max-keys")));
        }
        assert_eq!(part_number_marker(&query("part-number-marker=9999")), Ok(9999));
        assert_eq!(part_number_marker(&query("")), Ok(0));
    }

    #[test]
    fn ids_and_numbers() {
        assert_eq!(part_number(&query("partNumber=10000")), Ok(Some(10_000)));
        assert_eq!(part_number(&query("")), Ok(None));
        for text in ["partNumber=0", "partNumber=10001", "partNumber", "partNumber=a", "partNumber=99999999"] {
            assert_eq!(part_number(&query(text)).expect_err(text).code(), ErrorCode::InvalidArgument);
        }
        assert_eq!(version_id(&query("versionId=null")), Ok(Some(VersionId::Null)));
        for text in ["versionId", "versionId=", "versionId=x"] {
            assert_eq!(version_id(&query(text)).expect_err(text).code(), ErrorCode::InvalidArgument);
        }
        assert_eq!(upload_id(&query("uploadId=x")).expect_err("no id").code(), ErrorCode::NoSuchUpload);
        assert_eq!(encoding_type(&query("encoding-type=url")), Ok(EncodingType::Url));
        assert!(encoding_type(&query("encoding-type=base64")).is_err());
    }

    #[test]
    fn overrides_name_headers() {
        let overrides = response_overrides(&query("response-content-type=text/plain&response-expires=&other=1"));
        assert_eq!(overrides, [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        // A line break in a value can not split the response.
        let overrides = response_overrides(&query("response-content-type=a%0d%0aX: y"));
        assert_eq!(overrides[0].1, "=?UTF-8?B?YQ0KWDogeQ==?=");
    }
}
