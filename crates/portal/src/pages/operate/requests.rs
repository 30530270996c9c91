//! Requests for tenancies and quotas, which operators decide on; and those for roles, which managers do and operators can.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use identity::{Actor, Request, RequestFilter, RequestId, RequestKind, RequestState};
use serde::Deserialize;

use crate::Portal;
use crate::acting::Acting;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page};
use crate::pages::requests::{ApproveForm, Decision, Of, ReasonForm, decide, show_request};
use crate::pages::service::RequestRow;
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

/// The most requests of each list.
const SHOWN: usize = 200;
/// The most requests that are looked at for it.
const LOOKED_AT: usize = 10_000;

#[derive(Template)]
#[template(path = "operate_requests.html")]
struct RequestsPage {
    layout: Layout,
    /// Where each request's page is below.
    below: &'static str,
    state: String,
    resources: Vec<RequestRow>,
    roles: Vec<RequestRow>,
    truncated: bool,
}

#[derive(Deserialize)]
struct Wanted {
    /// A state; those that are open where it is empty.
    #[serde(default)]
    state: String,
}

/// The states of requests that have ended, as the page offers them.
const ENDED: [RequestState; 3] = [RequestState::Approved, RequestState::Rejected, RequestState::Withdrawn];

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/requests/", get(list))
        .route("/operate/requests/{tenancy}/{number}/", get(show))
        .route("/operate/requests/{tenancy}/{number}/approve", post(approve))
        .route("/operate/requests/{tenancy}/{number}/reject", post(reject))
        .route("/operate/requests/{tenancy}/{number}/ask", post(ask))
}

async fn list(view: View, Operator(operator): Operator, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, wanted).await?))
}

async fn assemble(view: &View, operator: &SignedIn, Wanted { state }: Wanted) -> Result<RequestsPage, PageError> {
    let state = ENDED.into_iter().find(|known| known.name() == state);
    let filter = RequestFilter { state, ..RequestFilter::default() };
    let mut all = view.portal.identity.requests(&Actor::Operator, &filter, LOOKED_AT).await?;
    all.sort_by_key(|request| std::cmp::Reverse(request.changed));
    let (roles, resources): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|request| matches!(request.kind, RequestKind::Join { .. }));
    let rows = |requests: &[Request]| requests.iter().take(SHOWN).map(RequestRow::new).collect();
    Ok(RequestsPage {
        layout: view.layout(Some(operator), Part::Operate, "Requests"),
        below: Acting::Operator.requests_path(),
        state: state.map(RequestState::name).unwrap_or_default().to_owned(),
        truncated: roles.len().max(resources.len()) > SHOWN,
        resources: rows(&resources),
        roles: rows(&roles),
    })
}

async fn show(view: View, Operator(operator): Operator, Path((tenancy, number)): Of) -> Result<Response, PageError> {
    show_request(&view, &operator, &Acting::Operator, &RequestId { tenancy, number }).await
}

async fn approve(
    view: View,
    ConfirmedOperator(operator): ConfirmedOperator,
    Path((tenancy, number)): Of,
    Form(form): Form<ApproveForm>,
) -> Result<Response, PageError> {
    decide(&view, &operator, &Acting::Operator, &RequestId { tenancy, number }, Decision::Approve(form)).await
}

async fn reject(
    view: View,
    ConfirmedOperator(operator): ConfirmedOperator,
    Path((tenancy, number)): Of,
    Form(form): Form<ReasonForm>,
) -> Result<Response, PageError> {
    decide(&view, &operator, &Acting::Operator, &RequestId { tenancy, number }, Decision::Reject(form)).await
}

async fn ask(
    view: View,
    ConfirmedOperator(operator): ConfirmedOperator,
    Path((tenancy, number)): Of,
    Form(form): Form<ReasonForm>,
) -> Result<Response, PageError> {
    decide(&view, &operator, &Acting::Operator, &RequestId { tenancy, number }, Decision::Ask(form)).await
}
