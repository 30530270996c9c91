//! *Permissions* of a domain: what its members may do by default, and the policy of each bucket.

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use policy::DefaultPolicy;
use types::TenancyName;

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::pages::buckets;
use crate::signed_in::SignedIn;

/// The most buckets on the page.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "content_portal_permissions.html")]
struct PermissionsPage {
    layout: Layout,
    tenancy: String,
    members_reach_all: bool,
    buckets: Vec<Row>,
    truncated: bool,
}

struct Row {
    name: String,
    owner: String,
    has_policy: bool,
    is_public: bool,
}

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/_admin/portal/{tenancy}/permissions", get(show))
}

async fn show(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, name: &TenancyName) -> Result<PermissionsPage, PageError> {
    let portal = &view.portal;
    let member = signed_in.member_of(portal, name)?;
    let tenancy = portal.identity.tenancy(name).ok_or(PageError::NotFound)?;
    let mut found = buckets::listed(portal, &member.principal).await?;
    found.retain(|bucket| buckets::may::<action::GetBucketPolicy>(portal, &member, bucket));
    let truncated = found.len() > SHOWN;
    let rows = found.iter().take(SHOWN).map(|bucket| Row {
        name: bucket.name.to_string(),
        owner: bucket.owner.to_string(),
        has_policy: bucket.policy.is_some(),
        is_public: buckets::is_public(bucket),
    });
    Ok(PermissionsPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Permissions"),
        tenancy: name.to_string(),
        members_reach_all: tenancy.default_policy == DefaultPolicy::Members,
        buckets: rows.collect(),
        truncated,
    })
}
