//! *Browse*: the folders and objects of a bucket, a page at a time, and downloading one. What else can be done with objects has
//! pages of its own: [`super::object`], [`super::upload`], [`super::delete_objects`], [`super::share`].
//!
//! A folder is what keys have in common up to a `/`; a page costs what it shows, however much lies below. What is downloaded
//! is saved by the browser and never opened in it, whatever its type: it must not run with the portal's origin.

use access::action;
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use objects::Versioning;
use objects::listing::{After, Entry, Filter, ListObjects, ListedObject};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use types::size::format_size;
use types::{BucketName, TenancyName};

use super::buckets::{find, grant};
use super::object::{Named, open};
use crate::Portal;
use crate::error::PageError;
use crate::links::store_for_browser;
use crate::page::{Layout, Part, View, page};
use crate::security::ConnectsTo;
use crate::shown::Day;
use crate::signed_in::SignedIn;

/// How many folders and objects a page shows.
const PER_PAGE: usize = 200;
/// The longest prefix, in bytes: that of a key.
pub(super) const PREFIX_BYTES: usize = 1024;

#[derive(Template)]
#[template(path = "browser.html")]
struct BrowserPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    prefix: String,
    /// The folders above, each with its prefix.
    crumbs: Vec<(String, String)>,
    folders: Vec<(String, String)>,
    objects: Vec<Object>,
    /// Where the next page starts.
    next: Option<String>,
    is_first: bool,
    /// The folder that files are uploaded to: the prefix up to its last `/`.
    folder: String,
    /// Whether a script can send files straight to the store.
    can_script: bool,
    keeps_versions: bool,
}

struct Object {
    key: String,
    /// The key without the folder.
    name: String,
    size: String,
    modified: Day,
    content_type: String,
    owner: String,
}

/// What of a bucket a page is to show: what is below a prefix, after a key.
#[derive(Deserialize)]
pub(super) struct Below {
    #[serde(default)]
    pub(super) prefix: String,
    #[serde(default)]
    pub(super) after: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/", get(show))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/download", get(download))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(below): Query<Below>,
) -> Result<Response, PageError> {
    let shown = assemble(&view, &signed_in, &tenancy, &bucket, below).await?;
    let mut response = page(&shown);
    if let Some(store) = store_for_browser(&view, &tenancy) {
        response.extensions_mut().insert(ConnectsTo(store));
    }
    Ok(response)
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    Below { prefix, after }: Below,
) -> Result<BrowserPage, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    if prefix.len() > PREFIX_BYTES {
        return Err(PageError::NotFound);
    }
    let grant = grant::<action::ListBucket>(portal, &member, &bucket).map_err(|_| PageError::NotFound)?;
    let filter = Filter { prefix: prefix.clone(), delimiter: "/".to_owned(), max_keys: PER_PAGE };
    let is_first = after.is_empty();
    let request = ListObjects { filter, after: After::Entry(after) };
    let (mut folders, mut objects) = (Vec::new(), Vec::new());
    let below = |key: &str| key.strip_prefix(prefix.as_str()).unwrap_or(key).to_owned();
    let next = portal.objects.list_objects(&grant, &request, |entry: Entry<'_, ListedObject<'_>>| match entry {
        Entry::CommonPrefix(folder) => folders.push((below(folder), folder.to_owned())),
        Entry::Key(object) => objects.push(Object {
            key: object.key.to_owned(),
            name: below(object.key),
            size: format_size(object.content.size),
            modified: Day(object.version.last_modified),
            content_type: object.content.content_type.unwrap_or_default().to_owned(),
            owner: object.version.owner.unwrap_or("nobody").to_owned(),
        }),
    });
    let next = next.await?.map(|(After::Entry(place) | After::Key(place))| place);
    Ok(BrowserPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Browse"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        crumbs: crumbs(&prefix),
        folder: prefix[..prefix.rfind('/').map_or(0, |slash| slash + 1)].to_owned(),
        can_script: store_for_browser(view, tenancy).is_some(),
        keeps_versions: bucket.versioning != Versioning::Unversioned,
        prefix,
        folders,
        objects,
        next,
        is_first,
    })
}

/// The folders of a prefix, each with its own.
pub(super) fn crumbs(prefix: &str) -> Vec<(String, String)> {
    let ends = prefix.match_indices('/').map(|(at, _)| at);
    let mut from = 0;
    ends.map(|end| {
        let crumb = (prefix[from..end].to_owned(), prefix[..=end].to_owned());
        from = end + 1;
        crumb
    })
    .collect()
}

async fn download(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let (key, read) = open(&view.portal, &signed_in, &tenancy, &bucket, &named).await?;
    let name = key.as_str().rsplit('/').find(|part| !part.is_empty()).unwrap_or("object");
    let named = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    let (length, stream) = (read.body.length(), Body::from_stream(read.body));
    let mut response = stream.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    // Percent-encoded, it is ASCII.
    headers.extend(HeaderValue::from_str(&named).ok().map(|named| (CONTENT_DISPOSITION, named)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_above_is_a_crumb() {
        let texts = |prefix| -> Vec<String> {
            crumbs(prefix).into_iter().map(|(name, prefix)| format!("{name}={prefix}")).collect()
        };
        assert!(texts("").is_empty());
        assert_eq!(texts("a/b c/"), ["a=a/", "b c=a/b c/"]);
        assert_eq!(texts("a//x"), ["a=a/", "=a//"], "what has no slash after it is a filter");
    }
}
