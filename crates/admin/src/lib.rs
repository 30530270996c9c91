//! The administration API and its typed client: JSON under `/v1/`, over the local socket.
//!
//! One noun is one file ([`tenancy`], [`user`], [`role`], [`key`], [`session`], [`usage`], [`policy`], [`audit`],
//! [`inbox`], [`mail`], [`request`], [`message`], [`bucket`], [`quota`], [`status`], [`demo`], [`directory`],
//! [`maintenance`]), which holds what travels, the routes and the calls of
//! [`AdminClient`]. [`size`] and [`date`] read and write what people type.
//!
//! Every call that changes something is recorded in the audit log: `audited` holds the layer that does it.
//!
//! **The API authenticates nobody.** Whoever can connect to the socket is the operator, so the file system decides: the
//! server makes the socket with mode 0600 in a directory of mode 0700. The router must never be served on a network.

pub mod audit;
mod audited;
pub mod bucket;
mod client;
pub mod date;
pub mod demo;
pub mod directory;
mod error;
mod extract;
pub mod inbox;
pub mod key;
pub mod mail;
pub mod maintenance;
pub mod message;
pub mod policy;
pub mod quota;
pub mod request;
pub mod role;
mod secret_text;
pub mod session;
pub use types::size;
mod state;
pub mod status;
pub mod tenancy;
pub mod usage;
pub mod user;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

pub use audited::SocketPeer;
pub use client::{AdminClient, ClientError};
pub use error::{ErrorBody, ErrorDetail};
pub use secret_text::SecretText;
pub use state::{AdminState, Done, Installation, LIST_LIMIT, List};

use crate::error::ApiError;

/// The largest request body in bytes: no request has more than a few texts.
const BODY_BYTES: usize = 64 * 1024;

/// The administration API. It authenticates nobody: see the crate's documentation.
pub fn router(state: AdminState) -> Router {
    Router::new()
        .merge(tenancy::routes())
        .merge(user::routes())
        .merge(quota::routes())
        .merge(role::routes())
        .merge(key::routes())
        .merge(session::routes())
        .merge(policy::routes())
        .merge(request::routes())
        .merge(message::routes())
        .merge(bucket::routes())
        .merge(usage::routes())
        .merge(audit::routes())
        .merge(inbox::routes())
        .merge(mail::routes())
        .merge(status::routes())
        .merge(demo::routes())
        .merge(directory::routes())
        .merge(maintenance::routes())
        .fallback(async || ApiError::no_such_call())
        .method_not_allowed_fallback(async || ApiError::no_such_call())
        .layer(from_fn_with_state(state.clone(), audited::layer))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(state)
}

#[cfg(test)]
mod tests;
