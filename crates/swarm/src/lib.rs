//! The doors of a Swarm site, for the programs that its people have: tokens at `/.TOKEN/`, the management API at
//! `/_admin/manage`, and the lists of domains and buckets that the site's root gives as JSON.
//!
//! A request is taken apart by [`asked`]; [`domain`] says which tenancy it names and [`caller`] whose it is: by password, as
//! everywhere with a bound on guesses, or by a management token. [`tokens`] and [`manage`] do what is asked, by the same calls
//! of `identity` and `objects` as every other way in, and [`recorded`] puts each change into the audit log before it is
//! answered. What can not be carried over is refused with a message; nothing is taken and forgotten.
//!
//! A tenancy is what Swarm calls a storage domain. The tenant above it has the tenancy's name here; the tenant `_system`
//! stands for all of them. See `docs/swarm.md`.

mod asked;
mod caller;
mod domain;
mod error;
mod expiry;
mod listing;
mod manage;
mod recorded;
mod reply;
mod token_record;
mod tokens;

use std::net::IpAddr;
use std::sync::Arc;

use access::{Access, Operators};
use audit::Audit;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use identity::Identity;
use metering::Metering;
use objects::Objects;
use policy::DefaultPolicy;
use tower::ServiceExt as _;
use types::{Clock, Entropy, TenancyName};

/// What the doors are made from. Cheap to clone.
#[derive(Clone)]
pub struct Swarm {
    /// Tenancies, people, roles, keys and tokens.
    pub identity: Arc<Identity>,
    /// Passwords, and grants for what a person does.
    pub access: Arc<Access>,
    /// Who runs the installation.
    pub operators: Arc<Operators>,
    /// Buckets and usage.
    pub objects: Arc<Objects>,
    /// What was used day by day.
    pub metering: Arc<Metering>,
    /// Who did what.
    pub audit: Audit,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for the ids of requests, which are no secrets.
    pub entropy: Arc<dyn Entropy>,
    /// The version of the program.
    pub version: &'static str,
}

/// From where a request comes, which the listener puts among its extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Client {
    /// The address of the client, or of the proxy before us.
    pub address: IpAddr,
    /// Whether it speaks TLS: then cookies are for TLS alone.
    pub tls: bool,
}

/// The doors, and `beside` for every other path. Each request must carry its [`Client`]; one without counts as one over TLS
/// from nowhere.
pub fn router(swarm: Swarm, beside: Router) -> Router {
    let of_root = swarm.clone();
    let others = move |request: Request| {
        let (swarm, beside) = (of_root.clone(), beside.clone());
        async move { root(swarm, beside, request).await }
    };
    Router::new()
        .route("/.TOKEN", any(token_door))
        .route("/.TOKEN/{*token}", any(token_door))
        .route("/.TOKEN/", any(token_door))
        .route("/_admin/manage", any(manage_door))
        .route("/_admin/manage/{*path}", any(manage_door))
        .with_state(swarm)
        .fallback(others)
}

/// The default policy that the policy document of a domain asks for.
///
/// # Errors
/// Why it can not be carried: it says more than that members reach every bucket, or is no policy.
pub fn default_policy(tenancy: &TenancyName, document: &[u8]) -> Result<DefaultPolicy, String> {
    manage::read_policy(tenancy, document).map_err(|error| error.to_string())
}

async fn token_door(State(swarm): State<Swarm>, request: Request) -> Response {
    reply::answer(&swarm, request, tokens::serve).await
}

async fn manage_door(State(swarm): State<Swarm>, request: Request) -> Response {
    reply::answer(&swarm, request, manage::serve).await
}

async fn root(swarm: Swarm, beside: Router, request: Request) -> Response {
    if listing::is_asked_for(request.method(), request.uri()) {
        return reply::answer(&swarm, request, listing::serve).await;
    }
    match beside.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
