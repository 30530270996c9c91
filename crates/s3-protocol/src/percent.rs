//! Percent-encoding as S3 wants it (SigV4 guide, "UriEncode").

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, but `/` stays: paths and `encoding-type=url`.
const PATH: &AsciiSet = &STRICT.remove(b'/');

/// Encodes all but `A-Za-z0-9-._~`.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// Encodes all but `A-Za-z0-9-._~/`.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// Appends what [`encode_path`] answers.
pub(crate) fn push_path(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, PATH));
}

/// Undoes percent-encoding; `+` stays `+`, and a `%` without two hex digits after it stays. `None` where the result is
/// no UTF-8.
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// Undoes the encoding of a query: as [`decode`], with `+` for a space.
pub fn decode_query(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return decode(text);
    }
    decode(&text.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        for text in ["", "a b", "a+b", "ключ/🦀", "%", "%zz", "~-._", "\u{0}\r\n"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text), "{text:?}");
            assert_eq!(decode_query(&encode_path(text)).as_deref(), Some(text), "{text:?}");
        }
        assert_eq!(encode("a/b c~"), "a%2Fb%20c~");
        assert_eq!(encode_path("a/b c~"), "a/b%20c~");
        assert_eq!(decode_query("a+b%2B").as_deref(), Some("a b+"));
        assert_eq!(decode("a+b").as_deref(), Some("a+b"));
        assert_eq!(decode("%ff"), None);
    }
}
