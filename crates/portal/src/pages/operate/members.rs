//! The members of any tenancy: the page of its managers, in the operator's name.

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use types::TenancyName;

use crate::Portal;
use crate::acting::Acting;
use crate::error::PageError;
use crate::form::Form;
use crate::page::View;
use crate::pages::members::{GrantForm, RevokeForm, Wanted, grant_role, revoke_role, show_members};
use crate::signed_in::{ConfirmedOperator, Operator};

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/tenancies/{tenancy}/members/", get(show))
        .route("/operate/tenancies/{tenancy}/members/grant", post(grant))
        .route("/operate/tenancies/{tenancy}/members/revoke", post(revoke))
}

async fn show(
    view: View,
    Operator(operator): Operator,
    Path(tenancy): Path<TenancyName>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    show_members(&view, &operator, &Acting::Operator, &tenancy, wanted).await
}

async fn grant(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<GrantForm>,
) -> Result<Response, PageError> {
    grant_role(&view, &Acting::Operator, tenancy, form).await
}

async fn revoke(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<RevokeForm>,
) -> Result<Response, PageError> {
    revoke_role(&view, &Acting::Operator, tenancy, form).await
}
