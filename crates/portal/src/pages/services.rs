//! *Services*: the tenancies that a person can find, and those that they belong to.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use identity::Tenancy;
use policy::Role;
use serde::Deserialize;

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::paging::{self, Pages};
use crate::signed_in::SignedIn;

/// How many tenancies a page shows.
const PER_PAGE: usize = 20;

#[derive(Template)]
#[template(path = "services.html")]
struct ServicesPage {
    layout: Layout,
    search: String,
    /// Whether only the person's own are shown.
    mine: bool,
    services: Vec<Service>,
    paging: Pages,
}

struct Service {
    name: String,
    summary: String,
    role: Option<Role>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    search: String,
    #[serde(default)]
    page: usize,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/services/", get(discover)).route("/services/my/", get(mine))
}

async fn discover(view: View, signed_in: SignedIn, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    show(&view, &signed_in, wanted, false).await
}

async fn mine(view: View, signed_in: SignedIn, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    show(&view, &signed_in, wanted, true).await
}

async fn show(view: &View, signed_in: &SignedIn, wanted: Wanted, mine: bool) -> Result<Response, PageError> {
    let search = wanted.search.trim().to_lowercase();
    let now = view.portal.clock.now();
    let shown = view.portal.identity.tenancies_shown_to(&signed_in.user).await?;
    let is_found = |tenancy: &Tenancy| {
        let texts = [tenancy.name.as_str(), &tenancy.summary, &tenancy.description];
        texts.iter().any(|text| text.to_lowercase().contains(&search))
    };
    let all = shown.iter().map(|tenancy| (tenancy, signed_in.standing.role_in(&tenancy.name, now)));
    let found = all.filter(|(tenancy, role)| is_found(tenancy) && (!mine || role.is_some())).collect();
    let (services, paging) = paging::cut(found, wanted.page, PER_PAGE);
    let services = services.into_iter().map(|(tenancy, role)| Service {
        name: tenancy.name.to_string(),
        summary: summary(tenancy).to_owned(),
        role,
    });
    Ok(page(&ServicesPage {
        layout: view.layout(Some(signed_in), Part::Services, if mine { "My services" } else { "Discover services" }),
        search: wanted.search.trim().to_owned(),
        mine,
        services: services.collect(),
        paging,
    }))
}

/// One line about a tenancy.
pub(super) fn summary(tenancy: &Tenancy) -> &str {
    if tenancy.summary.is_empty() { tenancy.description.lines().next().unwrap_or_default() } else { &tenancy.summary }
}
