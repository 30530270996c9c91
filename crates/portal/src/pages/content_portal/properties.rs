//! *Properties* of a domain: whose it is, where it is, how it keeps objects, and its quota.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use identity::{Act, Actor};
use policy::{DefaultPolicy, Role};
use types::TenancyName;
use types::size::format_size;

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown::{Day, End};
use crate::signed_in::SignedIn;

/// The most managers that are named.
const MANAGERS: usize = 100;

#[derive(Template)]
#[template(path = "content_portal_properties.html")]
struct PropertiesPage {
    layout: Layout,
    tenancy: String,
    description: String,
    domains: Vec<String>,
    owners: Vec<String>,
    created: Day,
    ends: End,
    used: String,
    quota: Option<String>,
    action: String,
    default_policy: &'static str,
}

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/_admin/portal/{tenancy}/properties", get(show))
}

async fn show(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, name: &TenancyName) -> Result<PropertiesPage, PageError> {
    let portal = &view.portal;
    signed_in.member_of(portal, name)?;
    let tenancy = portal.identity.tenancy(name).ok_or(PageError::NotFound)?;
    let actor = Actor::Person(signed_in.user.clone());
    let owners = match portal.identity.may(&actor, name, &Act::SeeManagers).await? {
        true => managers(portal, name).await?,
        false => Vec::new(),
    };
    let domains = portal.access.domains();
    let usual = domains.internal().iter().chain(domains.external()).map(|domain| format!("{name}.{domain}"));
    Ok(PropertiesPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Properties"),
        description: tenancy.description.clone(),
        domains: usual.chain(tenancy.endpoints.iter().cloned()).collect(),
        owners,
        created: Day(tenancy.created),
        ends: End(tenancy.ends),
        used: format_size(portal.objects.tenancy_usage(name).await?.bytes),
        quota: tenancy.quota.hard.bytes.map(format_size),
        action: tenancy.quota.action_at(portal.clock.now()).to_string(),
        default_policy: match tenancy.default_policy {
            DefaultPolicy::Owner => "Members reach the buckets that they own, and those that are shared with them.",
            DefaultPolicy::Members => "Every member reaches every bucket.",
        },
        tenancy: name.to_string(),
    })
}

/// The managers and deputies now.
async fn managers(portal: &Portal, name: &TenancyName) -> Result<Vec<String>, PageError> {
    let now = portal.clock.now();
    let leads = |role| matches!(role, Role::Manager | Role::Deputy);
    let roles = portal.identity.roles(name, MANAGERS * 100).await?.into_iter();
    let mut names: Vec<String> =
        roles.filter(|grant| leads(grant.role) && grant.is_active(now)).map(|grant| grant.user.to_string()).collect();
    names.dedup();
    names.truncate(MANAGERS);
    Ok(names)
}
