//! The portal: pages that the server renders, for the people of a tenancy, its managers, and operators.
//!
//! A page is a file of [`pages`] and a template of its name. A request comes through three things on its way to one:
//! [`visitor`] says from where it comes, [`signed_in`] whose browser it is, and [`form`] takes what was filled in, but
//! only with the token ([`csrf`]) that the page before it carried. [`page`] makes the answer: the template inside the
//! layout, with the headers of [`security`] that let a browser run nothing but our own files; [`error`] makes it of what went wrong.
//!
//! [`permissions`] and [`statement`] put policies into words; [`links`] are the addresses at which a browser talks to the
//! store itself. `pages::operate` holds the pages of those who run the
//! installation; to others they are not there. What a person may do is not decided here. Pages ask `identity` and `objects`, through `access`, as every other way
//! into the store does, and show what they answer. [`audited`] records each form in the audit log.

mod acting;
mod assets;
mod audited;
mod badges;
pub mod chart;
mod csrf;
mod error;
mod form;
mod links;
mod logo;
mod page;
mod pages;
mod paging;
mod permissions;
mod program;
mod questions;
mod security;
mod shown;
mod signed_in;
mod site;
mod statement;
mod visitor;

use std::sync::Arc;

use access::{Access, Operators};
use audit::Audit;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use identity::Identity;
use identity_oidc::Provider;
use metering::Metering;
use notify::Notify;
use objects::Objects;
use types::{Clock, Entropy};

pub use links::SignLinks;
pub use logo::{Logo, LogoError, MAX_LOGO_BYTES};
pub use program::{DiskGauge, DiskSpace, Program};
pub use site::{Colour, ColourError, Origin, Site};
pub use visitor::Visitor;

use crate::error::PageError;

/// The most bytes of a form: the largest is a bucket policy of 20 KiB, encoded.
const FORM_BYTES: usize = 128 * 1024;

/// What the pages are made from. Cheap to clone.
#[derive(Clone)]
pub struct Portal {
    /// Tenancies, people, roles and keys.
    pub identity: Arc<Identity>,
    /// Log-ins, and grants for what a person does.
    pub access: Arc<Access>,
    /// What people were told.
    pub notify: Arc<Notify>,
    /// Who did what.
    pub audit: Audit,
    /// Buckets and usage.
    pub objects: Arc<Objects>,
    /// What was used day by day.
    pub metering: Arc<Metering>,
    /// Who runs the installation.
    pub operators: Arc<Operators>,
    /// Whose word is taken for who people are, beside their passwords.
    pub oidc: Option<Arc<Provider>>,
    /// What operators are told of the program.
    pub program: Arc<Program>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for forms of those who have not logged in.
    pub entropy: Arc<dyn Entropy>,
    /// How the institution wants it to look, and where its store is.
    pub site: Arc<Site>,
    /// Who signs the addresses that browsers are sent to at the store.
    pub links: Arc<dyn SignLinks>,
}

/// The pages. Each request must carry its [`Visitor`] as an extension; one without is refused.
pub fn router(portal: Portal) -> Router {
    let recorded = middleware::from_fn_with_state(portal.clone(), audited::layer);
    let told = middleware::from_fn_with_state(portal.clone(), error::layer);
    Router::new()
        .merge(assets::routes())
        .merge(pages::routes().route_layer(told).route_layer(recorded))
        .fallback(async |request: page::View| PageError::NotFound.answer(&request))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::map_response(security::protect))
        .with_state(portal)
}

#[cfg(test)]
mod tests;
