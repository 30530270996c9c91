//! `commonhold admin mail`: the mails that wait, or could not be sent.

use ::notify::{Mail, MailState};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::EventId;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::client::{AdminClient, ClientError, NO_BODY};
use crate::date::iso8601;
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AdminState, Done, LIST_LIMIT, List};

/// A mail that was not sent yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MailView {
    /// The event that it tells of.
    pub event: EventId,
    /// The address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Since when it waits.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
    /// When it is tried next; of a dead one, until when it is kept.
    #[serde(with = "iso8601")]
    pub due: Timestamp,
    /// Whether it goes in one mail with others of its day.
    pub digest: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// What the server said last.
    pub last_error: String,
    /// `queued`, or `dead` where it is not tried any more.
    pub state: MailState,
}

/// How many mails were made due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retried {
    /// So many.
    pub mails: u64,
}

/// Where a test mail goes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestMail {
    /// The address.
    pub to: String,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> Self {
        let Mail { event, to, subject, created, due, digest, attempts, last_error, state, .. } = mail;
        Self { event, to, subject, created, due, digest, attempts, last_error, state }
    }
}

impl AdminClient {
    /// The mails that wait, or could not be sent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn mails(&self) -> Result<List<MailView>, ClientError> {
        self.call(Method::GET, "/v1/mail", NO_BODY).await
    }

    /// Makes all of them due now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn retry_mails(&self) -> Result<Retried, ClientError> {
        self.call(Method::POST, "/v1/mail/retry", NO_BODY).await
    }

    /// Sends a mail that says that mail works.
    ///
    /// # Errors
    /// [`ClientError`], with what the mail server says.
    pub async fn test_mail(&self, to: &str) -> Result<Done, ClientError> {
        self.call(Method::POST, "/v1/mail/test", Some(&TestMail { to: to.to_owned() })).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/mail", get(list)).route("/v1/mail/retry", post(retry)).route("/v1/mail/test", post(test))
}

async fn list(State(state): State<AdminState>) -> Result<Json<List<MailView>>, ApiError> {
    let mails = state.notify.mails(LIST_LIMIT + 1).await?;
    Ok(Json(List::new(mails.into_iter().map(MailView::from).collect())))
}

async fn retry(State(state): State<AdminState>) -> Result<Json<Retried>, ApiError> {
    let mails = state.notify.retry_mails().await?;
    let notify = std::sync::Arc::clone(&state.notify);
    // It may take as long as the mail server likes; the queue tells what came of it.
    tokio::spawn(async move {
        if let Err(error) = notify.run().await {
            tracing::error!(%error, "mails can not be sent");
        }
    });
    Ok(Json(Retried { mails }))
}

async fn test(State(state): State<AdminState>, Json(test): Json<TestMail>) -> Result<Json<Done>, ApiError> {
    state.notify.test_mail(&test.to).await?;
    Ok(Json(Done {}))
}
