//! Logging in and out.

use access::LogInError;
use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Portal;
use crate::audited::{NotDone, TOO_MANY_FAILURES};
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page_with, with_cookie};
use crate::signed_in::{self, SignedIn, safe_next};

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogInPage {
    layout: Layout,
    next: String,
    name: String,
    error: Option<String>,
    /// Who vouches for people, where somebody does.
    provider: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: Zeroizing<String>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Nothing {}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/logout", post(log_out))
        .route("/logout/everywhere", post(log_out_everywhere))
}

async fn show(view: View, Query(Next { next }): Query<Next>) -> Result<Response, PageError> {
    let next = safe_next(next.as_deref()).to_owned();
    match signed_in::find(&view).await? {
        Some(_) => Ok(Redirect::to(&next).into_response()),
        None => Ok(ask(view, next, String::new(), None)),
    }
}

pub(super) fn ask(view: View, next: String, name: String, refusal: Option<Refusal>) -> Response {
    let (view, cookie) = view.with_form_cookie();
    let layout = view.layout(None, Part::Other, "Log in");
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let error = refusal.as_ref().map(|refusal| refusal.text.clone());
    let mut response = page_with(status, &LogInPage { layout, next, name, error, provider: view.provider() });
    if let Some(refusal) = refusal {
        response.extensions_mut().insert(NotDone(refusal.name));
    }
    with_cookie(response, cookie)
}

async fn log_in(view: View, Form(given): Form<Credentials>) -> Result<Response, PageError> {
    let Credentials { name, password, next } = given;
    let (portal, name) = (&view.portal, name.trim().to_owned());
    let next = safe_next(next.as_deref()).to_owned();
    let user = match portal.access.log_in(&name, &password, view.visitor.address).await {
        Ok(user) => user,
        Err(error) => return Ok(ask(view, next, name, Some(Refusal::of(&error)))),
    };
    if portal.identity.suspension(&user.name).is_some() {
        return Ok(ask(view, next, name, Some(Refusal::suspended())));
    }
    let (token, _) = portal.identity.begin_login(&user.name, &view.visitor.address.to_string()).await?;
    let cookie = view.set_login(&token);
    Ok(with_cookie(Redirect::to(&next).into_response(), Some(cookie)))
}

/// Why a password does not let in.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// Its name in the audit log.
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn of(error: &LogInError) -> Self {
        match error {
            LogInError::Wrong => Self {
                status: StatusCode::UNAUTHORIZED,
                name: "WrongPassword",
                text: "The user name or the password is not right. Capital letters matter.".to_owned(),
            },
            LogInError::TooManyFailures { wait_seconds } => {
                let minutes = wait_seconds.div_ceil(60).max(1);
                Self {
                    status: StatusCode::TOO_MANY_REQUESTS,
                    name: TOO_MANY_FAILURES,
                    text: format!(
                        "There were too many wrong passwords. Try again in {minutes} min; your keys go on working."
                    ),
                }
            }
            LogInError::Identity(error) => {
                tracing::error!(%error, "a log-in could not be looked at");
                let text =
                    "The directory of people can not be reached now. Your keys go on working; try again in a minute.";
                Self { status: StatusCode::SERVICE_UNAVAILABLE, name: "Failed", text: text.to_owned() }
            }
        }
    }

    /// Only who gave the right password learns it.
    pub(super) fn suspended() -> Self {
        let text = "Your account is suspended, and nothing of yours works. Please write to the operators.";
        Self { status: StatusCode::FORBIDDEN, name: "Suspended", text: text.to_owned() }
    }
}

async fn log_out(view: View, signed_in: SignedIn, Form(Nothing {}): Form<Nothing>) -> Result<Response, PageError> {
    view.portal.identity.end_login(&signed_in.token).await?;
    Ok(with_cookie(done("/login", "logged-out"), Some(view.clear_login())))
}

async fn log_out_everywhere(
    view: View,
    signed_in: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    view.portal.identity.end_logins(&signed_in.user).await?;
    Ok(with_cookie(done("/login", "logged-out-everywhere"), Some(view.clear_login())))
}
