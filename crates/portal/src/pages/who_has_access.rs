//! *Who has access*: who may do what in a bucket, and why.

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use policy::{Action, Context, Principal, Subject};
use serde::Deserialize;
use types::{BucketName, ObjectKey, TenancyName, UserName};

use super::buckets::{find, may};
use crate::Portal;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::permissions::{ASKED, Effective, facts, resource};
use crate::signed_in::SignedIn;

/// The most lines of the table; the search finds the others.
const SHOWN: usize = 300;
/// The object that is asked about where none is named: one like any other.
const ANY_KEY: &str = "example/object";

#[derive(Template)]
#[template(path = "who_has_access.html")]
struct WhoHasAccessPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    search: String,
    key: String,
    verbs: Vec<&'static str>,
    rows: Vec<Row>,
    truncated: bool,
    asked: Vec<&'static str>,
    why: Option<Why>,
}

struct Row {
    who: String,
    /// Whom *Why?* is asked for; a circle of people can not be asked about.
    asks: Option<String>,
    cells: Vec<Cell>,
}

struct Cell {
    verb: &'static str,
    action: &'static str,
    allowed: bool,
    reason: String,
    /// Whether a statement with a condition could change the answer.
    conditional: bool,
}

/// Why one person may do one thing, or not.
struct Why {
    who: String,
    /// What was written as the name.
    asked: String,
    action: String,
    allowed: bool,
    reason: String,
    rules: Vec<(&'static str, String, bool)>,
    statements: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    search: String,
    #[serde(default)]
    key: String,
    /// Whom to explain it for; nobody in particular where empty.
    who: Option<String>,
    #[serde(default)]
    action: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/access", get(show))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy, &bucket, &wanted).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    wanted: &Wanted,
) -> Result<WhoHasAccessPage, PageError> {
    let portal = &view.portal;
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    if !may::<action::GetBucketPolicy>(portal, &member, &bucket) {
        return Err(PageError::NotFound);
    }
    let key = if wanted.key.trim().is_empty() { ANY_KEY } else { wanted.key.trim() };
    let key = ObjectKey::new(key).map_err(|error| PageError::refused(&error))?;
    let effective = Effective::with(portal, &bucket, bucket.policy.as_ref(), &key).await?;
    let search = wanted.search.trim();
    let found = effective.rows().filter(|(who, ..)| who.contains(search));
    let mut rows: Vec<Row> = found.take(SHOWN + 1).map(|(who, of, answers)| Row::new(who, of, answers)).collect();
    let truncated = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    Ok(WhoHasAccessPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Who has access"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        search: search.to_owned(),
        key: key.to_string(),
        verbs: ASKED.iter().map(|(_, verb)| *verb).collect(),
        rows,
        truncated,
        asked: ASKED.iter().map(|(action, _)| action.name()).collect(),
        why: why(portal, &bucket, wanted, &key).await?,
    })
}

impl Row {
    fn new(who: String, of: &Subject, answers: &[policy::EffectiveAccess]) -> Self {
        let asks = match of {
            Subject::Public => Some(String::new()),
            Subject::Person(name) => Some(name.to_string()),
            Subject::LoggedIn | Subject::Role(_) | Subject::Group(_) => None,
        };
        let cell = |((action, verb), answer): (&(Action, &'static str), &policy::EffectiveAccess)| Cell {
            verb,
            action: action.name(),
            allowed: answer.reason.allows(),
            reason: answer.reason.to_string(),
            conditional: !answer.conditional.is_empty(),
        };
        Self { who, asks, cells: ASKED.iter().zip(answers).map(cell).collect() }
    }
}

async fn why(
    portal: &Portal,
    bucket: &objects::Bucket,
    wanted: &Wanted,
    key: &ObjectKey,
) -> Result<Option<Why>, PageError> {
    let Some(who) = wanted.who.as_deref().map(str::trim) else { return Ok(None) };
    let action = ASKED
        .iter()
        .find(|(action, _)| action.name() == wanted.action)
        .map_or(Action::GetObject, |(action, _)| *action);
    let principal = if who.is_empty() {
        Principal::anonymous(bucket.tenancy.clone())
    } else {
        let name = UserName::new(who).map_err(|error| PageError::refused(&error))?;
        let standing = portal.identity.standing(&name).await?;
        let standing = standing.ok_or_else(|| PageError::Refused(format!("There is no user {name}.")))?;
        portal.access.principal_of(&bucket.tenancy, &standing)
    };
    let context = Context { now: Some(portal.clock.now()), ..Context::NOTHING };
    let facts = facts(portal, bucket, bucket.policy.as_ref(), resource(action, bucket, key), &context);
    let trace = policy::explain(&principal, action, facts);
    let rules = trace.rules.into_iter();
    let statements = trace.statements.into_iter().map(|statement| {
        let name = statement.sid.filter(|sid| !sid.is_empty());
        let name = name.unwrap_or_else(|| format!("statement {}", statement.index + 1));
        let says = statement.misses.map_or_else(|| "applies".to_owned(), |misses| format!("does not apply: {misses}"));
        (name, says)
    });
    Ok(Some(Why {
        asked: who.to_owned(),
        who: if who.is_empty() { "Somebody who is not logged in".to_owned() } else { who.to_owned() },
        action: action.name().to_owned(),
        allowed: trace.allowed,
        reason: trace.reason,
        rules: rules
            .map(|rule| (rule.rule, rule.says.unwrap_or_else(|| "says nothing".to_owned()), rule.decided))
            .collect(),
        statements: statements.collect(),
    }))
}
