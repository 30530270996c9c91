//! `GET /v1/status`: whether the server runs, which it is and how it is set up.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::Method;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::client::{AdminClient, ClientError, NO_BODY};
use crate::date::iso8601;
use crate::extract::Json;
use crate::state::{AdminState, Installation};

/// How the server is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// How it is set up.
    pub installation: Installation,
    /// When it started.
    #[serde(with = "iso8601")]
    pub started: Timestamp,
    /// Its time.
    #[serde(with = "iso8601")]
    pub now: Timestamp,
    /// How many tenancies there are.
    pub tenancies: usize,
}

impl AdminClient {
    /// How the server is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.call(Method::GET, "/v1/status", NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/status", get(status))
}

async fn status(State(state): State<AdminState>) -> Json<Status> {
    let tenancies = state.identity.tenancies().len();
    let installation = (*state.installation).clone();
    Json(Status { installation, started: state.started, now: state.clock.now(), tenancies })
}
