//! `commonhold admin session`.

use axum::Router;
use axum::extract::State;
use axum::routing::delete;
use http::Method;
use serde::{Deserialize, Serialize};
use types::{Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded};
use crate::date::iso8601;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::state::AdminState;

/// That the sessions of a person were ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedSessions {
    /// Whose.
    pub user: UserName,
    /// Those made up to this moment.
    #[serde(with = "iso8601")]
    pub until: Timestamp,
}

impl AdminClient {
    /// Ends all sessions that a person has so far. Keys go on working.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn end_sessions(&self, user: &UserName) -> Result<EndedSessions, ClientError> {
        self.call(Method::DELETE, &format!("/v1/sessions/{}", encoded(user)), NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/sessions/{user}", delete(end))
}

async fn end(State(state): State<AdminState>, Path(user): Path<UserName>) -> Result<Json<EndedSessions>, ApiError> {
    let until = state.identity.end_sessions(&user).await?;
    Ok(Json(EndedSessions { user, until }))
}
