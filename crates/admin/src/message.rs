//! `commonhold admin message`: writing to the members of a tenancy.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::Method;
use identity::{NewMessage, Recipients};
use policy::Role;
use serde::{Deserialize, Serialize};
use types::{TenancyName, UserName};

use crate::client::{AdminClient, ClientError, encoded};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::request::actor;
use crate::state::{AdminState, Done};

/// A message to be sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// Who writes; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// Those who hold this role; all members where neither a role nor people are named.
    #[serde(default)]
    pub role: Option<Role>,
    /// These people.
    #[serde(default)]
    pub to: Vec<UserName>,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Whether answers go to the person who writes.
    #[serde(default)]
    pub reply_to_sender: bool,
}

impl AdminClient {
    /// Sends a message to members of a tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send_message(&self, tenancy: &TenancyName, message: &SendMessage) -> Result<Done, ClientError> {
        self.call(Method::POST, &format!("/v1/tenancies/{}/messages", encoded(tenancy)), Some(message)).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/tenancies/{tenancy}/messages", post(send))
}

async fn send(
    State(state): State<AdminState>,
    Path(tenancy): Path<TenancyName>,
    Json(message): Json<SendMessage>,
) -> Result<Json<Done>, ApiError> {
    let SendMessage { user, role, to, subject, body, reply_to_sender } = message;
    let to = match (role, to.is_empty()) {
        (Some(_), false) => return Err(ApiError::invalid("a role and people were named", "Name one or the other.")),
        (Some(role), true) => Recipients::Role(role),
        (None, false) => Recipients::People(to),
        (None, true) => Recipients::Everyone,
    };
    let message = NewMessage { tenancy, to, subject, body, reply_to_sender };
    state.identity.send_message(&actor(user), message).await?;
    Ok(Json(Done {}))
}
