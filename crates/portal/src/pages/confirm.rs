//! Asking for the password again, before keys and permissions are managed.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::log_in::Refusal;
use crate::Portal;
use crate::audited::NotDone;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page_with};
use crate::signed_in::{SignedIn, safe_next};

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    layout: Layout,
    next: String,
    error: Option<String>,
    /// Who vouches for people, where somebody does.
    provider: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Password {
    password: Zeroizing<String>,
    next: Option<String>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/confirm", get(show).post(confirm))
}

async fn show(view: View, signed_in: SignedIn, Query(Next { next }): Query<Next>) -> Response {
    ask(&view, &signed_in, next.as_deref(), None)
}

pub(super) fn ask(view: &View, signed_in: &SignedIn, next: Option<&str>, refusal: Option<Refusal>) -> Response {
    let layout = view.layout(Some(signed_in), Part::Other, "Please confirm your password");
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let error = refusal.as_ref().map(|refusal| refusal.text.clone());
    let mut response =
        page_with(status, &ConfirmPage { layout, next: safe_next(next).to_owned(), error, provider: view.provider() });
    if let Some(refusal) = refusal {
        response.extensions_mut().insert(NotDone(refusal.name));
    }
    response
}

async fn confirm(view: View, signed_in: SignedIn, Form(given): Form<Password>) -> Result<Response, PageError> {
    let Password { password, next } = given;
    let verified = view.portal.access.log_in(signed_in.user.as_str(), &password, view.visitor.address).await;
    if let Err(error) = verified {
        return Ok(ask(&view, &signed_in, next.as_deref(), Some(Refusal::of(&error))));
    }
    view.portal.identity.confirm_login(&signed_in.token).await?;
    Ok(Redirect::to(safe_next(next.as_deref())).into_response())
}
