//! What is stored with an object and comes back in headers.
//!
//! Clients send header values as UTF-8 or as Latin-1, and expect the same bytes back. A value that is UTF-8 is kept as
//! the text it is. The bytes of one that is not are kept as `U+F700` plus the byte, in a private use area, and go out
//! as those bytes again. What no header can hold (a line break in a form's field) goes out as RFC 2047 encodes it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{ErrorCode, S3Error};

/// The most bytes of user metadata, names and values together (S3 user guide, "User-defined object metadata").
pub const MAX_USER_METADATA_BYTES: usize = 2048;

/// `x-amz-website-redirect-location`.
pub const WEBSITE_REDIRECT: HeaderName = HeaderName::from_static("x-amz-website-redirect-location");

const PREFIX: &str = "x-amz-meta-";
/// Where bytes that are no UTF-8 are kept: `RAW_BYTES + byte`.
const RAW_BYTES: u32 = 0xF700;

/// The text of a header value.
pub fn header_text(value: &HeaderValue) -> String {
    text_of(value.as_bytes().trim_ascii())
}

/// The text of bytes. UTF-8 with a character from where raw bytes are kept counts as no UTF-8, so that it comes back too.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| raw_byte(c).is_some()) => text.to_owned(),
        _ => bytes.iter().filter_map(|byte| keep_raw(*byte)).collect(),
    }
}

/// The header value with this text: the opposite of [`header_text`].
pub fn header_value<'a>(text: impl Into<Cow<'a, str>>) -> HeaderValue {
    let text = text.into();
    if !text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return raw_value(&text);
    }
    let value = match text {
        Cow::Borrowed(text) => HeaderValue::from_str(text),
        Cow::Owned(text) => HeaderValue::try_from(text),
    };
    value.expect("visible ASCII can stand in a header")
}

/// The value of a text with characters that stand for raw bytes, or that no header can hold.
fn raw_value(text: &str) -> HeaderValue {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match raw_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| encoded(text))
}

/// What no header can hold, in words that one can (RFC 2047).
fn encoded(text: &str) -> HeaderValue {
    let encoded = format!("=?UTF-8?B?{}?=", BASE64.encode(text));
    HeaderValue::from_str(&encoded).expect("base64 can stand in a header")
}

fn keep_raw(byte: u8) -> Option<char> {
    if byte.is_ascii() { Some(char::from(byte)) } else { char::from_u32(RAW_BYTES + u32::from(byte)) }
}

fn raw_byte(c: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(c).checked_sub(RAW_BYTES)?).ok()?;
    (!byte.is_ascii()).then_some(byte)
}

/// User metadata: names without `x-amz-meta-`, in lower case, and values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserMetadata(pub BTreeMap<String, String>);

impl UserMetadata {
    /// Reads the `x-amz-meta-*` headers. The values of a name that comes twice are joined by commas.
    ///
    /// # Errors
    /// `MetadataTooLarge` above [`MAX_USER_METADATA_BYTES`].
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        let mut metadata = BTreeMap::new();
        for name in headers.keys() {
            let Some(short) = name.as_str().strip_prefix(PREFIX) else { continue };
            let values: Vec<&[u8]> = headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
            metadata.insert(short.to_owned(), text_of(&values.join(&b',')));
        }
        let size: usize = metadata.iter().map(|(name, value)| name.len() + header_value(value).len()).sum();
        if size > MAX_USER_METADATA_BYTES {
            return Err(S3Error::new(ErrorCode::MetadataTooLarge)
                .with_field("Size", size.to_string())
                .with_field("MaxSizeAllowed", MAX_USER_METADATA_BYTES.to_string()));
        }
        Ok(Self(metadata))
    }

    /// Writes the headers. Names that can not stand in a header are counted in `x-amz-missing-meta`, as AWS does.
    pub fn write(metadata: &BTreeMap<String, String>, headers: &mut HeaderMap) {
        let mut missing = 0_u32;
        for (name, value) in metadata {
            match HeaderName::from_bytes(format!("{PREFIX}{name}").as_bytes()) {
                Ok(name) => drop(headers.insert(name, header_value(value))),
                Err(_) => missing += 1,
            }
        }
        if missing > 0 {
            headers.insert("x-amz-missing-meta", HeaderValue::from(missing));
        }
    }
}

/// The headers that are stored with an object and come back as they were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SystemMetadata {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`, which is the transfer's and not the object's.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Expires`, as text: it need not be a date.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect_location: Option<String>,
}

impl SystemMetadata {
    /// Reads the headers of a request. Empty ones are as good as absent.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).map(header_text).filter(|text| !text.is_empty());
        Self {
            cache_control: text(CACHE_CONTROL),
            content_disposition: text(CONTENT_DISPOSITION),
            content_encoding: stored_encoding(headers),
            content_language: text(CONTENT_LANGUAGE),
            content_type: text(CONTENT_TYPE),
            expires: text(EXPIRES),
            website_redirect_location: text(WEBSITE_REDIRECT),
        }
    }
}

fn stored_encoding(headers: &HeaderMap) -> Option<String> {
    let values: Vec<String> = headers.get_all(CONTENT_ENCODING).iter().map(header_text).collect();
    let all = values.join(",");
    if !all.to_ascii_lowercase().contains("aws-chunked") {
        return Some(all).filter(|all| !all.is_empty());
    }
    let codings = all.split(',').map(str::trim);
    let kept: Vec<&str> =
        codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked")).collect();
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_came() {
        for bytes in
            [&b"plain"[..], "Grüße €".as_bytes(), b"Hello World\xe9", b"\xff\xfe\x80", "\u{f7e9}é".as_bytes(), b""]
        {
            let value = HeaderValue::from_bytes(bytes).expect("a value");
            assert_eq!(header_value(header_text(&value)).as_bytes(), bytes);
        }
        assert_eq!(header_text(&HeaderValue::from_bytes("é".as_bytes()).expect("a value")), "é");
        for text in ["a\r\nb", "plain", "tab\there", "\u{7f}", "é", "\u{f7e9}"] {
            assert_eq!(header_value(text), header_value(text.to_owned()), "{text:?}");
        }
        assert_eq!(header_value("a\r\nb"), "=?UTF-8?B?YQ0KYg==?=");
    }

    #[test]
    fn user_metadata_is_read_written_and_bounded() {
        let mut headers = HeaderMap::new();
        headers.append("x-amz-meta-Mtime", "1.5".parse().expect("a value"));
        headers.append("x-amz-meta-a", "one".parse().expect("a value"));
        headers.append("x-amz-meta-a", "two".parse().expect("a value"));
        for value in [&b"\xe9"[..], b"\xb0\x99"] {
            headers.append("x-amz-meta-raw", HeaderValue::from_bytes(value).expect("a value"));
        }
        headers.append("x-amz-acl", "private".parse().expect("a value"));
        let metadata = UserMetadata::from_headers(&headers).expect("metadata").0;
        let pairs: Vec<_> = metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "one,two"), ("mtime", "1.5"), ("raw", "\u{f7e9},\u{f7b0}\u{f799}")]);
        let mut out = HeaderMap::new();
        UserMetadata::write(&metadata, &mut out);
        assert_eq!((&out["x-amz-meta-a"], out.len()), (&HeaderValue::from_static("one,two"), 3));
        assert_eq!(out["x-amz-meta-raw"].as_bytes(), b"\xe9,\xb0\x99");
        for (length, fits) in [(2047, true), (2048, false)] {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-meta-a", "x".repeat(length).parse().expect("a value"));
            assert_eq!(UserMetadata::from_headers(&headers).is_ok(), fits, "{length}");
        }
        UserMetadata::write(&BTreeMap::from([("a b".into(), "x".into())]), &mut out);
        assert_eq!(out["x-amz-missing-meta"], "1");
    }

    #[test]
    fn the_framing_is_not_stored() {
        for (sent, stored) in [
            ("gzip", Some("gzip")),
            ("deflate, gzip", Some("deflate, gzip")),
            ("gzip, aws-chunked", Some("gzip")),
            ("aws-chunked,gzip", Some("gzip")),
            ("aws-chunked", None),
            ("aws-chunked, ", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, sent.parse().expect("a value"));
            headers.insert(EXPIRES, "whenever".parse().expect("a value"));
            let metadata = SystemMetadata::from_headers(&headers);
            assert_eq!(metadata.content_encoding.as_deref(), stored, "{sent:?}");
            assert_eq!(metadata.expires.as_deref(), Some("whenever"));
        }
    }
}
