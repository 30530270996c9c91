//! What an object looks like: text, JSON, CSV, Markdown and images, shown on its page.
//!
//! Anybody may have written an object, so nothing of one runs with the portal's origin. Text is text in the page, whatever
//! its type says; Markdown becomes HTML by [`markdown`], which lets no HTML of its own through. An image is loaded from an
//! address of its own, whose answer is sandboxed and whose type is one of [`IMAGES`]; SVG, which can hold scripts, runs none as
//! an image. Only so many bytes are read.

use std::fmt::Write as _;

use access::{Grant, action};
use askama::filters::HtmlSafe;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use objects::object::{ObjectInfo, ReadRequest, Selection};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use types::{BucketName, ByteRange, ObjectKey, TenancyName};

use super::object::{Named, open};
use crate::Portal;
use crate::error::PageError;
use crate::page::View;
use crate::security::Sandboxed;
use crate::signed_in::SignedIn;

/// How much of a text is shown.
const TEXT_BYTES: u64 = 64 * 1024;
/// The largest image that is shown.
const IMAGE_BYTES: u64 = 10 * 1024 * 1024;
/// The most rows and columns of a table.
const ROWS: usize = 100;
const COLUMNS: usize = 30;

/// The images that browsers show, by the end of the key, with their types.
const IMAGES: [(&str, &str); 9] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("ico", "image/x-icon"),
    ("svg", "image/svg+xml"),
];
/// Ends of keys that are text without saying so.
const TEXTS: [&str; 24] = [
    "txt", "log", "ini", "cfg", "conf", "toml", "yaml", "yml", "xml", "html", "htm", "css", "js", "ts", "py", "r",
    "sh", "rs", "c", "f90", "cdl", "sql", "tex", "zattrs",
];
/// Names of files that are JSON without saying so: those of Zarr.
const JSON_NAMES: [&str; 4] = [".zattrs", ".zgroup", ".zarray", ".zmetadata"];

/// What is shown of an object.
pub(super) enum Preview {
    /// Nothing.
    None,
    /// Text, and whether there is more.
    Text { text: String, truncated: bool },
    /// The head and the rows of a table, and whether there is more.
    Table { head: Vec<String>, rows: Vec<Vec<String>>, truncated: bool },
    /// Markdown as HTML.
    Rendered { html: SafeHtml, truncated: bool },
    /// The address of an image.
    Image { path: String },
    /// It is larger than what is shown.
    TooLarge,
}

/// HTML that lets nothing run.
pub(super) struct SafeHtml(String);

impl std::fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// [`markdown::to_html`] made it.
impl HtmlSafe for SafeHtml {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Text,
    Json,
    Csv(char),
    Markdown,
    Image(&'static str),
    Other,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/objects/image", get(image))
}

fn kind(key: &ObjectKey, content_type: Option<&str>) -> Kind {
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    let claimed = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if let Some((_, image)) = IMAGES.iter().find(|(of, image)| *of == end || *image == claimed) {
        return Kind::Image(image);
    }
    match (end.as_str(), claimed) {
        ("md" | "markdown", _) | (_, "text/markdown") => Kind::Markdown,
        ("json" | "geojson" | "ipynb", _) | (_, "application/json") => Kind::Json,
        ("csv", _) | (_, "text/csv") => Kind::Csv(','),
        ("tsv", _) | (_, "text/tab-separated-values") => Kind::Csv('\t'),
        _ if JSON_NAMES.contains(&name) => Kind::Json,
        _ if TEXTS.contains(&end.as_str()) || claimed.starts_with("text/") => Kind::Text,
        _ if name.eq_ignore_ascii_case("readme") || claimed == "application/xml" => Kind::Text,
        _ => Kind::Other,
    }
}

/// What an object looks like, for its page.
pub(super) async fn of(
    portal: &Portal,
    grant: &Grant<action::GetObject>,
    key: &ObjectKey,
    info: &ObjectInfo,
) -> Result<Preview, PageError> {
    let kind = kind(key, info.metadata.content_type.as_deref());
    if kind == Kind::Other
        || info.size == 0
        || info.metadata.content_encoding.as_deref().is_some_and(|of| !of.is_empty())
    {
        return Ok(Preview::None);
    }
    if let Kind::Image(_) = kind {
        if info.size > IMAGE_BYTES {
            return Ok(Preview::TooLarge);
        }
        let mut path = format!("image?key={}", utf8_percent_encode(key.as_str(), NON_ALPHANUMERIC));
        if let Some(version) = grant.version() {
            let _ = write!(path, "&version={version}");
        }
        return Ok(Preview::Image { path });
    }
    let first = ByteRange::From { first: 0, last: Some(TEXT_BYTES - 1) };
    let request = ReadRequest { selection: Selection::Range(first), ..ReadRequest::default() };
    let read = portal.objects.get_object(grant, &request, None).await?;
    let truncated = read.head.info.size > TEXT_BYTES;
    let content = read.body.collect().await.map_err(|error| PageError::Failed(error.to_string()))?;
    let Some(text) = text_of(&content, truncated) else { return Ok(Preview::None) };
    Ok(match kind {
        Kind::Markdown => Preview::Rendered { html: SafeHtml(markdown::to_html(&text)), truncated },
        Kind::Json => Preview::Text { text: pretty(&text), truncated },
        Kind::Csv(separator) => table(&text, separator, truncated),
        _ => Preview::Text { text, truncated },
    })
}

/// The text; `None` where it is none. A character that the end cuts off is left out.
fn text_of(content: &[u8], truncated: bool) -> Option<String> {
    let text = match std::str::from_utf8(content) {
        Ok(text) => text,
        Err(error) if truncated && error.error_len().is_none() => {
            std::str::from_utf8(content.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then(|| text.trim_start_matches('\u{feff}').to_owned())
}

/// JSON with a line for each value; as it is where it is not whole.
fn pretty(text: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(text);
    let pretty = value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.filter(|pretty| pretty.len() <= 4 * text.len().max(64)).unwrap_or_else(|| text.to_owned())
}

fn table(text: &str, separator: char, truncated: bool) -> Preview {
    let mut rows = records(text, separator, ROWS + 1);
    if rows.is_empty() {
        return Preview::None;
    }
    let cut = rows.len() > ROWS || rows.iter().any(|row| row.len() > COLUMNS) || truncated;
    rows.truncate(ROWS);
    for row in &mut rows {
        row.truncate(COLUMNS);
    }
    let head = rows.remove(0);
    Preview::Table { head, rows, truncated: cut }
}

/// The records of a CSV text (RFC 4180), so many at most.
fn records(text: &str, separator: char, limit: usize) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut characters) = (false, text.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
                if records.len() == limit {
                    return records;
                }
            }
            other if other == separator && !quoted => record.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

async fn image(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let (key, read) = open(&view.portal, &signed_in, &tenancy, &bucket, &named).await?;
    let Kind::Image(image) = kind(&key, read.head.info.metadata.content_type.as_deref()) else {
        return Err(PageError::NotFound);
    };
    if read.body.length() > IMAGE_BYTES {
        return Err(PageError::NotFound);
    }
    let (length, stream) = (read.body.length(), Body::from_stream(read.body));
    let mut response = stream.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(image));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response.extensions_mut().insert(Sandboxed);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_goes_by_name_and_type() {
        let of = |key: &str, claimed| kind(&ObjectKey::new(key).expect("a key"), claimed);
        for (key, claimed, expected) in [
            ("a/b.PNG", None, Kind::Image("image/png")),
            ("a", Some("image/svg+xml; charset=utf-8"), Kind::Image("image/svg+xml")),
            ("page.html", Some("text/html"), Kind::Text),
            ("page", Some("text/html"), Kind::Text),
            ("x.csv", Some("application/octet-stream"), Kind::Csv(',')),
            ("x", Some("text/tab-separated-values"), Kind::Csv('\t')),
            ("store.zarr/.zattrs", None, Kind::Json),
            ("README.md", None, Kind::Markdown),
            ("README", None, Kind::Text),
            ("data.nc", Some("binary/octet-stream"), Kind::Other),
            ("archive.tar.gz", None, Kind::Other),
        ] {
            assert_eq!(of(key, claimed), expected, "{key} {claimed:?}");
        }
    }

    #[test]
    fn tables_are_read_as_they_are_written() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a,\"b,\"\"c\"\"\nd\"\r\n,", vec![vec!["a", "b,\"c\"\nd"], vec!["", ""]]),
            ("a\"b", vec![vec!["a\"b"]]),
            ("", vec![]),
        ] {
            assert_eq!(records(text, ',', 10), expected, "{text:?}");
        }
        assert_eq!(records("1\n2\n3\n", ',', 2).len(), 2);
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(text_of(b"a\xc3", true).as_deref(), Some("a"));
        assert_eq!(text_of(b"a\xc3", false), None);
        assert_eq!(text_of(b"a\xffb", true), None);
        assert_eq!(text_of(b"a\0b", false), None);
        assert_eq!(pretty("{\"a\":[1]}"), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(pretty("{\"a\":"), "{\"a\":");
    }
}
