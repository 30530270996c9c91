//! The tenancies that a person belongs to, and where each is reached.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use policy::Role;
use types::size::format_size;

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "object_stores.html")]
struct ObjectStoresPage {
    layout: Layout,
    stores: Vec<Store>,
}

struct Store {
    name: String,
    description: String,
    role: Role,
    internal_url: Option<String>,
    external_url: Option<String>,
    usage: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/", get(show))
}

async fn show(view: View, signed_in: SignedIn) -> Result<Response, PageError> {
    let stores = stores(&view, &signed_in).await?;
    let layout = view.layout(Some(&signed_in), Part::ObjectStores, "Object Stores");
    Ok(page(&ObjectStoresPage { layout, stores }))
}

async fn stores(view: &View, signed_in: &SignedIn) -> Result<Vec<Store>, PageError> {
    let portal = &view.portal;
    let mut stores = Vec::new();
    for tenancy in portal.identity.tenancies() {
        let Ok(member) = signed_in.member_of(portal, &tenancy.name) else { continue };
        let usage = portal.objects.tenancy_usage(&tenancy.name).await?;
        let used = format_size(usage.bytes);
        let quota = tenancy.quota.hard.bytes.map_or_else(String::new, |quota| format!(" of {}", format_size(quota)));
        let (site, name) = (&portal.site, tenancy.name.as_str());
        stores.push(Store {
            name: name.to_owned(),
            description: tenancy.description.clone(),
            role: member.role,
            internal_url: site.internal_url(name),
            external_url: site.external_url(name),
            usage: format!("{used}{quota} in {}", shown::count(usage.objects, "object")),
        });
    }
    Ok(stores)
}
