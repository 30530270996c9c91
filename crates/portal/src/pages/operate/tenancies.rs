//! All tenancies, hidden ones too, and making one.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use identity::{Joining, NewTenancy, Tenancy, Visibility};
use policy::DefaultPolicy;
use serde::Deserialize;
use types::size::format_size;
use types::{TenancyName, UserName};

use crate::Portal;
use crate::audited::Made;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::pages::ask_resources::{date_of_form, size_of_form};
use crate::pages::services::summary;
use crate::paging::{self, Pages};
use crate::shown::End;
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

/// How many tenancies a page shows.
const PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "operate_tenancies.html")]
struct TenanciesPage {
    layout: Layout,
    search: String,
    tenancies: Vec<Row>,
    paging: Pages,
}

struct Row {
    name: String,
    summary: String,
    used: String,
    quota: String,
    ends: End,
    has_ended: bool,
    is_hidden: bool,
}

#[derive(Template)]
#[template(path = "operate_new_tenancy.html")]
struct NewTenancyPage {
    layout: Layout,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    search: String,
    #[serde(default)]
    page: usize,
}

#[derive(Deserialize)]
struct NewForm {
    tenancy: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    quota: String,
    #[serde(default)]
    ends: String,
    #[serde(default)]
    manager: String,
    #[serde(default)]
    default_policy: DefaultPolicy,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operate/tenancies/", get(show)).route("/operate/tenancies/new", get(ask).post(create))
}

async fn show(view: View, Operator(operator): Operator, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, wanted).await?))
}

async fn assemble(view: &View, operator: &SignedIn, wanted: Wanted) -> Result<TenanciesPage, PageError> {
    let (portal, search) = (&view.portal, wanted.search.trim().to_lowercase());
    let is_found = |tenancy: &Tenancy| {
        let texts = [tenancy.name.as_str(), &tenancy.summary, &tenancy.description, &tenancy.project];
        texts.iter().any(|text| text.to_lowercase().contains(&search))
    };
    let found = portal.identity.tenancies().into_iter().filter(|tenancy| is_found(tenancy)).collect();
    let (tenancies, paging) = paging::cut(found, wanted.page, PER_PAGE);
    let (mut rows, now) = (Vec::with_capacity(tenancies.len()), portal.clock.now());
    for tenancy in &tenancies {
        let used = portal.objects.tenancy_usage(&tenancy.name).await?;
        rows.push(Row {
            name: tenancy.name.to_string(),
            summary: summary(tenancy).to_owned(),
            used: format_size(used.bytes),
            quota: tenancy.quota.hard.bytes.map_or_else(|| "no limit".to_owned(), format_size),
            ends: End(tenancy.ends),
            has_ended: tenancy.has_ended(now),
            is_hidden: tenancy.visibility == Visibility::Hidden,
        });
    }
    Ok(TenanciesPage {
        layout: view.layout(Some(operator), Part::Operate, "Tenancies"),
        search: wanted.search.trim().to_owned(),
        tenancies: rows,
        paging,
    })
}

async fn ask(view: View, ConfirmedOperator(operator): ConfirmedOperator) -> Response {
    page(&NewTenancyPage { layout: view.layout(Some(&operator), Part::Operate, "Create a tenancy") })
}

async fn create(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Form(form): Form<NewForm>,
) -> Result<Response, PageError> {
    let tenancy = view.portal.identity.create_tenancy(new_tenancy(form)?).await?;
    let mut response = done(&format!("/operate/tenancies/{}/", tenancy.name), "tenancy-created");
    response.extensions_mut().insert(Made(tenancy.name.to_string()));
    Ok(response)
}

fn new_tenancy(form: NewForm) -> Result<NewTenancy, PageError> {
    let manager = Some(form.manager.trim()).filter(|name| !name.is_empty());
    Ok(NewTenancy {
        name: TenancyName::new(form.tenancy.trim()).map_err(|error| PageError::refused(&error))?,
        description: form.description.trim().to_owned(),
        quota_bytes: size_of_form(&form.quota)?,
        default_policy: form.default_policy,
        endpoints: Vec::new(),
        summary: form.summary.trim().to_owned(),
        project: form.project.trim().to_owned(),
        ends: date_of_form(&form.ends)?,
        visibility: Visibility::default(),
        joining: Joining::default(),
        manager: manager.map(UserName::new).transpose().map_err(|error| PageError::refused(&error))?,
    })
}
