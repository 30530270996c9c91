//! What GET and HEAD of an object have in common: what is asked for, and the headers that tell of the object.
//!
//! Source: the S3 API reference, GetObject and HeadObject.

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};
use objects::object::{Head, ObjectChecksum, ReadRequest, Selection};
use s3_protocol::headers::{self, header_value};
use s3_protocol::{S3Error, params};
use types::{Checksum, ChecksumType};

use crate::call::{Call, Reply};
use crate::{metadata, refused_headers};

const CHECKSUM_TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");
const CHECKSUM_MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");
const PARTS_COUNT: HeaderName = HeaderName::from_static("x-amz-mp-parts-count");

/// What a GET or HEAD asks for.
///
/// # Errors
/// InvalidArgument and InvalidRequest for parameters that make no sense; NotImplemented for encryption.
pub(crate) fn read_request(call: &Call<'_>) -> Result<ReadRequest, S3Error> {
    refused_headers::of_read(call.headers())?;
    let conditions = headers::conditions(call.headers());
    let selection = match (params::part_number(call.query())?, headers::range(call.headers())) {
        (Some(_), Some(_)) => {
            return Err(S3Error::invalid_request("Cannot specify both Range header and partNumber query parameter"));
        }
        (Some(part), None) => Selection::Part(part),
        (None, Some(range)) => Selection::Range(range),
        (None, None) => Selection::Whole,
    };
    Ok(ReadRequest { selection, conditions })
}

/// The response to a GET or HEAD, but for the content: status and headers.
///
/// # Errors
/// InvalidRequest where a request that nobody signed asks for other headers than the object's.
pub(crate) fn reply(call: &Call<'_>, head: &Head) -> Result<Reply, S3Error> {
    let overrides = params::response_overrides(call.query());
    if !overrides.is_empty() && call.signature.is_none() {
        let message = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(S3Error::invalid_request(message));
    }
    let mut reply = Reply::ok().with_version(head.version);
    let headers = &mut reply.headers;
    metadata::write(&head.info.metadata, headers);
    for (name, value) in overrides {
        headers.insert(name, value);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, header_value(head.info.etag.quoted()));
    headers.insert(LAST_MODIFIED, header_value(head.info.last_modified.to_http_date()));
    if let Some(parts) = head.parts {
        headers.insert(PARTS_COUNT, HeaderValue::from(parts));
    }
    if call.header(&CHECKSUM_MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED")) {
        write_checksum_of(head, headers);
    }
    // A range of no bytes (a part of an empty object) has no Content-Range.
    let size = head.info.size;
    let length = match &head.range {
        Some(range) if !range.is_empty() => {
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            headers.insert(CONTENT_RANGE, header_value(told));
            reply.status = StatusCode::PARTIAL_CONTENT;
            range.end - range.start
        }
        Some(_) => 0,
        None => size,
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(reply)
}

/// The checksum of the whole object, or of the part that was asked for. A range has none.
fn write_checksum_of(head: &Head, headers: &mut HeaderMap) {
    match (&head.part_checksum, &head.range, &head.info.checksum) {
        (Some(part), _, kept) => {
            headers.insert(header_of(*part), header_value(part.to_base64()));
            let kind = kept.map_or(ChecksumType::FullObject, |kept| kept.kind);
            headers.insert(CHECKSUM_TYPE, HeaderValue::from_static(kind.name()));
        }
        (None, None, Some(kept)) => write_checksum(*kept, head.info.etag.parts, headers),
        (None, _, _) => {}
    }
}

/// The headers that tell the checksum of an object with so many parts.
pub(crate) fn write_checksum(checksum: ObjectChecksum, parts: u16, headers: &mut HeaderMap) {
    headers.insert(header_of(checksum.value), header_value(checksum_text(checksum, parts)));
    headers.insert(CHECKSUM_TYPE, HeaderValue::from_static(checksum.kind.name()));
}

/// The header that tells a checksum of this algorithm.
fn header_of(checksum: Checksum) -> HeaderName {
    HeaderName::from_static(checksum.algorithm.header())
}

/// The header that tells the checksum of a part.
pub(crate) fn write_part_checksum(checksum: Checksum, headers: &mut HeaderMap) {
    headers.insert(header_of(checksum), header_value(checksum.to_base64()));
}

/// The text of an object's checksum: a composite one has the number of parts behind it.
pub(crate) fn checksum_text(checksum: ObjectChecksum, parts: u16) -> String {
    match checksum.kind {
        ChecksumType::Composite => format!("{}-{parts}", checksum.value.to_base64()),
        ChecksumType::FullObject => checksum.value.to_base64(),
    }
}
