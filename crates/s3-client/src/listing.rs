//! Buckets, objects and versions, page by page.

use http::Method;
use percent_encoding::percent_decode_str;
use types::Timestamp;

use crate::call::Call;
use crate::connection::Connection;
use crate::element::Element;
use crate::error::ClientError;

/// An object, or a version of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// The version, in a listing of versions.
    pub version: Option<String>,
    /// Whether it is a delete marker, which has neither size nor ETag.
    pub is_delete_marker: bool,
    /// Bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: Option<Timestamp>,
}

/// A page of a listing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// In the order of keys; of a key with versions, the latest first.
    pub entries: Vec<Entry>,
    /// What the next page begins after; `None` on the last page.
    pub next: Option<Marker>,
}

/// Where a page begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marker {
    /// In a listing of objects.
    Token(String),
    /// In a listing of versions: after this version of a key.
    Version {
        /// The key.
        key: String,
        /// The version.
        version: String,
    },
}

/// The names of the buckets that the caller is shown.
///
/// # Errors
/// [`ClientError`]
pub async fn buckets(connection: &mut Connection) -> Result<Vec<String>, ClientError> {
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut call = Call::bucket(Method::GET, "");
        if let Some(token) = token.take() {
            call = call.query("continuation-token", token);
        }
        let answer = connection.send(call).await?.element()?;
        let found = answer.child("Buckets").into_iter().flat_map(|all| all.all("Bucket"));
        names.extend(found.filter_map(|bucket| bucket.text("Name").map(str::to_owned)));
        match answer.text("ContinuationToken").filter(|token| !token.is_empty()) {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(names),
        }
    }
}

/// A page of the objects of a bucket.
///
/// # Errors
/// [`ClientError`]
pub async fn objects(
    connection: &mut Connection,
    bucket: &str,
    prefix: &str,
    after: Option<&Marker>,
) -> Result<Page, ClientError> {
    let mut call = Call::bucket(Method::GET, bucket).query("list-type", "2").query("encoding-type", "url");
    if !prefix.is_empty() {
        call = call.query("prefix", prefix);
    }
    if let Some(Marker::Token(token)) = after {
        call = call.query("continuation-token", token);
    }
    let received = connection.send(call).await?;
    let document = received.element()?;
    let is_encoded = document.text("EncodingType") == Some("url");
    let entries = document.all("Contents").map(|contents| entry(contents, is_encoded, false));
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|problem| bad(bucket, problem))?;
    let is_truncated = document.text("IsTruncated") == Some("true");
    let next = document.text("NextContinuationToken").filter(|_| is_truncated);
    if is_truncated && next.is_none() {
        return Err(bad(bucket, "it is truncated and does not say where it goes on".to_owned()));
    }
    Ok(Page { entries, next: next.map(|token| Marker::Token(token.to_owned())) })
}

/// A page of the versions of a bucket's objects.
///
/// # Errors
/// [`ClientError`]
pub async fn versions(
    connection: &mut Connection,
    bucket: &str,
    prefix: &str,
    after: Option<&Marker>,
) -> Result<Page, ClientError> {
    let mut call = Call::bucket(Method::GET, bucket).query("versions", "").query("encoding-type", "url");
    if !prefix.is_empty() {
        call = call.query("prefix", prefix);
    }
    if let Some(Marker::Version { key, version }) = after {
        call = call.query("key-marker", key).query("version-id-marker", version);
    }
    let received = connection.send(call).await?;
    let document = received.element()?;
    let is_encoded = document.text("EncodingType") == Some("url");
    let listed = document.children.iter().filter_map(|child| match child.name.as_str() {
        "Version" => Some(entry(child, is_encoded, false)),
        "DeleteMarker" => Some(entry(child, is_encoded, true)),
        _ => None,
    });
    let entries = listed.collect::<Result<Vec<_>, _>>().map_err(|problem| bad(bucket, problem))?;
    let next = match document.text("IsTruncated") {
        Some("true") => {
            let key = document.text("NextKeyMarker").and_then(|key| decoded(key, is_encoded).ok());
            let key = key.ok_or_else(|| bad(bucket, "it is truncated and does not say where it goes on".to_owned()))?;
            let version = document.text("NextVersionIdMarker").unwrap_or_default().to_owned();
            Some(Marker::Version { key, version })
        }
        _ => None,
    };
    Ok(Page { entries, next })
}

fn entry(element: &Element, is_encoded: bool, is_delete_marker: bool) -> Result<Entry, String> {
    let text = |name: &str| element.text(name).ok_or_else(|| format!("an entry has no {name}"));
    let size = match is_delete_marker {
        true => 0,
        false => text("Size")?.trim().parse().map_err(|_| "a size is no number".to_owned())?,
    };
    Ok(Entry {
        key: decoded(text("Key")?, is_encoded)?,
        version: element.text("VersionId").map(str::to_owned),
        is_delete_marker,
        size,
        etag: element.text("ETag").unwrap_or_default().trim_matches('"').to_owned(),
        modified: element.text("LastModified").and_then(Timestamp::parse_iso8601),
    })
}

/// A key as it is: encoded ones have `+` for a space, as AWS writes them, or `%20`.
fn decoded(text: &str, is_encoded: bool) -> Result<String, String> {
    if !is_encoded {
        return Ok(text.to_owned());
    }
    let decoded = percent_decode_str(&text.replace('+', " ")).decode_utf8().map(|key| key.into_owned());
    decoded.map_err(|_| "a key is no UTF-8".to_owned())
}

fn bad(bucket: &str, problem: String) -> ClientError {
    ClientError::Document { what: format!("the listing of {bucket}"), problem }
}
