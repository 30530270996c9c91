//! *Operate*: the pages of those who run the installation. To everybody else there are no such pages.
//!
//! Each page is a file here. What it shows and does is what `commonhold admin` does, by the same calls of `identity`,
//! `objects`, `metering` and `audit`, in the operator's name; the audit log has the person. Reads ask for an
//! [`crate::signed_in::Operator`], changes for a [`crate::signed_in::ConfirmedOperator`].

mod audit;
mod health;
mod members;
mod people;
mod person;
mod quotas;
mod requests;
mod tenancies;
mod tenancy;
mod tenancy_usage;
mod usage;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::Portal;
use crate::signed_in::Operator;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/", get(async |_: Operator| Redirect::to("/operate/tenancies/")))
        .merge(tenancies::routes())
        .merge(tenancy::routes())
        .merge(quotas::routes())
        .merge(members::routes())
        .merge(people::routes())
        .merge(person::routes())
        .merge(requests::routes())
        .merge(tenancy_usage::routes())
        .merge(usage::routes())
        .merge(audit::routes())
        .merge(health::routes())
}
