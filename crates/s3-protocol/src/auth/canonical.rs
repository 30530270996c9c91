//! The canonical request of version 4 (SigV4 guide, "Create a canonical request").
//!
//! The path is the one received, byte for byte: re-encoding would break for keys that clients encode in their own way.
//! The query is tried as received, and re-encoded, because some clients sign `%2F` and send `/`, or sign `%20` and send
//! `+`. Both forms determine the decoded parameters, so neither lets a signature be used for another meaning.

use std::borrow::Cow;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use types::HexText;

use super::sigv4::SignedHeaders;
use crate::{RequestHead, S3Error, percent};

/// How the query goes into the canonical request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum QueryForm {
    /// Names and values as received.
    Received,
    /// Names and values decoded and encoded again.
    Reencoded,
}

/// The hash of the canonical request, in hex.
pub(super) fn request_hash(
    head: &RequestHead<'_>,
    form: QueryForm,
    signed_headers: SignedHeaders<'_>,
    payload: &str,
) -> Result<HexText<64>, S3Error> {
    let mut request = Vec::with_capacity(512);
    for line in [head.method().as_str(), head.raw_path(), &query(head.raw_query(), form)?] {
        request.extend_from_slice(line.as_bytes());
        request.push(b'\n');
    }
    for name in signed_headers.names() {
        push_lower_case(name, &mut request);
        request.push(b':');
        header(head, name, &mut request);
        request.push(b'\n');
    }
    request.push(b'\n');
    for (index, name) in signed_headers.names().enumerate() {
        if index > 0 {
            request.push(b';');
        }
        push_lower_case(name, &mut request);
    }
    request.push(b'\n');
    request.extend_from_slice(payload.as_bytes());
    Ok(HexText::lower(&Sha256::digest(&request)))
}

fn push_lower_case(name: &str, out: &mut Vec<u8>) {
    out.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
}

/// The parameters sorted, each with its `=`, without the signature itself.
fn query(raw: Option<&str>, form: QueryForm) -> Result<String, S3Error> {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for piece in raw.unwrap_or_default().split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        if name == "X-Amz-Signature" {
            continue;
        }
        let pair = match form {
            QueryForm::Received => (Cow::Borrowed(name), Cow::Borrowed(value)),
            QueryForm::Reencoded => (reencode(name)?, reencode(value)?),
        };
        pairs.push(pair);
    }
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(pairs.join("&"))
}

fn reencode(text: &str) -> Result<Cow<'static, str>, S3Error> {
    let decoded = percent::decode_query(text).ok_or(crate::ErrorCode::InvalidURI)?;
    Ok(Cow::Owned(percent::encode(&decoded)))
}

/// The values of a header, or the host of the request.
fn header(head: &RequestHead<'_>, name: &str, out: &mut Vec<u8>) {
    if name.eq_ignore_ascii_case("host") {
        out.extend_from_slice(head.host().unwrap_or_default().trim().as_bytes());
        return;
    }
    header_values(head.headers(), name, Spaces::Fold, out);
}

/// What becomes of spaces inside a header value; those at its ends always go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spaces {
    /// Runs of spaces become one: version 4.
    Fold,
    /// They stay: version 2.
    Keep,
}

/// Appends the values of a header in canonical form, joined by commas. A value that is not UTF-8 is taken as Latin-1, because that is
/// what a client meant that signed characters and sent bytes.
pub(super) fn header_values(headers: &HeaderMap, name: &str, spaces: Spaces, out: &mut Vec<u8>) {
    for (index, value) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let text = match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(value.as_bytes().iter().map(|byte| char::from(*byte)).collect()),
        };
        if spaces == Spaces::Keep {
            out.extend_from_slice(text.trim_matches([' ', '\t']).as_bytes());
            continue;
        }
        if !text.contains("  ") && !text.contains('\t') {
            out.extend_from_slice(text.trim_matches(' ').as_bytes());
            continue;
        }
        let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_keep_or_change_their_encoding() {
        let raw = Some("b=2&a=x/y+z&X-Amz-Signature=0&acl&a=%2f");
        assert_eq!(query(raw, QueryForm::Received).as_deref(), Ok("a=%2f&a=x/y+z&acl=&b=2"));
        assert_eq!(query(raw, QueryForm::Reencoded).as_deref(), Ok("a=%2F&a=x%2Fy%20z&acl=&b=2"));
    }

    #[test]
    fn names_of_signed_headers_are_read_in_any_case() {
        let request = http::Request::get("/b/k").header("host", "h").header("x-amz-date", "d").body(());
        let (parts, ()) = request.expect("a request").into_parts();
        let head = RequestHead::new(&parts, None);
        let hash = |list| {
            let headers = SignedHeaders::new(list).expect("a few");
            request_hash(&head, QueryForm::Received, headers, "UNSIGNED-PAYLOAD").expect("a hash")
        };
        assert_eq!(hash("host;x-amz-date"), hash("Host; X-Amz-Date"));
        assert_ne!(hash("host;x-amz-date"), hash("host"));
    }

    #[test]
    fn header_values_are_folded() {
        let mut headers = HeaderMap::new();
        headers.append("x-amz-meta-a", "  one   two ".parse().expect("a value"));
        headers.append("x-amz-meta-a", "three".parse().expect("a value"));
        headers.append("x-amz-meta-b", http::HeaderValue::from_bytes(b"\xe9").expect("a value"));
        let canonical = |name| {
            let mut out = Vec::new();
            header_values(&headers, name, Spaces::Fold, &mut out);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(canonical("x-amz-meta-a"), "one two,three");
        assert_eq!(canonical("x-amz-meta-b"), "é");
        assert_eq!(canonical("x-amz-meta-c"), "");
        for (value, folded) in
            [(" a b ", "a b"), ("a\tb", "a b"), ("a  b", "a b"), ("a b", "a b"), (" ", ""), ("é  é", "é é")]
        {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-meta-a", http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
            let mut out = Vec::new();
            header_values(&headers, "x-amz-meta-a", Spaces::Fold, &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), folded, "{value:?}");
        }
    }
}
