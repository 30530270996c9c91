//! `commonhold admin request`: what people ask for, and what is decided.
//!
//! Each call can be made in the name of a person (`as`), whose roles then count; without one it is the operator's.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::{
    Actor, Approval, NewRequest, Request, RequestFilter, RequestId, RequestKind, RequestState, RequestStep, StepKind,
};
use policy::Role;
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded, with_query};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::state::{AdminState, LIST_LIMIT, List};

/// A request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestView {
    /// Its name, as `cedadev-o/17`.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// What for.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// Where it stands.
    pub state: RequestState,
    /// When it was made.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
    /// When it came to stand there.
    #[serde(with = "iso8601")]
    pub changed: Timestamp,
    /// What was said and done, oldest first.
    pub steps: Vec<StepView>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Wanted {
    /// A role in the tenancy.
    Join {
        /// Which.
        role: Role,
    },
    /// The tenancy, which is to be made.
    Tenancy {
        /// What it is for.
        description: String,
        /// The project that pays for it; may be empty.
        #[serde(default)]
        project: String,
        /// How many bytes it is to hold; without limit where absent.
        #[serde(default)]
        quota_bytes: Option<u64>,
        /// When it is to end; never where absent.
        #[serde(default, with = "iso8601_option")]
        ends: Option<Timestamp>,
    },
    /// Another quota for the tenancy.
    Quota {
        /// How many bytes it is to hold.
        quota_bytes: u64,
    },
}

/// One thing that was said and done about a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepView {
    /// When.
    #[serde(with = "iso8601")]
    pub at: Timestamp,
    /// By whom: `operator`, a person, or nothing where the tenancy's own setting did it.
    pub by: String,
    /// `submitted`, `asked`, `answered`, `approved`, `rejected` or `withdrawn`.
    pub step: String,
    /// What was said.
    pub text: String,
    /// What was noted for those who decide.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub internal: String,
    /// Until when a role was granted.
    #[serde(default, with = "iso8601_option", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A request to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubmitRequest {
    /// Who asks.
    #[serde(rename = "as")]
    pub user: UserName,
    /// The tenancy that it is about.
    pub tenancy: TenancyName,
    /// What for.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// Why.
    pub reason: String,
}

/// A decision or a word about a request. What an act has no use for is refused.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActOnRequest {
    /// Who acts; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// What the other side reads: a comment, a reason, a question or an answer.
    #[serde(default)]
    pub text: String,
    /// A note for those who decide.
    #[serde(default)]
    pub internal: String,
    /// Until when a role is granted; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// The quota, where another is granted than asked for.
    #[serde(default)]
    pub quota_bytes: Option<u64>,
}

/// What is done with a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// What is asked for is granted.
    Approve,
    /// It is refused; the text says why.
    Reject,
    /// More has to be known; the text says what.
    Ask,
    /// Who asked tells it.
    Answer,
    /// Who asked takes the request back.
    Withdraw,
}

/// Which requests to list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequests {
    /// Those that this person may see; all where absent.
    #[serde(rename = "as")]
    pub seen_by: Option<UserName>,
    /// Those about this tenancy.
    pub tenancy: Option<TenancyName>,
    /// Those of this person.
    pub user: Option<UserName>,
    /// Those that stand there; the open ones where absent.
    pub state: Option<RequestState>,
}

/// Who acts.
pub(crate) fn actor(user: Option<UserName>) -> Actor {
    user.map_or(Actor::Operator, Actor::Person)
}

/// Who did something, as views say it.
pub(crate) fn by(actor: Option<&Actor>) -> String {
    match actor {
        None => String::new(),
        Some(Actor::Operator) => "operator".to_owned(),
        Some(Actor::Person(name)) => name.to_string(),
    }
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        let Request { id, user, kind, state, created, changed, steps, .. } = request;
        Self {
            id,
            user,
            wanted: kind.into(),
            state,
            created,
            changed,
            steps: steps.into_iter().map(StepView::from).collect(),
        }
    }
}

impl From<RequestKind> for Wanted {
    fn from(kind: RequestKind) -> Self {
        match kind {
            RequestKind::Join { role } => Self::Join { role },
            RequestKind::Tenancy { description, project, quota_bytes, ends } => {
                Self::Tenancy { description, project, quota_bytes, ends }
            }
            RequestKind::Quota { quota_bytes } => Self::Quota { quota_bytes },
        }
    }
}

impl From<Wanted> for RequestKind {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Join { role } => Self::Join { role },
            Wanted::Tenancy { description, project, quota_bytes, ends } => {
                Self::Tenancy { description, project, quota_bytes, ends }
            }
            Wanted::Quota { quota_bytes } => Self::Quota { quota_bytes },
        }
    }
}

impl From<RequestStep> for StepView {
    fn from(RequestStep { at, by: actor, what }: RequestStep) -> Self {
        let (step, text, internal, expires) = match what {
            StepKind::Submitted { reason } => ("submitted", reason, String::new(), None),
            StepKind::Asked { question, internal } => ("asked", question, internal, None),
            StepKind::Answered { answer } => ("answered", answer, String::new(), None),
            StepKind::Approved { expires, comment, .. } => ("approved", comment, String::new(), expires),
            StepKind::Rejected { reason, internal } => ("rejected", reason, internal, None),
            StepKind::Withdrawn => ("withdrawn", String::new(), String::new(), None),
        };
        Self { at, by: by(actor.as_ref()), step: step.to_owned(), text, internal, expires }
    }
}

impl Act {
    /// As in the path.
    const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Ask => "ask",
            Self::Answer => "answer",
            Self::Withdraw => "withdraw",
        }
    }
}

impl AdminClient {
    /// Makes a request in a person's name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn submit_request(&self, new: &SubmitRequest) -> Result<RequestView, ClientError> {
        self.call(Method::POST, "/v1/requests", Some(new)).await
    }

    /// The requests that the filter leaves.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_requests(&self, filter: &ListRequests) -> Result<List<RequestView>, ClientError> {
        let parameters = [
            ("as", filter.seen_by.as_ref().map(UserName::as_str)),
            ("tenancy", filter.tenancy.as_ref().map(TenancyName::as_str)),
            ("user", filter.user.as_ref().map(UserName::as_str)),
            ("state", filter.state.map(RequestState::name)),
        ];
        self.call(Method::GET, &with_query("/v1/requests", &parameters), NO_BODY).await
    }

    /// One request.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn show_request(&self, id: &RequestId) -> Result<RequestView, ClientError> {
        self.call(Method::GET, &path(id), NO_BODY).await
    }

    /// Does something with a request.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn act_on_request(
        &self,
        id: &RequestId,
        act: Act,
        with: &ActOnRequest,
    ) -> Result<RequestView, ClientError> {
        self.call(Method::POST, &format!("{}/{}", path(id), act.name()), Some(with)).await
    }
}

fn path(id: &RequestId) -> String {
    format!("/v1/requests/{}/{}", encoded(&id.tenancy), id.number)
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/requests", post(submit).get(list))
        .route("/v1/requests/{tenancy}/{number}", get(show))
        .route("/v1/requests/{tenancy}/{number}/approve", post(approve))
        .route("/v1/requests/{tenancy}/{number}/reject", post(reject))
        .route("/v1/requests/{tenancy}/{number}/ask", post(ask))
        .route("/v1/requests/{tenancy}/{number}/answer", post(answer))
        .route("/v1/requests/{tenancy}/{number}/withdraw", post(withdraw))
}

async fn submit(
    State(state): State<AdminState>,
    Json(new): Json<SubmitRequest>,
) -> Result<Json<RequestView>, ApiError> {
    let SubmitRequest { user, tenancy, wanted, reason } = new;
    let new = NewRequest { tenancy, kind: wanted.into(), reason };
    Ok(Json(state.identity.submit_request(&Actor::Person(user), new).await?.into()))
}

async fn list(
    State(state): State<AdminState>,
    Query(filter): Query<ListRequests>,
) -> Result<Json<List<RequestView>>, ApiError> {
    let ListRequests { seen_by, tenancy, user, state: stands } = filter;
    let filter = RequestFilter { tenancy, user, state: stands };
    let requests = state.identity.requests(&actor(seen_by), &filter, LIST_LIMIT + 1).await?;
    Ok(Json(List::new(requests.into_iter().map(RequestView::from).collect())))
}

async fn show(
    State(state): State<AdminState>,
    Path((tenancy, number)): Path<(TenancyName, u64)>,
) -> Result<Json<RequestView>, ApiError> {
    Ok(Json(state.identity.request(&Actor::Operator, &RequestId { tenancy, number }).await?.into()))
}

type Found = Path<(TenancyName, u64)>;
type Acted = Result<Json<RequestView>, ApiError>;

async fn approve(State(state): State<AdminState>, Path(id): Found, Json(with): Json<ActOnRequest>) -> Acted {
    act(&state, id, Act::Approve, with).await
}

async fn reject(State(state): State<AdminState>, Path(id): Found, Json(with): Json<ActOnRequest>) -> Acted {
    act(&state, id, Act::Reject, with).await
}

async fn ask(State(state): State<AdminState>, Path(id): Found, Json(with): Json<ActOnRequest>) -> Acted {
    act(&state, id, Act::Ask, with).await
}

async fn answer(State(state): State<AdminState>, Path(id): Found, Json(with): Json<ActOnRequest>) -> Acted {
    act(&state, id, Act::Answer, with).await
}

async fn withdraw(State(state): State<AdminState>, Path(id): Found, Json(with): Json<ActOnRequest>) -> Acted {
    act(&state, id, Act::Withdraw, with).await
}

async fn act(state: &AdminState, (tenancy, number): (TenancyName, u64), act: Act, with: ActOnRequest) -> Acted {
    let (id, identity) = (RequestId { tenancy, number }, &state.identity);
    let ActOnRequest { user, text, internal, expires, quota_bytes } = with;
    let actor = actor(user);
    let grants = expires.is_some() || quota_bytes.is_some();
    let notes = matches!(act, Act::Reject | Act::Ask);
    if (grants && act != Act::Approve) || (!internal.is_empty() && !notes) {
        let hint = "Only an approval has an expiry or a quota, and only a question or a refusal an internal note.";
        return Err(ApiError::invalid("the act does not take all that was given", hint));
    }
    let request = match act {
        Act::Approve => {
            let approval = Approval { expires, quota_bytes, comment: text };
            identity.approve_request(&actor, &id, approval).await?
        }
        Act::Reject => identity.reject_request(&actor, &id, &text, &internal).await?,
        Act::Ask => identity.ask_about_request(&actor, &id, &text, &internal).await?,
        Act::Answer => identity.answer_request(&actor, &id, &text).await?,
        Act::Withdraw => identity.withdraw_request(&actor, &id).await?,
    };
    Ok(Json(request.into()))
}
