//! A person's own settings: where they are logged in, and their password where the store keeps it.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page, with_cookie};
use crate::shown::Day;
use crate::signed_in::{Confirmed, SignedIn};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    email: Option<String>,
    logins: Vec<LoginRow>,
}

struct LoginRow {
    began: Day,
    used: Day,
    source: String,
    is_this: bool,
}

#[derive(Deserialize)]
struct NewPassword {
    password: Zeroizing<String>,
    again: Zeroizing<String>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/account/", get(show)).route("/account/password", post(change_password))
}

async fn show(view: View, signed_in: SignedIn) -> Result<Response, PageError> {
    let logins = view.portal.identity.logins(&signed_in.user).await?;
    let row = |login: identity::Login| LoginRow {
        began: Day(login.began),
        used: Day(login.used),
        is_this: login.began == signed_in.login.began,
        source: login.source,
    };
    Ok(page(&AccountPage {
        layout: view.layout(Some(&signed_in), Part::Account, "Your account"),
        email: signed_in.standing.user.email.clone(),
        logins: logins.into_iter().map(row).collect(),
    }))
}

/// Whoever knew the old password is logged out.
async fn change_password(
    view: View,
    Confirmed(signed_in): Confirmed,
    Form(given): Form<NewPassword>,
) -> Result<Response, PageError> {
    if *given.password != *given.again {
        return Err(PageError::Refused("The two passwords are not the same.".to_owned()));
    }
    let identity = &view.portal.identity;
    identity.set_password(&signed_in.user, &given.password).await?;
    let (token, _) = identity.begin_login(&signed_in.user, &view.visitor.address.to_string()).await?;
    Ok(with_cookie(done("/account/", "password-changed"), Some(view.set_login(&token))))
}
