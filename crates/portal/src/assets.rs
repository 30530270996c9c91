//! The files that pages refer to, compiled in.
//!
//! Their address has the version of the program, so that browsers keep them for a year and still load new ones at once.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::Portal;
use crate::error::PageError;
use crate::page::View;
use crate::security::Sandboxed;

/// What their address has.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_MINUTE: HeaderValue = HeaderValue::from_static("public, max-age=60");

macro_rules! file {
    ($name:literal, $type:literal) => {
        get(async || file(FOR_A_YEAR, $type, include_str!(concat!("../assets/", $name))))
    };
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(
            concat!("/assets/", env!("CARGO_PKG_VERSION"), "/portal.css"),
            file!("portal.css", "text/css; charset=utf-8"),
        )
        .route(
            concat!("/assets/", env!("CARGO_PKG_VERSION"), "/portal.js"),
            file!("portal.js", "text/javascript; charset=utf-8"),
        )
        .route(
            concat!("/assets/", env!("CARGO_PKG_VERSION"), "/browser.js"),
            file!("browser.js", "text/javascript; charset=utf-8"),
        )
        .route(concat!("/assets/", env!("CARGO_PKG_VERSION"), "/icon.svg"), file!("icon.svg", "image/svg+xml"))
        .route("/assets/theme.css", get(theme))
        .route("/assets/logo", get(logo))
}

/// What the institution chose: a file of its own, because no page may carry styles of its own.
async fn theme(State(portal): State<Portal>) -> Response {
    file(FOR_A_MINUTE, "text/css; charset=utf-8", format!(":root {{ --accent: {}; }}\n", portal.site.colour))
}

/// An SVG may hold styles of its own, and scripts: whoever opens it by itself opens it in a sandbox, where none run.
async fn logo(view: View, State(portal): State<Portal>) -> Response {
    let Some(logo) = &portal.site.logo else { return PageError::NotFound.answer(&view) };
    let mut response = file(FOR_A_MINUTE, logo.content_type(), logo.content().to_vec());
    response.extensions_mut().insert(Sandboxed);
    response
}

fn file(kept: HeaderValue, content_type: &'static str, content: impl IntoResponse) -> Response {
    let mut response = content.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, kept);
    response
}
