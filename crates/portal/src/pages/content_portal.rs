//! `/_admin/portal`: the addresses and the words of Swarm's Content Portal, for people whose instructions name them.
//!
//! A *domain* is a tenancy. Its dashboard has what is stored, the bandwidth of the past month, and the top buckets; the cog
//! leads to *Properties*, *Permissions* and *Tokens*. All of it is what other pages of the portal show and do, too.

mod permissions;
mod properties;
mod tokens;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::HOST;
use types::TenancyName;
use types::size::format_size;

use super::usage::{self, TopBucket};
use crate::Portal;
use crate::chart::Bars;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown::grouped;
use crate::signed_in::SignedIn;

/// Where it is.
const ROOT: &str = "/_admin/portal";

#[derive(Template)]
#[template(path = "content_portal_domains.html")]
struct DomainsPage {
    layout: Layout,
    domains: Vec<String>,
}

#[derive(Template)]
#[template(path = "content_portal.html")]
struct DashboardPage {
    layout: Layout,
    tenancy: String,
    stored: String,
    bandwidth: String,
    contents: String,
    charts: Vec<Bars>,
    top: Vec<TopBucket>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(ROOT, get(async || Redirect::to("/_admin/portal/")))
        .route("/_admin/portal/", get(domains))
        .route("/_admin/portal/{tenancy}/", get(dashboard))
        .merge(properties::routes())
        .merge(permissions::routes())
        .merge(tokens::routes())
}

/// The domain that the host names, where the person belongs to it; else those that they may choose from.
async fn domains(view: View, signed_in: SignedIn, headers: HeaderMap) -> Response {
    let portal = &view.portal;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if let access::NamedTenancy::Known(tenancy) = portal.access.resolve_host(host).tenancy
        && signed_in.member_of(portal, &tenancy).is_ok()
    {
        return Redirect::to(&format!("{ROOT}/{tenancy}/")).into_response();
    }
    let all = portal.identity.tenancies().into_iter().map(|tenancy| tenancy.name.clone());
    let domains = all.filter(|name| signed_in.member_of(portal, name).is_ok()).map(|name| name.to_string()).collect();
    page(&DomainsPage { layout: view.layout(Some(&signed_in), Part::ObjectStores, "Domains"), domains })
}

async fn dashboard(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, tenancy: &TenancyName) -> Result<DashboardPage, PageError> {
    let past_month = usage::past_month(&view.portal, signed_in, tenancy).await?;
    Ok(DashboardPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, tenancy.as_str()),
        tenancy: tenancy.to_string(),
        stored: format_size(past_month.stored_bytes),
        bandwidth: format_size(past_month.bandwidth_bytes),
        contents: grouped(past_month.buckets as u64),
        charts: past_month.charts,
        top: past_month.top,
    })
}
