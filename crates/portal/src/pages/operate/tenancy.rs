//! One tenancy: what it is, and changing, ending and deleting it.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use identity::{Joining, Tenancy, TenancyChange, Visibility};
use policy::DefaultPolicy;
use serde::Deserialize;
use types::size::format_size;
use types::{TenancyName, Timestamp};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::pages::ask_resources::date_of_form;
use crate::pages::service::find;
use crate::shown::{Day, End, count};
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

#[derive(Template)]
#[template(path = "operate_tenancy.html")]
struct TenancyPage {
    layout: Layout,
    name: String,
    created: Day,
    ends: End,
    has_ended: bool,
    usage: String,
    members: String,
    /// What the form holds.
    summary: String,
    description: String,
    project: String,
    ends_on: String,
    endpoints: String,
    visibility: Visibility,
    joining: Joining,
    default_policy: DefaultPolicy,
}

#[derive(Deserialize)]
struct ChangeForm {
    summary: String,
    description: String,
    project: String,
    ends: String,
    /// Host names, one a line.
    endpoints: String,
    visibility: Visibility,
    joining: Joining,
    default_policy: DefaultPolicy,
}

#[derive(Deserialize)]
struct DeleteForm {
    /// The tenancy's name, typed once more.
    again: String,
}

#[derive(Deserialize)]
struct Nothing {}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/tenancies/{tenancy}/", get(show))
        .route("/operate/tenancies/{tenancy}/change", post(change))
        .route("/operate/tenancies/{tenancy}/end", post(end))
        .route("/operate/tenancies/{tenancy}/delete", post(delete))
}

async fn show(
    view: View,
    Operator(operator): Operator,
    Path(tenancy): Path<TenancyName>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, &tenancy).await?))
}

async fn assemble(view: &View, operator: &SignedIn, name: &TenancyName) -> Result<TenancyPage, PageError> {
    let (portal, tenancy) = (&view.portal, find(&view.portal, name)?);
    let now = portal.clock.now();
    let used = portal.objects.tenancy_usage(name).await?;
    let quota = tenancy.quota.hard.bytes.map_or_else(|| "no limit".to_owned(), format_size);
    let holders = portal.identity.holders(name, now).await?;
    Ok(TenancyPage {
        layout: view.layout(Some(operator), Part::Operate, name.as_str()),
        name: name.to_string(),
        created: Day(tenancy.created),
        ends: End(tenancy.ends),
        has_ended: tenancy.has_ended(now),
        usage: format!("{} of {quota} in {}", format_size(used.bytes), count(used.objects, "object")),
        members: count(holders.len() as u64, "member"),
        summary: tenancy.summary.clone(),
        description: tenancy.description.clone(),
        project: tenancy.project.clone(),
        ends_on: tenancy.ends.map(Timestamp::to_date).unwrap_or_default(),
        endpoints: tenancy.endpoints.join("\n"),
        visibility: tenancy.visibility,
        joining: tenancy.joining,
        default_policy: tenancy.default_policy,
    })
}

async fn change(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(name): Path<TenancyName>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, PageError> {
    let tenancy = find(&view.portal, &name)?;
    let change = changes(&tenancy, form)?;
    view.portal.identity.change_tenancy(&name, change).await?;
    Ok(done(&format!("/operate/tenancies/{name}/"), "tenancy-changed"))
}

/// What the form says that is not so already: a field that was not touched changes nothing.
fn changes(tenancy: &Tenancy, form: ChangeForm) -> Result<TenancyChange, PageError> {
    fn new<T: PartialEq>(given: T, held: &T) -> Option<T> {
        Some(given).filter(|given| given != held)
    }
    // The form has the day alone; the moment of one that stays the same is kept.
    let is_same_day = tenancy.ends.map(Timestamp::to_date).unwrap_or_default() == form.ends.trim();
    Ok(TenancyChange {
        description: new(form.description.trim().replace("\r\n", "\n"), &tenancy.description),
        quota_bytes: None,
        default_policy: new(form.default_policy, &tenancy.default_policy),
        endpoints: new(form.endpoints.split_whitespace().map(str::to_owned).collect(), &tenancy.endpoints),
        summary: new(form.summary.trim().to_owned(), &tenancy.summary),
        project: new(form.project.trim().to_owned(), &tenancy.project),
        ends: if is_same_day { None } else { Some(date_of_form(&form.ends)?) },
        visibility: new(form.visibility, &tenancy.visibility),
        joining: new(form.joining, &tenancy.joining),
    })
}

/// Ends a tenancy now: it is suspended until it is given another end.
async fn end(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(name): Path<TenancyName>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    let change = TenancyChange { ends: Some(Some(view.portal.clock.now())), ..TenancyChange::default() };
    view.portal.identity.change_tenancy(&name, change).await?;
    Ok(done(&format!("/operate/tenancies/{name}/"), "tenancy-ended"))
}

async fn delete(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(name): Path<TenancyName>,
    Form(DeleteForm { again }): Form<DeleteForm>,
) -> Result<Response, PageError> {
    if again.trim() != name.as_str() {
        return Err(PageError::Refused(format!("Nothing was deleted: type the name {name} to do it.")));
    }
    view.portal.identity.delete_tenancy(&name).await?;
    Ok(done("/operate/tenancies/", "tenancy-deleted"))
}
