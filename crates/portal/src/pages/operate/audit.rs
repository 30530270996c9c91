//! The audit log: a page of what a filter lets through, and all of it as lines of JSON. Nothing here changes it.

use std::sync::Arc;

use askama::Template;
use audit::{Actor, Audit, Filter, Line, Order, Outcome, Pattern};
use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp};

use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown::Moment;
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

/// How many entries a page shows.
const PER_PAGE: usize = 100;
/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * 3600;

#[derive(Template)]
#[template(path = "operate_audit.html")]
struct AuditPage {
    layout: Layout,
    wanted: Wanted,
    entries: Vec<Row>,
    /// The query of the next page, where there may be more.
    next: Option<String>,
    /// The query of all of it.
    query: String,
    outcomes: [&'static str; 4],
}

struct Row {
    sequence: u64,
    at: Moment,
    actor: String,
    via: String,
    source: String,
    action: String,
    target: String,
    outcome: Outcome,
    error: String,
    facts: String,
}

/// The filter as the form has it; what is empty lets everything through.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Wanted {
    actor: String,
    action: String,
    target: String,
    tenancy: String,
    outcome: String,
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operate/audit/", get(show)).route("/operate/audit/lines", get(lines))
}

impl Wanted {
    /// # Errors
    /// [`PageError::Refused`] says which field is not as it must be.
    fn filter(&self) -> Result<Filter, PageError> {
        fn given<T, E: ToString>(text: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, PageError> {
            let text = Some(text.trim()).filter(|text| !text.is_empty());
            text.map(read).transpose().map_err(|error| PageError::refused(&error))
        }
        let day = |text: &str| {
            Timestamp::parse_iso8601(text).ok_or_else(|| format!("{text:?} is no date: write one like 2027-01-31"))
        };
        Ok(Filter {
            tenancy: given(&self.tenancy, TenancyName::new)?,
            actor: given(&self.actor, str::parse::<Actor>)?,
            action: given(&self.action, str::parse::<Pattern>)?,
            target: given(&self.target, str::parse::<Pattern>)?,
            outcome: given(&self.outcome, str::parse::<Outcome>)?,
            from: given(&self.from, day)?,
            to: given(&self.to, day)?.map(|day| day.plus_secs(DAY_SECONDS)),
        })
    }

    fn query(&self, after: Option<u64>) -> String {
        serde_html_form::to_string(Self { after, ..self.clone() }).unwrap_or_default()
    }
}

async fn show(view: View, Operator(operator): Operator, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, wanted).await?))
}

async fn assemble(view: &View, operator: &SignedIn, wanted: Wanted) -> Result<AuditPage, PageError> {
    let found = view.portal.audit.page(&wanted.filter()?, Order::Newest, wanted.after, PER_PAGE).await?;
    Ok(AuditPage {
        layout: view.layout(Some(operator), Part::Operate, "Audit log"),
        entries: found.lines.into_iter().map(row).collect(),
        next: found.next.map(|next| wanted.query(Some(next))),
        query: wanted.query(None),
        wanted,
        outcomes: Outcome::ALL.map(Outcome::name),
    })
}

fn row(Line { entry, .. }: Line) -> Row {
    let address = entry.address.map(|address| address.to_string());
    let key = entry.key.map(|key| format!("key {key}"));
    let uid = entry.uid.map(|uid| format!("uid {uid}"));
    let facts: Vec<_> = entry.facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
    Row {
        sequence: entry.sequence,
        at: Moment(entry.at),
        actor: entry.actor.to_string(),
        via: entry.via.to_string(),
        source: [address, key, uid].into_iter().flatten().collect::<Vec<_>>().join(", "),
        action: entry.action,
        target: entry.target,
        outcome: entry.outcome,
        error: entry.error,
        facts: facts.join(" "),
    }
}

/// Every entry that the filter lets through, the oldest first, as lines that prove themselves (`docs/format/audit.md`).
async fn lines(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let filter = wanted.filter()?;
    let from = Place::At(None);
    let pages = stream::try_unfold((view.portal.audit.clone(), Arc::new(filter), from), next_lines);
    let mut response = Body::from_stream(pages).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jsonl; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"audit.jsonl\""));
    Ok(response)
}

/// How far an export is.
#[derive(Clone, Copy)]
enum Place {
    /// Before the entry after this one.
    At(Option<u64>),
    End,
}

type Export = (Audit, Arc<Filter>, Place);

async fn next_lines((audit, filter, place): Export) -> Result<Option<(Bytes, Export)>, audit::AuditError> {
    let Place::At(after) = place else { return Ok(None) };
    let page = audit.page(&filter, Order::Oldest, after, ::audit::query::PAGE_ENTRIES).await?;
    let lines: String = page.lines.iter().flat_map(|line| [line.to_json(), "\n".to_owned()]).collect();
    let place = page.next.map_or(Place::End, |next| Place::At(Some(next)));
    Ok(Some((Bytes::from(lines), (audit, filter, place))))
}
