//! People of the directory: a search.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use identity::directory::MAX_FOUND;
use identity::{User, UserStatus};
use serde::Deserialize;

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::signed_in::{Operator, SignedIn};

/// The longest beginning of a name that is searched for, in characters.
const SEARCH_CHARS: usize = 100;

#[derive(Template)]
#[template(path = "operate_people.html")]
struct PeoplePage {
    layout: Layout,
    search: String,
    people: Vec<Row>,
    /// Whether there may be more than a search finds.
    truncated: bool,
    suspended: Vec<String>,
}

struct Row {
    name: String,
    full_name: String,
    email: String,
    is_disabled: bool,
    is_suspended: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    search: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operate/people/", get(show))
}

async fn show(view: View, Operator(operator): Operator, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, &wanted).await?))
}

async fn assemble(view: &View, operator: &SignedIn, wanted: &Wanted) -> Result<PeoplePage, PageError> {
    let (identity, search) =
        (&view.portal.identity, wanted.search.trim().chars().take(SEARCH_CHARS).collect::<String>());
    let found = identity.directory().search_people(&search, MAX_FOUND).await?;
    let row = |user: &User| Row {
        name: user.name.to_string(),
        full_name: user.full_name.clone().unwrap_or_default(),
        email: user.email.clone().unwrap_or_default(),
        is_disabled: user.status == UserStatus::Disabled,
        is_suspended: identity.suspension(&user.name).is_some(),
    };
    Ok(PeoplePage {
        layout: view.layout(Some(operator), Part::Operate, "People"),
        search,
        truncated: found.len() >= MAX_FOUND,
        people: found.iter().map(row).collect(),
        suspended: identity.suspensions().iter().map(|suspension| suspension.user.to_string()).collect(),
    })
}
