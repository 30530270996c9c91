//! *View Bucket Policies*: the statements of a bucket's policy in words, to edit and to delete.

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use types::{BucketName, TenancyName};

use super::buckets::{find, may};
use super::edit_policy::{Draft, editable, etag_of, preview};
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page};
use crate::signed_in::{Confirmed, SignedIn};
use crate::statement::{self, Shown};

#[derive(Template)]
#[template(path = "view_policies.html")]
struct ViewPoliciesPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    statements: Vec<Shown>,
    has_policy: bool,
    etag: String,
    can_change: bool,
    can_delete: bool,
}

#[derive(Deserialize)]
struct Chosen {
    index: usize,
    #[serde(default)]
    etag: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/", get(show))
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/remove", post(remove))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy, &name).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
) -> Result<ViewPoliciesPage, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    if !may::<action::GetBucketPolicy>(portal, &member, &bucket) {
        return Err(PageError::NotFound);
    }
    Ok(ViewPoliciesPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Bucket policies"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        statements: bucket.policy.as_ref().map(|policy| statement::all(policy.document())).unwrap_or_default(),
        has_policy: bucket.policy.is_some(),
        etag: etag_of(&bucket),
        can_change: may::<action::PutBucketPolicy>(portal, &member, &bucket),
        can_delete: may::<action::DeleteBucketPolicy>(portal, &member, &bucket),
    })
}

/// Shows the policy without a statement, to be saved.
async fn remove(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(Chosen { index, etag }): Form<Chosen>,
) -> Result<Response, PageError> {
    let (_, bucket) = editable(&view.portal, &signed_in, &tenancy, &name).await?;
    if etag != etag_of(&bucket) {
        let text = "Somebody else changed the policy since you looked at it. Nothing was removed: look again.";
        return Err(PageError::Refused(text.to_owned()));
    }
    let policy = bucket.policy.as_ref().ok_or(PageError::NotFound)?;
    let document = statement::without(policy.document(), name.as_str(), index);
    preview(&view, &signed_in, &bucket, Draft { document, etag }, None).await
}
