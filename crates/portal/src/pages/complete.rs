//! Completion of names in forms: people and groups of the directory whose names begin so, as JSON for the script.
//!
//! Without the script the fields take plain text. A directory is asked for each answer, so how long a beginning may be, how
//! much is found and how often one person asks is bounded.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json};
use http::StatusCode;
use identity::UserStatus;
use serde::{Deserialize, Serialize};

use crate::Portal;
use crate::error::PageError;
use crate::page::View;
use crate::questions::Questions;
use crate::signed_in::SignedIn;

/// The lengths of a beginning, in characters: with none, everybody would be found.
const PREFIX_CHARS: std::ops::RangeInclusive<usize> = 1..=64;
/// The most names of each kind in an answer.
const FOUND: usize = 20;

#[derive(Deserialize)]
struct Wanted {
    prefix: String,
}

/// What is found.
#[derive(Serialize, Default)]
struct Found {
    people: Vec<Person>,
    groups: Vec<String>,
}

#[derive(Serialize)]
struct Person {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/complete", get(complete)).layer(Extension(Questions::default()))
}

async fn complete(
    view: View,
    signed_in: SignedIn,
    Extension(questions): Extension<Questions>,
    Query(Wanted { prefix }): Query<Wanted>,
) -> Result<Response, PageError> {
    found(&view, &signed_in, &questions, prefix.trim()).await
}

async fn found(view: &View, signed_in: &SignedIn, questions: &Questions, prefix: &str) -> Result<Response, PageError> {
    let (portal, now) = (&view.portal, view.portal.clock.now());
    // Who holds no role has no form to fill in.
    let holds_role = signed_in.standing.roles.iter().any(|grant| grant.is_active(now));
    if !(holds_role || signed_in.operates) {
        return Err(PageError::NotFound);
    }
    if !PREFIX_CHARS.contains(&prefix.chars().count()) {
        return Ok(Json(Found::default()).into_response());
    }
    if !questions.take(&signed_in.user, now) {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let directory = portal.identity.directory();
    let people = directory.search_people(prefix, FOUND).await?;
    let people = people.into_iter().filter(|user| user.status == UserStatus::Active);
    let people = people.map(|user| Person { name: user.name.to_string(), full_name: user.full_name });
    Ok(Json(Found { people: people.collect(), groups: directory.search_groups(prefix, FOUND).await? }).into_response())
}
