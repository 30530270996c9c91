//! Asking for a new tenancy, and for another quota of one that a person leads. Operators decide.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use identity::authority::Act;
use identity::request::MAX_REASON_CHARS;
use identity::{Actor, NewRequest, RequestKind};
use serde::Deserialize;
use types::TenancyName;
use types::size::{format_size, parse_size};

use super::service::find;
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "ask_tenancy.html")]
struct AskTenancyPage {
    layout: Layout,
    reason_chars: usize,
}

#[derive(Template)]
#[template(path = "ask_quota.html")]
struct AskQuotaPage {
    layout: Layout,
    name: String,
    used: String,
    quota: String,
    reason_chars: usize,
}

#[derive(Deserialize)]
struct TenancyForm {
    tenancy: String,
    description: String,
    #[serde(default)]
    project: String,
    quota: String,
    #[serde(default)]
    ends: String,
    reason: String,
}

#[derive(Deserialize)]
struct QuotaForm {
    quota: String,
    reason: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/services/new", get(ask_tenancy).post(submit_tenancy))
        .route("/services/{tenancy}/quota", get(ask_quota).post(submit_quota))
}

/// A date that a form holds; none where it is empty.
///
/// # Errors
/// [`PageError::Refused`].
pub(super) fn date_of_form(text: &str) -> Result<Option<types::Timestamp>, PageError> {
    match text.trim() {
        "" => Ok(None),
        text => types::Timestamp::parse_iso8601(text)
            .map(Some)
            .ok_or_else(|| PageError::Refused("Write the date as 2027-01-31, or nothing for never.".to_owned())),
    }
}

/// A size that a form holds; none where it is empty.
///
/// # Errors
/// [`PageError::Refused`].
pub(super) fn size_of_form(text: &str) -> Result<Option<u64>, PageError> {
    match text.trim() {
        "" => Ok(None),
        text => parse_size(text).map(Some).map_err(|error| PageError::refused(&error)),
    }
}

async fn ask_tenancy(view: View, signed_in: SignedIn) -> Response {
    let layout = view.layout(Some(&signed_in), Part::Services, "Ask for an object store");
    page(&AskTenancyPage { layout, reason_chars: MAX_REASON_CHARS })
}

async fn submit_tenancy(view: View, signed_in: SignedIn, Form(form): Form<TenancyForm>) -> Result<Response, PageError> {
    let tenancy = TenancyName::new(form.tenancy.trim()).map_err(|error| PageError::refused(&error))?;
    let kind = RequestKind::Tenancy {
        description: form.description.trim().replace("\r\n", "\n"),
        project: form.project.trim().to_owned(),
        quota_bytes: size_of_form(&form.quota)?,
        ends: date_of_form(&form.ends)?,
    };
    submit(&view, &signed_in, tenancy, kind, &form.reason).await
}

async fn ask_quota(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, name: &TenancyName) -> Result<AskQuotaPage, PageError> {
    let (portal, tenancy) = (&view.portal, find(&view.portal, name)?);
    let actor = Actor::Person(signed_in.user.clone());
    if !portal.identity.may(&actor, name, &Act::AskForQuota).await? {
        return Err(PageError::NotFound);
    }
    let used = portal.objects.tenancy_usage(name).await?;
    Ok(AskQuotaPage {
        layout: view.layout(Some(signed_in), Part::Services, "Ask for more quota"),
        name: name.to_string(),
        used: format_size(used.bytes),
        quota: tenancy.quota.hard.bytes.map_or_else(|| "no limit".to_owned(), format_size),
        reason_chars: MAX_REASON_CHARS,
    })
}

async fn submit_quota(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<QuotaForm>,
) -> Result<Response, PageError> {
    let bytes = size_of_form(&form.quota)?;
    let quota_bytes = bytes.ok_or_else(|| PageError::Refused("Say how much, such as 20 TiB.".to_owned()))?;
    submit(&view, &signed_in, tenancy, RequestKind::Quota { quota_bytes }, &form.reason).await
}

async fn submit(
    view: &View,
    signed_in: &SignedIn,
    tenancy: TenancyName,
    kind: RequestKind,
    reason: &str,
) -> Result<Response, PageError> {
    let new = NewRequest { tenancy, kind, reason: reason.trim().replace("\r\n", "\n") };
    let request = view.portal.identity.submit_request(&Actor::Person(signed_in.user.clone()), new).await?;
    Ok(done(&format!("/requests/{}/", request.id), "request-submitted"))
}
