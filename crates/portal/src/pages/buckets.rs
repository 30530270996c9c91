//! *Buckets*: those of a tenancy that the person may look into, to make, to delete, and to keep versions in.

use std::sync::Arc;

use access::{ActionType, BucketTarget, Denied, Grant, NewBucketTarget, action};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use objects::{Bucket, NewBucket, Versioning};
use policy::{Facts, Principal, Resource};
use serde::Deserialize;
use types::size::format_size;
use types::{BucketName, TenancyName};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, grouped};
use crate::signed_in::{Member, SignedIn};

/// The most buckets on the page; the search finds the others.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "buckets.html")]
struct BucketsPage {
    layout: Layout,
    tenancy: String,
    search: String,
    buckets: Vec<Row>,
    /// How many there are that the search leaves.
    found: usize,
}

struct Row {
    name: String,
    owner: String,
    size: String,
    objects: String,
    created: Day,
    is_public: bool,
    versions: bool,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    search: String,
}

#[derive(Deserialize)]
struct Named {
    bucket: BucketName,
}

#[derive(Deserialize)]
struct VersioningForm {
    bucket: BucketName,
    versioning: Switch,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Switch {
    On,
    Off,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/", get(show))
        .route("/object-stores/{tenancy}/buckets/create", post(create))
        .route("/object-stores/{tenancy}/buckets/delete", post(delete))
        .route("/object-stores/{tenancy}/buckets/versioning", post(set_versioning))
}

fn list_path(tenancy: &TenancyName) -> String {
    format!("/object-stores/{tenancy}/buckets/")
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Query(Search { search }): Query<Search>,
) -> Result<Response, PageError> {
    let search = search.trim().to_owned();
    let rows = rows(&view.portal, &signed_in, &tenancy, &search).await?;
    let (buckets, found) = rows;
    Ok(page(&BucketsPage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Buckets"),
        tenancy: tenancy.to_string(),
        search,
        buckets,
        found,
    }))
}

/// The buckets of a tenancy, whoever may look into them.
///
/// # Errors
/// Where the person does not belong to it, and the engine's.
pub(super) async fn listed(portal: &Portal, principal: &Arc<Principal>) -> Result<Vec<Arc<Bucket>>, PageError> {
    let grant = portal.access.authorize_on_tenancy::<action::ListAllMyBuckets>(principal)?;
    Ok(portal.objects.list_buckets(&grant).await?)
}

async fn rows(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    search: &str,
) -> Result<(Vec<Row>, usize), PageError> {
    let member = signed_in.member_of(portal, tenancy)?;
    let mut buckets = listed(portal, &member.principal).await?;
    buckets
        .retain(|bucket| bucket.name.as_str().contains(search) && may::<action::ListBucket>(portal, &member, bucket));
    let found = buckets.len();
    let mut rows = Vec::with_capacity(found.min(SHOWN));
    for bucket in buckets.iter().take(SHOWN) {
        let usage = portal.objects.bucket_usage(bucket).await?;
        rows.push(Row {
            name: bucket.name.to_string(),
            owner: bucket.owner.to_string(),
            size: format_size(usage.bytes),
            objects: grouped(usage.objects),
            created: Day(bucket.created),
            is_public: is_public(bucket),
            versions: bucket.versioning == Versioning::Enabled,
        });
    }
    Ok((rows, found))
}

pub(super) fn target(bucket: &Bucket) -> BucketTarget {
    BucketTarget { tenancy: bucket.tenancy.clone(), bucket: bucket.name.clone(), bucket_id: bucket.id }
}

pub(super) fn facts(bucket: &Bucket) -> Facts<'_> {
    Facts { bucket: Some(bucket.facts()), ..Facts::about(Resource::Bucket(&bucket.name)) }
}

/// Whether anybody without a name can read it.
pub(super) fn is_public(bucket: &Bucket) -> bool {
    bucket.policy.as_ref().is_some_and(|policy| policy.is_public()) || bucket.acl.is_public()
}

/// A grant for a bucket.
///
/// # Errors
/// Where the person may not.
pub(super) fn grant<A>(portal: &Portal, member: &Member, bucket: &Bucket) -> Result<Grant<A>, Denied>
where
    A: ActionType<Target = BucketTarget>,
{
    portal.access.authorize::<A>(&member.principal, target(bucket), facts(bucket))
}

/// Whether the person may, so that a page shows what can be done.
pub(super) fn may<A>(portal: &Portal, member: &Member, bucket: &Bucket) -> bool
where
    A: ActionType<Target = BucketTarget>,
{
    grant::<A>(portal, member, bucket).is_ok()
}

async fn create(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(Named { bucket }): Form<Named>,
) -> Result<Response, PageError> {
    let member = signed_in.member_of(&view.portal, &tenancy)?;
    bucket.check_for_creation().map_err(|error| PageError::Refused(error.to_string()))?;
    let target = NewBucketTarget { tenancy: tenancy.clone(), bucket: bucket.clone() };
    let facts = Facts::about(Resource::Bucket(&bucket));
    let grant = view.portal.access.authorize::<action::CreateBucket>(&member.principal, target, facts)?;
    view.portal.objects.create_bucket(&grant, NewBucket::default()).await?;
    Ok(done(&list_path(&tenancy), "bucket-created"))
}

async fn delete(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(Named { bucket }): Form<Named>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &bucket).await?;
    let grant = grant::<action::DeleteBucket>(&view.portal, &member, &bucket)?;
    view.portal.objects.delete_bucket(&grant).await?;
    Ok(done(&list_path(&tenancy), "bucket-deleted"))
}

async fn set_versioning(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(VersioningForm { bucket, versioning }): Form<VersioningForm>,
) -> Result<Response, PageError> {
    let (to, said) = match versioning {
        Switch::On => (Versioning::Enabled, "versioning-on"),
        Switch::Off => (Versioning::Suspended, "versioning-off"),
    };
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &bucket).await?;
    let grant = grant::<action::PutBucketVersioning>(&view.portal, &member, &bucket)?;
    view.portal.objects.put_bucket_versioning(&grant, to).await?;
    Ok(done(&format!("{}{}/", list_path(&tenancy), bucket.name), said))
}

/// A bucket of a tenancy that the person belongs to.
pub(super) async fn find(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    bucket: &BucketName,
) -> Result<(Member, Arc<Bucket>), PageError> {
    let member = signed_in.member_of(portal, tenancy)?;
    let found = portal.objects.find_bucket(tenancy, bucket).await?.ok_or(PageError::NotFound)?;
    Ok((member, found))
}
