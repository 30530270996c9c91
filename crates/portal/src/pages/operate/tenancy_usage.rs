//! The use of any tenancy: the page of its members, of the whole.

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use types::TenancyName;

use crate::Portal;
use crate::acting::Acting;
use crate::error::PageError;
use crate::page::View;
use crate::pages::usage::{Wanted, send_csv, show_usage};
use crate::signed_in::Operator;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/tenancies/{tenancy}/usage/", get(show))
        .route("/operate/tenancies/{tenancy}/usage/csv", get(csv))
}

async fn show(
    view: View,
    Operator(operator): Operator,
    Path(tenancy): Path<TenancyName>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    show_usage(&view, &operator, &Acting::Operator, &tenancy, &wanted).await
}

async fn csv(
    view: View,
    Operator(operator): Operator,
    Path(tenancy): Path<TenancyName>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    send_csv(&view, &operator, &Acting::Operator, &tenancy, &wanted).await
}
