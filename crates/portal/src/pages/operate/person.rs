//! One person: their roles, keys without secrets, and logins; suspending and reactivating them, and ending their logins.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use identity::{Actor, UserStatus};
use serde::Deserialize;
use types::UserName;

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::pages::service::GrantRow;
use crate::pages::view_keys::Status;
use crate::shown::{End, Moment};
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

/// The most keys on the page.
const KEYS: usize = 500;

#[derive(Template)]
#[template(path = "operate_person.html")]
struct PersonPage {
    layout: Layout,
    name: String,
    full_name: String,
    email: String,
    is_disabled: bool,
    is_self: bool,
    is_operator: bool,
    suspension: Option<Suspended>,
    groups: Vec<String>,
    roles: Vec<(String, GrantRow)>,
    keys: Vec<KeyRow>,
    truncated: bool,
    logins: Vec<(Moment, Moment, String)>,
}

struct Suspended {
    at: Moment,
    by: String,
    reason: String,
}

struct KeyRow {
    id: String,
    tenancy: String,
    description: String,
    status: Status,
    expires: End,
    used: Option<Moment>,
}

#[derive(Deserialize)]
struct SuspendForm {
    reason: String,
}

#[derive(Deserialize)]
struct Nothing {}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/people/{user}/", get(show))
        .route("/operate/people/{user}/suspend", post(suspend))
        .route("/operate/people/{user}/reactivate", post(reactivate))
        .route("/operate/people/{user}/end-logins", post(end_logins))
}

async fn show(view: View, Operator(operator): Operator, Path(user): Path<UserName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, &user).await?))
}

async fn assemble(view: &View, operator: &SignedIn, name: &UserName) -> Result<PersonPage, PageError> {
    let (identity, now) = (&view.portal.identity, view.portal.clock.now());
    let standing = identity.standing(name).await?.ok_or(PageError::NotFound)?;
    let mut keys = identity.keys_of(name, KEYS + 1).await?;
    let truncated = keys.len() > KEYS;
    keys.truncate(KEYS);
    let uses = identity.last_uses(&keys).await?;
    let keys = keys.iter().zip(uses).map(|(key, used)| KeyRow {
        id: key.id.to_string(),
        tenancy: key.tenancy.to_string(),
        description: key.description.clone(),
        status: Status::of(key, now),
        expires: End(key.expires),
        used: used.map(|used| Moment(used.at)),
    });
    let logins = identity.logins(name).await?;
    let user = &standing.user;
    Ok(PersonPage {
        layout: view.layout(Some(operator), Part::Operate, name.as_str()),
        name: name.to_string(),
        full_name: user.full_name.clone().unwrap_or_default(),
        email: user.email.clone().unwrap_or_default(),
        is_disabled: user.status == UserStatus::Disabled,
        is_self: operator.user == *name,
        is_operator: view.portal.operators.includes(&standing),
        suspension: standing.suspension.as_ref().map(|suspension| Suspended {
            at: Moment(suspension.at),
            by: suspension.by.to_string(),
            reason: suspension.reason.clone(),
        }),
        groups: standing.groups(now),
        roles: standing.roles.iter().map(|grant| (grant.tenancy.to_string(), GrantRow::new(grant, now))).collect(),
        keys: keys.collect(),
        truncated,
        logins: logins.into_iter().map(|login| (Moment(login.began), Moment(login.used), login.source)).collect(),
    })
}

async fn suspend(
    view: View,
    ConfirmedOperator(operator): ConfirmedOperator,
    Path(user): Path<UserName>,
    Form(SuspendForm { reason }): Form<SuspendForm>,
) -> Result<Response, PageError> {
    if user == operator.user {
        return Err(PageError::Refused("You can not suspend yourself. Another operator can.".to_owned()));
    }
    view.portal.identity.suspend_user(&Actor::Operator, &user, reason.trim()).await?;
    Ok(done(&format!("/operate/people/{user}/"), "person-suspended"))
}

async fn reactivate(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(user): Path<UserName>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    view.portal.identity.reactivate_user(&Actor::Operator, &user).await?;
    Ok(done(&format!("/operate/people/{user}/"), "person-reactivated"))
}

/// Ends the logins and the temporary credentials of a person.
async fn end_logins(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(user): Path<UserName>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    view.portal.identity.end_sessions(&user).await?;
    Ok(done(&format!("/operate/people/{user}/"), "logins-ended"))
}
