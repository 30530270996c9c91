//! Requests: one's own, those that wait for one's decision, and each with all that was said.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use identity::request::{MAX_REASON_CHARS, RequestAct, RequestFilter, RequestState, StepKind};
use identity::term::Term;
use identity::{Actor, Approval, Request, RequestId, RequestKind};
use serde::Deserialize;
use types::size::parse_size;
use types::{TenancyName, Timestamp};

use super::service::{GrantRow, RequestRow, words};
use crate::Portal;
use crate::acting::Acting;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, End, exact_size};
use crate::signed_in::SignedIn;

/// The most requests on the page.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    layout: Layout,
    /// Where each request's page is below.
    below: &'static str,
    /// Those that wait for this person.
    to_decide: Vec<RequestRow>,
    /// The person's own that are open.
    open: Vec<RequestRow>,
    /// The person's own that have ended.
    ended: Vec<RequestRow>,
    /// What the person holds, or held until it expired.
    grants: Vec<GrantRow>,
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    layout: Layout,
    id: String,
    tenancy: String,
    /// Where the tenancy's page is; of one that is only to be made there is none.
    tenancy_path: Option<String>,
    requests_path: &'static str,
    /// Where the page's forms go.
    path: String,
    user: String,
    what: String,
    /// What a new tenancy is to be.
    wanted: Option<WantedTenancy>,
    /// The quota that is asked for.
    quota: Option<String>,
    state: RequestState,
    steps: Vec<Step>,
    is_own: bool,
    /// Whether this person may decide now.
    decides: bool,
    is_join: bool,
    can_ask: bool,
    terms: Vec<(String, String)>,
    reason_chars: usize,
}

/// A tenancy that somebody asks for.
struct WantedTenancy {
    description: String,
    project: String,
    ends: End,
}

struct Step {
    at: Day,
    by: String,
    what: &'static str,
    text: String,
    internal: String,
    expires: Option<End>,
}

#[derive(Deserialize)]
pub(super) struct ApproveForm {
    /// A term as `1y`, or `date`.
    #[serde(default)]
    term: String,
    /// `2027-01-31`, where the term is `date`.
    #[serde(default)]
    date: String,
    /// The quota that is granted; what was asked for where it is empty.
    #[serde(default)]
    quota: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
pub(super) struct ReasonForm {
    reason: String,
    #[serde(default)]
    internal: String,
}

#[derive(Deserialize)]
struct Nothing {}

/// The request that a path names.
pub(super) type Of = Path<(TenancyName, u64)>;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/requests/", get(list))
        .route("/requests/{tenancy}/{number}/", get(show))
        .route("/requests/{tenancy}/{number}/approve", post(approve))
        .route("/requests/{tenancy}/{number}/reject", post(reject))
        .route("/requests/{tenancy}/{number}/ask", post(ask))
        .route("/requests/{tenancy}/{number}/answer", post(answer))
        .route("/requests/{tenancy}/{number}/withdraw", post(withdraw))
}

async fn list(view: View, signed_in: SignedIn) -> Result<Response, PageError> {
    Ok(page(&assemble_list(&view, &signed_in).await?))
}

async fn assemble_list(view: &View, signed_in: &SignedIn) -> Result<RequestsPage, PageError> {
    let (identity, actor) = (&view.portal.identity, Actor::Person(signed_in.user.clone()));
    let rows = async |user: Option<_>, state| -> Result<Vec<Request>, PageError> {
        let filter = RequestFilter { tenancy: None, user, state };
        Ok(identity.requests(&actor, &filter, SHOWN).await?)
    };
    let of_others = rows(None, None).await?;
    let mut ended = Vec::new();
    for state in [RequestState::Approved, RequestState::Rejected, RequestState::Withdrawn] {
        ended.extend(rows(Some(signed_in.user.clone()), Some(state)).await?);
    }
    ended.sort_by_key(|one| std::cmp::Reverse(one.changed));
    let row = |requests: Vec<Request>| requests.iter().map(RequestRow::new).collect();
    let own = rows(Some(signed_in.user.clone()), None).await?;
    let now = view.portal.clock.now();
    let grants = signed_in.standing.roles.iter().map(|grant| GrantRow::own(grant, &signed_in.standing, now)).collect();
    let to_decide = of_others.into_iter().filter(|request| request.user != signed_in.user).collect();
    Ok(RequestsPage {
        layout: view.layout(Some(signed_in), Part::Services, "My requests and grants"),
        below: signed_in.as_person().requests_path(),
        to_decide: row(to_decide),
        open: row(own),
        ended: row(ended),
        grants,
    })
}

async fn show(view: View, signed_in: SignedIn, Path((tenancy, number)): Of) -> Result<Response, PageError> {
    show_request(&view, &signed_in, &signed_in.as_person(), &RequestId { tenancy, number }).await
}

/// The page of a request.
///
/// # Errors
/// The page that says why it can not be seen.
pub(super) async fn show_request(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    id: &RequestId,
) -> Result<Response, PageError> {
    Ok(page(&assemble(view, signed_in, acting, id).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    id: &RequestId,
) -> Result<RequestPage, PageError> {
    let (identity, actor) = (&view.portal.identity, acting.actor());
    let request = identity.request(&actor, id).await?;
    let is_own = request.user == signed_in.user;
    let may_decide = identity.may(&actor, &id.tenancy, &request.kind.decision(&request.user)).await?;
    let possible = |act| request.state.after(act).is_some();
    let (wanted, quota) = match &request.kind {
        RequestKind::Join { .. } => (None, None),
        RequestKind::Quota { quota_bytes } => (None, Some(exact_size(*quota_bytes))),
        RequestKind::Tenancy { description, project, quota_bytes, ends } => {
            let wanted = WantedTenancy { description: description.clone(), project: project.clone(), ends: End(*ends) };
            (Some(wanted), Some(quota_bytes.map(exact_size).unwrap_or_default()))
        }
    };
    Ok(RequestPage {
        layout: view.layout(Some(signed_in), acting.part(), &format!("Request {id}")),
        id: id.to_string(),
        tenancy: id.tenancy.to_string(),
        tenancy_path: identity.tenancy(&id.tenancy).map(|tenancy| acting.tenancy_path(&tenancy.name)),
        requests_path: acting.requests_path(),
        path: acting.request_path(id),
        user: request.user.to_string(),
        what: words(&request.kind),
        wanted,
        quota,
        state: request.state,
        steps: request.steps.iter().map(Step::new).collect(),
        is_own,
        decides: may_decide && !is_own && possible(RequestAct::Approve),
        is_join: matches!(request.kind, RequestKind::Join { .. }),
        can_ask: possible(RequestAct::Ask),
        terms: Term::CHOICES.iter().map(|term| (term.to_string(), term_words(*term))).collect(),
        reason_chars: MAX_REASON_CHARS,
    })
}

impl Step {
    fn new(step: &identity::request::RequestStep) -> Self {
        let by = step.by.as_ref().map_or_else(|| "by itself".to_owned(), |by| format!("by {by}"));
        let (what, text, internal, expires) = match &step.what {
            StepKind::Submitted { reason } => ("Asked for", reason.as_str(), "", None),
            StepKind::Asked { question, internal } => {
                ("More information wanted", question.as_str(), internal.as_str(), None)
            }
            StepKind::Answered { answer } => ("Answered", answer.as_str(), "", None),
            StepKind::Approved { expires, comment, .. } => ("Approved", comment.as_str(), "", Some(End(*expires))),
            StepKind::Rejected { reason, internal } => ("Rejected", reason.as_str(), internal.as_str(), None),
            StepKind::Withdrawn => ("Withdrawn", "", "", None),
        };
        Self { at: Day(step.at), by, what, text: text.to_owned(), internal: internal.to_owned(), expires }
    }
}

/// A term as people say it.
pub(super) fn term_words(term: Term) -> String {
    match term {
        Term::Months(12) => "1 year".to_owned(),
        Term::Months(months) if months % 12 == 0 => format!("{} years", months / 12),
        Term::Months(months) => format!("{months} months"),
        Term::Days(days) => format!("{days} days"),
    }
}

/// Until when something is granted, as a form says it.
///
/// # Errors
/// [`PageError::Refused`].
pub(super) fn end_of(term: &str, date: &str, now: Timestamp) -> Result<Option<Timestamp>, PageError> {
    if term == "date" {
        let end = Timestamp::parse_iso8601(date);
        return end.map(Some).ok_or_else(|| PageError::Refused("Write the date as 2027-01-31.".to_owned()));
    }
    term.parse::<Term>().map(|term| Some(term.end(now))).map_err(PageError::Refused)
}

/// A decision on a request.
pub(super) enum Decision {
    Approve(ApproveForm),
    Reject(ReasonForm),
    Ask(ReasonForm),
}

/// Decides on a request, and sends the browser back to its page. Nobody decides on what they ask for themselves, operators
/// neither.
///
/// # Errors
/// The page that says why it can not be done.
pub(super) async fn decide(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    id: &RequestId,
    decision: Decision,
) -> Result<Response, PageError> {
    let said = decided(view, signed_in, &acting.actor(), id, decision).await?;
    Ok(done(&acting.request_path(id), said))
}

async fn decided(
    view: &View,
    signed_in: &SignedIn,
    actor: &Actor,
    id: &RequestId,
    decision: Decision,
) -> Result<&'static str, PageError> {
    let identity = &view.portal.identity;
    if identity.request(actor, id).await?.user == signed_in.user {
        return Err(PageError::NotAllowed);
    }
    match decision {
        Decision::Approve(form) => {
            let term = if form.term.is_empty() { "1y" } else { &form.term };
            let expires = end_of(term, &form.date, view.portal.clock.now())?;
            let given = Some(form.quota.trim()).filter(|quota| !quota.is_empty());
            let quota_bytes = given.map(parse_size).transpose().map_err(|error| PageError::refused(&error))?;
            let approval = Approval { expires, quota_bytes, comment: form.comment.trim().to_owned() };
            identity.approve_request(actor, id, approval).await?;
            Ok("request-approved")
        }
        Decision::Reject(ReasonForm { reason, internal }) => {
            identity.reject_request(actor, id, reason.trim(), internal.trim()).await?;
            Ok("request-rejected")
        }
        Decision::Ask(ReasonForm { reason, internal }) => {
            identity.ask_about_request(actor, id, reason.trim(), internal.trim()).await?;
            Ok("request-asked")
        }
    }
}

async fn approve(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, number)): Of,
    Form(form): Form<ApproveForm>,
) -> Result<Response, PageError> {
    decide(&view, &signed_in, &signed_in.as_person(), &RequestId { tenancy, number }, Decision::Approve(form)).await
}

async fn reject(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, number)): Of,
    Form(form): Form<ReasonForm>,
) -> Result<Response, PageError> {
    decide(&view, &signed_in, &signed_in.as_person(), &RequestId { tenancy, number }, Decision::Reject(form)).await
}

async fn ask(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, number)): Of,
    Form(form): Form<ReasonForm>,
) -> Result<Response, PageError> {
    decide(&view, &signed_in, &signed_in.as_person(), &RequestId { tenancy, number }, Decision::Ask(form)).await
}

async fn answer(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, number)): Of,
    Form(ReasonForm { reason, .. }): Form<ReasonForm>,
) -> Result<Response, PageError> {
    let (id, actor) = (RequestId { tenancy, number }, Actor::Person(signed_in.user));
    view.portal.identity.answer_request(&actor, &id, reason.trim()).await?;
    Ok(done(&format!("/requests/{id}/"), "request-answered"))
}

async fn withdraw(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, number)): Of,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    let (id, actor) = (RequestId { tenancy, number }, Actor::Person(signed_in.user));
    view.portal.identity.withdraw_request(&actor, &id).await?;
    Ok(done("/requests/", "request-withdrawn"))
}
