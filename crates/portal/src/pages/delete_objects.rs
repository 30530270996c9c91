//! Deleting objects and folders: a page that says what will go, what went, and the way back.
//!
//! What is asked about is looked at again when it is done: what came meanwhile into a folder goes with it. Where the bucket keeps
//! versions, an object that is deleted gets a mark in its place, and taking the marks away brings the objects back, at once or
//! later from *Deleted objects*.

use std::collections::BTreeSet;

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use objects::listing::{After, Entry, Filter, ListObjects, ListVersions, ListedObject, ListedVersion};
use objects::{Bucket, Versioning};
use serde::Deserialize;
use types::{BucketName, Conditions, ObjectKey, TenancyName, VersionId};

use super::browser::{Below, PREFIX_BYTES};
use super::buckets::{find, grant};
use super::object::object_grant;
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page};
use crate::shown::{Day, count};
use crate::signed_in::{Member, SignedIn};

/// The most objects that go at once: more are for a program.
const AT_ONCE: usize = 1000;
/// How many of them are named.
const NAMED: usize = 50;
/// How many can be brought back by one form.
const UNDONE: usize = 200;
/// How many deleted objects a page shows.
const PER_PAGE: usize = 200;

#[derive(Template)]
#[template(path = "ask_delete.html")]
struct AskDeletePage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    prefix: String,
    count: String,
    keys: Vec<String>,
    more: usize,
    keeps_versions: bool,
    chosen: Chosen,
}

#[derive(Template)]
#[template(path = "deleted.html")]
struct DeletedPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    prefix: String,
    count: String,
    /// What did not go, and why.
    failed: Vec<(String, String)>,
    /// Keys and marks, where all can be brought back.
    undo: Vec<(String, String)>,
    keeps_versions: bool,
}

#[derive(Template)]
#[template(path = "deleted_objects.html")]
struct DeletedObjectsPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    prefix: String,
    objects: Vec<DeletedObject>,
    next: Option<String>,
}

struct DeletedObject {
    key: String,
    mark: String,
    deleted: Day,
    by: String,
}

/// What was ticked.
#[derive(Clone, Deserialize)]
struct Chosen {
    /// The folder that the browser was in.
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    key: Vec<String>,
    /// Prefixes under which everything is meant.
    #[serde(default)]
    folder: Vec<String>,
}

/// Marks to take away, each key with its own.
#[derive(Deserialize)]
struct Marks {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    version: Vec<VersionText>,
}

#[derive(Deserialize)]
struct VersionText(String);

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/ask-delete", post(ask))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/delete", post(delete))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/undelete", post(undelete))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/deleted", get(show_deleted))
}

async fn ask(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &name).await?;
    // Who may not look into the bucket learns nothing of it.
    grant::<action::ListBucket>(&view.portal, &member, &bucket)?;
    let keys = meant(&view.portal, &member, &bucket, &chosen).await?;
    Ok(page(&AskDeletePage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Delete objects"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        prefix: chosen.prefix.clone(),
        count: count(keys.len() as u64, "object"),
        more: keys.len().saturating_sub(NAMED),
        keys: keys.iter().take(NAMED).map(ToString::to_string).collect(),
        keeps_versions: bucket.versioning == Versioning::Enabled,
        chosen,
    }))
}

/// The keys that are meant, in their order.
async fn meant(
    portal: &Portal,
    member: &Member,
    bucket: &Bucket,
    chosen: &Chosen,
) -> Result<BTreeSet<ObjectKey>, PageError> {
    let key_of = |text: &str| ObjectKey::new(text).map_err(|_| PageError::NotFound);
    let mut keys = chosen.key.iter().map(|key| key_of(key)).collect::<Result<BTreeSet<_>, _>>()?;
    for folder in &chosen.folder {
        if folder.is_empty() || folder.len() > PREFIX_BYTES {
            return Err(PageError::NotFound);
        }
        let grant = grant::<action::ListBucket>(portal, member, bucket)?;
        let filter = Filter { prefix: folder.clone(), delimiter: String::new(), max_keys: AT_ONCE };
        let request = ListObjects { filter, after: After::default() };
        let mut below = Vec::new();
        let more = portal.objects.list_objects(&grant, &request, |entry: Entry<'_, ListedObject<'_>>| {
            if let Entry::Key(object) = entry {
                below.push(object.key.to_owned());
            }
        });
        let more = more.await?.is_some();
        for key in &below {
            keys.insert(key_of(key)?);
        }
        if more || keys.len() > AT_ONCE {
            return Err(PageError::Refused(format!(
                "{folder} has more than {AT_ONCE} objects in it: delete so many with a program, such as \
                 s5cmd rm \"s3://{}/{folder}*\". Nothing was deleted.",
                bucket.name
            )));
        }
    }
    if keys.is_empty() {
        return Err(PageError::Refused("Tick what is to be deleted.".to_owned()));
    }
    Ok(keys)
}

async fn delete(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, &signed_in, &tenancy, &name).await?;
    let (mut gone, mut failed, mut undo) = (0_u64, Vec::new(), Vec::new());
    for key in meant(portal, &member, &bucket, &chosen).await? {
        match delete_one(portal, &member, &bucket, &key, None).await {
            Ok(mark) => {
                gone += 1;
                undo.extend(mark.map(|mark| (key.to_string(), mark.to_string())));
            }
            Err(error) => failed.push((key.to_string(), why(&error))),
        }
    }
    if gone == 0 && failed.iter().any(|(_, why)| why == NOT_ALLOWED) {
        return Err(PageError::NotAllowed);
    }
    if undo.len() > UNDONE {
        undo.clear();
    }
    Ok(page(&DeletedPage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Deleted"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        prefix: chosen.prefix,
        count: count(gone, "object"),
        failed,
        undo,
        keeps_versions: bucket.versioning == Versioning::Enabled,
    }))
}

const NOT_ALLOWED: &str = "your role does not let you";

fn why(error: &PageError) -> String {
    match error {
        PageError::NotAllowed => NOT_ALLOWED.to_owned(),
        PageError::Refused(text) => text.clone(),
        other => other.name().to_owned(),
    }
}

/// Deletes an object or one version. Answers the mark that stands in its place.
async fn delete_one(
    portal: &Portal,
    member: &Member,
    bucket: &Bucket,
    key: &ObjectKey,
    version: Option<VersionId>,
) -> Result<Option<VersionId>, PageError> {
    let (grant, _) = object_grant::<action::DeleteObject>(portal, member, bucket, key, version).await?;
    let deleted = portal.objects.delete_object(&grant, &Conditions::default()).await?;
    Ok(deleted.version.filter(|_| deleted.delete_marker))
}

/// Takes away marks of deletion, so that what was there before is there again. A version that is no mark stays.
async fn undelete(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(marks): Form<Marks>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, &signed_in, &tenancy, &name).await?;
    if marks.key.is_empty() || marks.key.len() != marks.version.len() {
        return Err(PageError::FormUnreadable("Each key goes with its mark.".to_owned()));
    }
    for (key, VersionText(version)) in marks.key.iter().zip(&marks.version) {
        let key = ObjectKey::new(key).map_err(|_| PageError::NotFound)?;
        let version = version.parse().map_err(|_| PageError::NotFound)?;
        let (_, seen) = object_grant::<action::DeleteObject>(portal, &member, &bucket, &key, Some(version)).await?;
        if seen.is_some_and(|seen| seen.facts().is_none()) {
            delete_one(portal, &member, &bucket, &key, Some(version)).await?;
        }
    }
    let prefix = percent_encoding::utf8_percent_encode(&marks.prefix, percent_encoding::NON_ALPHANUMERIC);
    let back = format!("/object-stores/{tenancy}/buckets/{name}/objects/?prefix={prefix}");
    Ok(crate::page::done(&back, "restored"))
}

async fn show_deleted(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Query(Below { prefix, after }): Query<Below>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &name).await?;
    let grant = grant::<action::ListBucketVersions>(&view.portal, &member, &bucket);
    let grant = grant.map_err(|_| PageError::NotFound)?;
    let filter = Filter { prefix: prefix.clone(), delimiter: String::new(), max_keys: AT_ONCE };
    let request = ListVersions { filter, key_marker: after, version_marker: None };
    let mut objects = Vec::new();
    let mut last_key = String::new();
    let next = view.portal.objects.list_versions(&grant, &request, |entry: Entry<'_, ListedVersion<'_>>| {
        let Entry::Key(version) = entry else { return };
        if objects.len() == PER_PAGE {
            return;
        }
        last_key = version.key.to_owned();
        if version.is_latest && version.content.is_none() {
            objects.push(DeletedObject {
                key: version.key.to_owned(),
                mark: version.version.id.to_string(),
                deleted: Day(version.version.last_modified),
                by: version.version.owner.unwrap_or("nobody").to_owned(),
            });
        }
    });
    let more = next.await?.is_some() || objects.len() == PER_PAGE;
    Ok(page(&DeletedObjectsPage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Deleted objects"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        prefix,
        objects,
        next: more.then_some(last_key).filter(|key| !key.is_empty()),
    }))
}
