//! `commonhold admin inbox`: what people, and the operators, were told.

use ::notify::{InboxEntry, MailPreference, Preferences, Recipient};
use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, post};
use http::Method;
use identity::{EventId, IdentityError};
use serde::{Deserialize, Serialize};
use types::{Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, with_query};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::state::{AdminState, Done};

/// One thing that was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    #[serde(with = "iso8601")]
    pub at: Timestamp,
    /// What kind of event it is, as in `grant_expiring`.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// When it was marked as read.
    #[serde(default, with = "iso8601_option")]
    pub read: Option<Timestamp>,
}

/// An inbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboxView {
    /// How many entries were not read yet.
    pub unread: usize,
    /// Whether and when mail comes.
    pub mail: MailPreference,
    /// The entries, newest first.
    pub entries: Vec<EntryView>,
}

/// Whose inbox: a person's, or without one the operators'.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// The person.
    #[serde(default)]
    pub user: Option<UserName>,
}

/// How a recipient wants mail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPreferences {
    /// Whether and when it comes.
    pub mail: MailPreference,
}

impl From<InboxEntry> for EntryView {
    fn from(entry: InboxEntry) -> Self {
        let InboxEntry { id, at, kind, subject, body, read } = entry;
        Self { id, at, kind, subject, body, read }
    }
}

impl AdminClient {
    /// An inbox.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn inbox(&self, user: Option<&UserName>) -> Result<InboxView, ClientError> {
        self.call(Method::GET, &path("", user), NO_BODY).await
    }

    /// Marks an entry as read, and answers with it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn read_inbox_entry(&self, user: Option<&UserName>, id: &EventId) -> Result<EntryView, ClientError> {
        self.call(Method::POST, &path(&format!("/{id}/read"), user), NO_BODY).await
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_inbox_entry(&self, user: Option<&UserName>, id: &EventId) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &path(&format!("/{id}"), user), NO_BODY).await
    }

    /// Says how a recipient wants mail.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_mail_preference(
        &self,
        user: Option<&UserName>,
        mail: MailPreference,
    ) -> Result<Done, ClientError> {
        self.call(Method::PUT, &path("/preferences", user), Some(&SetPreferences { mail })).await
    }
}

fn path(rest: &str, user: Option<&UserName>) -> String {
    with_query(&format!("/v1/inbox{rest}"), &[("user", user.map(UserName::as_str))])
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/inbox", get(show))
        .route("/v1/inbox/preferences", axum::routing::put(set_preferences))
        .route("/v1/inbox/{id}", delete(remove))
        .route("/v1/inbox/{id}/read", post(read))
}

/// Whose inbox it is, where there is such a person.
async fn recipient(state: &AdminState, whose: Whose) -> Result<Recipient, ApiError> {
    let Some(name) = whose.user else { return Ok(Recipient::Operators) };
    match state.identity.directory().find(&name).await? {
        Some(_) => Ok(Recipient::Person(name)),
        None => Err(IdentityError::NoSuchUser(name).into()),
    }
}

async fn show(State(state): State<AdminState>, Query(whose): Query<Whose>) -> Result<Json<InboxView>, ApiError> {
    let recipient = recipient(&state, whose).await?;
    let entries = state.notify.inbox(&recipient).await?;
    let unread = entries.iter().filter(|entry| entry.read.is_none()).count();
    let mail = state.notify.preferences(&recipient).await?.mail;
    Ok(Json(InboxView { unread, mail, entries: entries.into_iter().map(EntryView::from).collect() }))
}

async fn read(
    State(state): State<AdminState>,
    Path(id): Path<EventId>,
    Query(whose): Query<Whose>,
) -> Result<Json<EntryView>, ApiError> {
    let recipient = recipient(&state, whose).await?;
    Ok(Json(state.notify.mark_read(&recipient, &id).await?.into()))
}

async fn remove(
    State(state): State<AdminState>,
    Path(id): Path<EventId>,
    Query(whose): Query<Whose>,
) -> Result<Json<Done>, ApiError> {
    let recipient = recipient(&state, whose).await?;
    state.notify.delete_entry(&recipient, &id).await?;
    Ok(Json(Done {}))
}

async fn set_preferences(
    State(state): State<AdminState>,
    Query(whose): Query<Whose>,
    Json(set): Json<SetPreferences>,
) -> Result<Json<Done>, ApiError> {
    let recipient = recipient(&state, whose).await?;
    state.notify.set_preferences(&recipient, &Preferences { mail: set.mail }).await?;
    Ok(Json(Done {}))
}
