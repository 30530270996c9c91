//! `commonhold admin audit`: reading the audit log. Nothing here changes it.

use ::audit::{Actor, Filter, Hash, Line, Order, Outcome, Pattern, Verified};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::Method;
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp};

use crate::client::{AdminClient, ClientError, NO_BODY, with_query};
use crate::date::iso8601_option;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::state::AdminState;

/// How many entries a page has where nothing is said.
const USUAL_ENTRIES: usize = 100;

/// Which entries are wanted, and which page of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// About this tenancy.
    #[serde(default)]
    pub tenancy: Option<TenancyName>,
    /// By this actor.
    #[serde(default)]
    pub actor: Option<Actor>,
    /// Of such an action, with a `*` at the end for all that begin so.
    #[serde(default)]
    pub action: Option<Pattern>,
    /// To such a target, likewise.
    #[serde(default)]
    pub target: Option<Pattern>,
    /// That ended so.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    #[serde(default, with = "iso8601_option")]
    pub from: Option<Timestamp>,
    /// Before this moment.
    #[serde(default, with = "iso8601_option")]
    pub to: Option<Timestamp>,
    /// In which order.
    #[serde(default)]
    pub order: Order,
    /// `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most so many; [`::audit::query::PAGE_ENTRIES`] are the most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A page of entries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries. A page may have fewer than were asked for, and still not be the last.
    pub entries: Vec<Line>,
    /// What to ask for the next page with, as `after`; absent on the last one.
    pub next: Option<u64>,
}

/// An entry that was noted elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// Its number.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// The hash that it had.
    #[serde(default)]
    pub hash: Option<Hash>,
}

impl AuditQuery {
    fn filter(&self) -> Filter {
        Filter {
            tenancy: self.tenancy.clone(),
            actor: self.actor.clone(),
            action: self.action.clone(),
            target: self.target.clone(),
            outcome: self.outcome,
            from: self.from,
            to: self.to,
        }
    }
}

impl AdminClient {
    /// A page of the audit log.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn audit_page(&self, query: &AuditQuery) -> Result<AuditPage, ClientError> {
        let parameters = [
            ("tenancy", query.tenancy.as_ref().map(ToString::to_string)),
            ("actor", query.actor.as_ref().map(ToString::to_string)),
            ("action", query.action.as_ref().map(|pattern| pattern.0.clone())),
            ("target", query.target.as_ref().map(|pattern| pattern.0.clone())),
            ("outcome", query.outcome.as_ref().map(ToString::to_string)),
            ("from", query.from.map(Timestamp::to_rfc3339_micros)),
            ("to", query.to.map(Timestamp::to_rfc3339_micros)),
            ("order", (query.order == Order::Oldest).then(|| "oldest".to_owned())),
            ("after", query.after.as_ref().map(ToString::to_string)),
            ("limit", query.limit.as_ref().map(ToString::to_string)),
        ];
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        self.call(Method::GET, &with_query("/v1/audit", &parameters), NO_BODY).await
    }

    /// Proves the chain; `noted` is an entry that was noted elsewhere.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verify_audit(&self, noted: Option<(u64, Hash)>) -> Result<Verified, ClientError> {
        let (sequence, hash) =
            (noted.map(|(sequence, _)| sequence.to_string()), noted.map(|(_, hash)| hash.to_string()));
        let path = with_query("/v1/audit/verify", &[("sequence", sequence.as_deref()), ("hash", hash.as_deref())]);
        self.call(Method::GET, &path, NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/audit", get(page)).route("/v1/audit/verify", get(verify))
}

async fn page(State(state): State<AdminState>, Query(query): Query<AuditQuery>) -> Result<Json<AuditPage>, ApiError> {
    let limit = query.limit.unwrap_or(USUAL_ENTRIES);
    let page = state.audit.page(&query.filter(), query.order, query.after, limit).await?;
    Ok(Json(AuditPage { entries: page.lines, next: page.next }))
}

async fn verify(State(state): State<AdminState>, Query(noted): Query<Noted>) -> Result<Json<Verified>, ApiError> {
    let noted = match (noted.sequence, noted.hash) {
        (Some(sequence), Some(hash)) => Some((sequence, hash)),
        (None, None) => None,
        _ => return Err(ApiError::invalid("a noted entry has its number and its hash", "")),
    };
    Ok(Json(state.audit.verify(noted).await.map_err(::audit::AuditError::from)?))
}
