//! One bucket: what is known of it, keeping versions, the pages that may ask it ([`super::cors`]), and deleting it.

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use objects::Versioning;
use types::size::format_size;
use types::{BucketName, TenancyName};

use super::buckets::{find, is_public, may};
use super::cors::{self, CorsPreset, ShownRule};
use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown::{Day, grouped};
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "bucket.html")]
struct BucketPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    owner: String,
    created: Day,
    size: String,
    objects: String,
    versions: String,
    is_public: bool,
    keeps_versions: bool,
    /// The addresses, inside and from anywhere.
    urls: Vec<String>,
    can_set_versioning: bool,
    can_delete: bool,
    /// The rules of CORS, where the person may see them.
    cors: Option<Vec<ShownRule>>,
    cors_preset: Option<CorsPreset>,
    /// The sites that may upload.
    cors_sites: String,
    can_set_cors: bool,
    has_index: bool,
    can_set_index: bool,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/", get(show))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy, &bucket).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
) -> Result<BucketPage, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    if !may::<action::ListBucket>(portal, &member, &bucket) && !may::<action::GetBucketPolicy>(portal, &member, &bucket)
    {
        return Err(PageError::NotFound);
    }
    let usage = portal.objects.bucket_usage(&bucket).await?;
    let urls = [portal.site.internal_url(tenancy.as_str()), portal.site.external_url(tenancy.as_str())];
    let versions = match bucket.versioning {
        Versioning::Enabled => "kept",
        Versioning::Suspended => "not kept any more",
        Versioning::Unversioned => "not kept",
    };
    Ok(BucketPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, name.as_str()),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        owner: bucket.owner.to_string(),
        created: Day(bucket.created),
        size: format_size(usage.bytes),
        objects: grouped(usage.objects),
        versions: versions.to_owned(),
        is_public: is_public(&bucket),
        keeps_versions: bucket.versioning == Versioning::Enabled,
        urls: urls.into_iter().flatten().map(|url| format!("{url}/{name}")).collect(),
        can_set_versioning: may::<action::PutBucketVersioning>(portal, &member, &bucket),
        can_delete: may::<action::DeleteBucket>(portal, &member, &bucket),
        cors: may::<action::GetBucketCORS>(portal, &member, &bucket).then(|| cors::shown(&bucket)),
        cors_preset: cors::preset_of(&bucket),
        cors_sites: cors::sites_of(&bucket),
        can_set_cors: may::<action::PutBucketCORS>(portal, &member, &bucket),
        has_index: bucket.public_index,
        can_set_index: may::<action::PutBucketWebsite>(portal, &member, &bucket),
    })
}
