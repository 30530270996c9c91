//! One object: what is known of it, what it looks like, its versions, and what can be done with it.
//!
//! The name of the page is the key, and where it names a version, that one. What an object of a deleted key has left are its
//! versions, from which it can be restored.

use access::{ActionType, Grant, ObjectTarget, action};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use objects::listing::{Entry, Filter, ListVersions, ListedVersion};
use objects::object::{CopyRequest, Head, MetadataDirective, Read, ReadRequest};
use objects::{Bucket, SeenObject, Versioning};
use policy::{Existence, Facts, Resource};
use serde::Deserialize;
use types::size::format_size;
use types::{BucketName, ChecksumType, Conditions, ObjectKey, TenancyName, VersionId};

use super::buckets::{facts, find, grant, target};
use super::preview::{self, Preview};
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::links::store_for_others;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, grouped};
use crate::signed_in::{Member, SignedIn};

/// The most versions on the page.
const VERSIONS: usize = 100;

#[derive(Template)]
#[template(path = "object.html")]
struct ObjectPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    key: String,
    /// The key without its folder.
    name: String,
    /// The folder, with its `/`.
    folder: String,
    crumbs: Vec<(String, String)>,
    /// The version that was asked for.
    version: Option<String>,
    /// `None` where the key is deleted.
    details: Option<Details>,
    preview: Preview,
    versions: Vec<Version>,
    keeps_versions: bool,
    /// `s3://bucket/key`.
    s3_url: String,
    https_url: Option<String>,
}

struct Details {
    size: String,
    bytes: String,
    modified: Day,
    owner: String,
    etag: String,
    checksum: Option<String>,
    storage_class: String,
    version: Option<String>,
    parts: u16,
    /// Names and values of what travels with it.
    metadata: Vec<(String, String)>,
}

struct Version {
    id: String,
    is_latest: bool,
    is_marker: bool,
    modified: Day,
    size: String,
    owner: String,
}

/// What a page or a form is about.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) key: String,
    #[serde(default)]
    pub(super) version: String,
}

impl Named {
    /// The key, and the version where one is named.
    ///
    /// # Errors
    /// [`PageError::NotFound`] for what can be none.
    pub(super) fn parse(&self) -> Result<(ObjectKey, Option<VersionId>), PageError> {
        let key = ObjectKey::new(&self.key).map_err(|_| PageError::NotFound)?;
        let version = match self.version.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| PageError::NotFound)?),
        };
        Ok((key, version))
    }
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/object", get(show))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/restore", post(restore))
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/delete-version", post(delete_version))
}

/// The address of an object's page.
pub(super) fn path_of(tenancy: &TenancyName, bucket: &BucketName, key: &str) -> String {
    let key = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
    format!("/object-stores/{tenancy}/buckets/{bucket}/objects/object?key={key}")
}

/// Leave to do `A` to an object or to a place for one, and the object that the decision rests on.
///
/// # Errors
/// Where the person may not, and the engine's.
pub(super) async fn object_grant<A>(
    portal: &Portal,
    member: &Member,
    bucket: &Bucket,
    key: &ObjectKey,
    version: Option<VersionId>,
) -> Result<(Grant<A>, Option<SeenObject>), PageError>
where
    A: ActionType<Target = ObjectTarget>,
{
    let object = ObjectTarget { bucket: target(bucket), key: key.clone(), version };
    let seen = portal.objects.look_up(object.clone()).await?;
    let known = seen.as_ref().and_then(SeenObject::facts);
    let facts = Facts {
        resource: Resource::Object { bucket: &bucket.name, key, version: None },
        object: known,
        existence: Existence::of(known.is_some()),
        ..facts(bucket)
    };
    let grant = portal.access.authorize::<A>(&member.principal, object, facts)?;
    Ok((grant, seen))
}

/// The object that a request names, opened for reading, with its key.
///
/// # Errors
/// Where there is none, the person may not read it, and the engine's.
pub(super) async fn open(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    bucket: &BucketName,
    named: &Named,
) -> Result<(ObjectKey, Read), PageError> {
    let (key, version) = named.parse()?;
    let (member, bucket) = find(portal, signed_in, tenancy, bucket).await?;
    let (grant, seen) = object_grant::<action::GetObject>(portal, &member, &bucket, &key, version).await?;
    let read = portal.objects.get_object(&grant, &ReadRequest::default(), seen).await?;
    Ok((key, read))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy, &bucket, &named).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    named: &Named,
) -> Result<ObjectPage, PageError> {
    let portal = &view.portal;
    let (key, version) = named.parse()?;
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    let versions = versions_of(portal, &member, &bucket, &key).await?;
    let (grant, seen) = object_grant::<action::GetObject>(portal, &member, &bucket, &key, version).await?;
    let there = seen.as_ref().is_some_and(|seen| seen.facts().is_some());
    let head = match there {
        true => Some(portal.objects.head_object(&grant, &ReadRequest::default(), seen).await?),
        false if versions.is_empty() || version.is_some() => return Err(PageError::NotFound),
        false => None,
    };
    let preview = match &head {
        Some(head) => preview::of(portal, &grant, &key, &head.info).await?,
        None => Preview::None,
    };
    let (folder, short) = key.as_str().split_at(key.as_str().rfind('/').map_or(0, |slash| slash + 1));
    let (folder, short) = (folder.to_owned(), if short.is_empty() { key.as_str() } else { short }.to_owned());
    let encoded = percent_encoding::utf8_percent_encode(key.as_str(), PATH).to_string();
    Ok(ObjectPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, &short),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        name: short,
        crumbs: super::browser::crumbs(&folder),
        folder,
        version: version.map(|version| version.to_string()),
        details: head.map(details),
        preview,
        versions,
        keeps_versions: bucket.versioning != Versioning::Unversioned,
        s3_url: format!("s3://{name}/{key}"),
        https_url: store_for_others(view, tenancy).map(|store| format!("{store}/{name}/{encoded}")),
        key: key.to_string(),
    })
}

/// What stays as it is in the path of an address.
const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn details(head: Head) -> Details {
    let info = head.info;
    let checksum = info.checksum.map(|checksum| {
        let parts = if checksum.kind == ChecksumType::Composite { " of its parts" } else { "" };
        format!("{}{parts}: {}", checksum.value.algorithm.name(), checksum.value.to_base64())
    });
    let metadata = info.metadata;
    let headers = [
        ("Content-Type", metadata.content_type),
        ("Content-Encoding", metadata.content_encoding),
        ("Content-Disposition", metadata.content_disposition),
        ("Content-Language", metadata.content_language),
        ("Cache-Control", metadata.cache_control),
        ("Expires", metadata.expires),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let of_user = metadata.user.into_iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    Details {
        size: format_size(info.size),
        bytes: grouped(info.size),
        modified: Day(info.last_modified),
        owner: info.owner.map_or_else(|| "nobody".to_owned(), |owner| owner.to_string()),
        etag: info.etag.to_string(),
        checksum,
        storage_class: metadata.storage_class.unwrap_or_else(|| "STANDARD".to_owned()),
        version: head.version.map(|version| version.to_string()),
        parts: info.etag.parts,
        metadata: headers.chain(of_user).collect(),
    }
}

/// The versions of a key, where the person may see them.
async fn versions_of(
    portal: &Portal,
    member: &Member,
    bucket: &Bucket,
    key: &ObjectKey,
) -> Result<Vec<Version>, PageError> {
    let Ok(grant) = grant::<action::ListBucketVersions>(portal, member, bucket) else { return Ok(Vec::new()) };
    let filter = Filter { prefix: key.to_string(), delimiter: String::new(), max_keys: VERSIONS };
    let request = ListVersions { filter, ..ListVersions::default() };
    let mut versions = Vec::new();
    let listed = portal.objects.list_versions(&grant, &request, |entry: Entry<'_, ListedVersion<'_>>| {
        if let Entry::Key(version) = entry
            && version.key == key.as_str()
        {
            versions.push(Version {
                id: version.version.id.to_string(),
                is_latest: version.is_latest,
                is_marker: version.content.is_none(),
                modified: Day(version.version.last_modified),
                size: version.content.map_or_else(String::new, |content| format_size(content.size)),
                owner: version.version.owner.unwrap_or("nobody").to_owned(),
            });
        }
    });
    listed.await?;
    Ok(versions)
}

/// Makes an older version the current one, as a new version; or takes away the mark that the key is deleted.
async fn restore(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(named): Form<Named>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let (key, version) = named.parse()?;
    let version = version.ok_or(PageError::NotFound)?;
    let (member, bucket) = find(portal, &signed_in, &tenancy, &name).await?;
    let (source, seen) = object_grant::<action::GetObject>(portal, &member, &bucket, &key, Some(version)).await?;
    match seen {
        Some(seen) if seen.facts().is_some() => {
            let (into, _) = object_grant::<action::PutObject>(portal, &member, &bucket, &key, None).await?;
            portal.objects.copy_object(&source, &into, copy()).await?;
        }
        Some(_) => {
            let (grant, _) =
                object_grant::<action::DeleteObject>(portal, &member, &bucket, &key, Some(version)).await?;
            portal.objects.delete_object(&grant, &Conditions::default()).await?;
        }
        None => return Err(PageError::NotFound),
    }
    Ok(done(&path_of(&tenancy, &name, &named.key), "restored"))
}

fn copy() -> CopyRequest {
    CopyRequest {
        metadata: MetadataDirective::Copy,
        storage_class: None,
        acl: None,
        source_conditions: Conditions::default(),
        conditions: Conditions::default(),
        checksum_algorithm: None,
    }
}

/// Deletes one version for good.
async fn delete_version(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(named): Form<Named>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let (key, version) = named.parse()?;
    let version = version.ok_or(PageError::NotFound)?;
    let (member, bucket) = find(portal, &signed_in, &tenancy, &name).await?;
    let (grant, seen) = object_grant::<action::DeleteObject>(portal, &member, &bucket, &key, Some(version)).await?;
    if seen.is_none() {
        return Err(PageError::NotFound);
    }
    portal.objects.delete_object(&grant, &Conditions::default()).await?;
    let is_last = versions_of(portal, &member, &bucket, &key).await?.is_empty();
    let back = if is_last {
        format!("/object-stores/{tenancy}/buckets/{name}/objects/")
    } else {
        path_of(&tenancy, &name, &named.key)
    };
    Ok(done(&back, "version-deleted"))
}
