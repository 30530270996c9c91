//! The pages, one file each.

mod account;
mod ask_resources;
mod browser;
mod bucket;
mod buckets;
mod complete;
mod confirm;
mod content_portal;
mod cors;
mod create_key;
mod create_policy;
mod delete_objects;
mod edit_policy;
mod inbox;
mod log_in;
mod members;
mod message;
mod object;
mod object_stores;
pub(crate) mod oidc;
mod operate;
mod preview;
mod public_index;
mod requests;
mod service;
mod services;
mod share;
mod upload;
mod usage;
mod view_keys;
mod view_policies;
mod who_has_access;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::Portal;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/", get(async || Redirect::to("/object-stores/")))
        .merge(log_in::routes())
        .merge(confirm::routes())
        .merge(oidc::routes())
        .merge(account::routes())
        .merge(services::routes())
        .merge(service::routes())
        .merge(ask_resources::routes())
        .merge(complete::routes())
        .merge(requests::routes())
        .merge(members::routes())
        .merge(message::routes())
        .merge(inbox::routes())
        .merge(object_stores::routes())
        .merge(create_key::routes())
        .merge(view_keys::routes())
        .merge(buckets::routes())
        .merge(usage::routes())
        .merge(bucket::routes())
        .merge(cors::routes())
        .merge(public_index::routes())
        .merge(browser::routes())
        .merge(object::routes())
        .merge(preview::routes())
        .merge(upload::routes())
        .merge(delete_objects::routes())
        .merge(share::routes())
        .merge(who_has_access::routes())
        .merge(view_policies::routes())
        .merge(create_policy::routes())
        .merge(edit_policy::routes())
        .merge(content_portal::routes())
        .merge(operate::routes())
}
