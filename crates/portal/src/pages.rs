//! The pages, one file each.

mod account;
mod buckets;
mod confirm;
mod create_key;
mod log_in;
mod members;
mod object_stores;
mod requests;
mod service;
mod services;
mod view_keys;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::Portal;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/", get(async || Redirect::to("/object-stores/")))
        .merge(log_in::routes())
        .merge(confirm::routes())
        .merge(account::routes())
        .merge(services::routes())
        .merge(service::routes())
        .merge(requests::routes())
        .merge(members::routes())
        .merge(object_stores::routes())
        .merge(create_key::routes())
        .merge(view_keys::routes())
        .merge(buckets::routes())
}
