//! Requests: a person asks for a role in a tenancy, for a new tenancy, or for more quota; those decide who may.
//!
//! A request is one record in the group of the tenancy that it is about, also where that is only to be made; so what is
//! granted and the request that it answers change in one batch. `submit` has what is checked of a new one, `decide` the
//! steps after that, `table` what is held in memory: the requests that are open, and how many each person made within a
//! day. [`Identity::tend_requests`] is what time does.
//!
//! | state | approve, reject | ask | answer | withdraw |
//! |---|---|---|---|---|
//! | PENDING | ends it | to INCOMPLETE | - | ends it |
//! | INCOMPLETE | ends it | - | to PENDING | ends it |
//! | APPROVED, REJECTED, WITHDRAWN | - | - | - | - |
//!
//! Who decides, [`crate::authority`] says; who asked answers and withdraws, and nobody else does.

mod decide;
mod submit;
mod table;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use policy::Role;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::{TenancyName, Timestamp, UserName};

pub use decide::{Approval, REMINDER_SECS, TendedRequests};
pub use submit::{MAX_OPEN, MAX_OPEN_PER_PERSON, MAX_PER_DAY, NewRequest, RENEWAL_OPENS_SECS};
pub(crate) use table::{RequestTable, load, sweep};

use crate::authority::{self, Act};
use crate::control::Control;
use crate::{Actor, Identity, IdentityError, keyspace};

/// The longest reason, question, answer or comment, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// How often more information may be asked for: then it is to be decided. With [`MAX_REASON_CHARS`] it bounds the record.
pub const MAX_QUESTIONS: usize = 5;

/// The name of a request: the tenancy that it is about, and its number there, as in `cedadev-o/17`. A number is given
/// once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId {
    /// The tenancy; of a request for a new one, the one that is to be made.
    pub tenancy: TenancyName,
    /// Its number there, from 1.
    pub number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenancy, self.number)
    }
}

impl FromStr for RequestId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(tenancy, number)| {
            Some(Self { tenancy: TenancyName::new(tenancy).ok()?, number: number.parse().ok()? })
        });
        parts.ok_or_else(|| format!("{text:?} is no request: write tenancy and number, as in cedadev-o/17"))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum RequestKind {
    /// A role in a tenancy.
    Join {
        /// Which.
        role: Role,
    },
    /// A new tenancy, of which who asks becomes MANAGER.
    Tenancy {
        /// What it is for.
        description: String,
        /// The project that pays for it; may be empty.
        project: String,
        /// How many bytes it is to hold; without limit where absent.
        quota_bytes: Option<u64>,
        /// When it is to end; never where absent.
        ends: Option<Timestamp>,
    },
    /// Another quota for a tenancy.
    Quota {
        /// How many bytes it is to hold.
        quota_bytes: u64,
    },
}

/// A request in short, as those see it who decide on it, and who asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestSummary {
    /// Its name, which has the tenancy.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// What for.
    #[serde(flatten)]
    pub kind: RequestKind,
    /// Why, with the answers to questions since.
    pub reason: String,
}

impl RequestKind {
    /// The act that deciding on a request of this kind by `user` is.
    pub fn decision<'a>(&self, user: &'a UserName) -> Act<'a> {
        match self {
            Self::Join { role } => Act::DecideJoin { asker: user, role: *role },
            Self::Tenancy { .. } | Self::Quota { .. } => Act::DecideResources,
        }
    }
}

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestState {
    /// It waits for a decision.
    Pending,
    /// It waits for an answer of who asked.
    Incomplete,
    /// It was granted.
    Approved,
    /// It was refused.
    Rejected,
    /// Who asked took it back.
    Withdrawn,
}

/// What can be done with a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RequestAct {
    /// To grant what is asked for.
    Approve,
    /// To refuse it.
    Reject,
    /// To want to know more.
    Ask,
    /// To tell it.
    Answer,
    /// To take it back.
    Withdraw,
}

impl RequestState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Incomplete, Self::Approved, Self::Rejected, Self::Withdrawn];

    /// Whether something is still to be done.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Incomplete)
    }

    /// The state after `act`; `None` where it is not possible.
    pub const fn after(self, act: RequestAct) -> Option<Self> {
        match (self, act) {
            (Self::Pending | Self::Incomplete, RequestAct::Approve) => Some(Self::Approved),
            (Self::Pending | Self::Incomplete, RequestAct::Reject) => Some(Self::Rejected),
            (Self::Pending | Self::Incomplete, RequestAct::Withdraw) => Some(Self::Withdrawn),
            (Self::Pending, RequestAct::Ask) => Some(Self::Incomplete),
            (Self::Incomplete, RequestAct::Answer) => Some(Self::Pending),
            _ => None,
        }
    }

    /// `PENDING` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Incomplete => "INCOMPLETE",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RequestState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("{text:?} is no state: it is {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl RequestAct {
    /// Every act.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Reject, Self::Ask, Self::Answer, Self::Withdraw];
}

impl fmt::Display for RequestAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "to approve it",
            Self::Reject => "to reject it",
            Self::Ask => "to ask about it",
            Self::Answer => "to answer",
            Self::Withdraw => "to withdraw it",
        })
    }
}

/// A request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// What for.
    #[serde(flatten)]
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// When it was made.
    pub created: Timestamp,
    /// When it came to stand there.
    pub changed: Timestamp,
    /// What was said and done, oldest first.
    pub steps: Vec<RequestStep>,
    /// When those who decide were last reminded.
    #[serde(default)]
    pub(crate) reminded: Option<Timestamp>,
}

/// One thing that was said and done about a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestStep {
    /// When.
    pub at: Timestamp,
    /// By whom; by the tenancy's own setting where absent.
    pub by: Option<Actor>,
    /// What.
    #[serde(flatten)]
    pub what: StepKind,
}

/// What was said and done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum StepKind {
    /// It was made.
    Submitted {
        /// Why.
        reason: String,
    },
    /// More has to be known.
    Asked {
        /// What.
        question: String,
        /// A note for those who decide.
        internal: String,
    },
    /// Who asked told it.
    Answered {
        /// What they say.
        answer: String,
    },
    /// It was granted.
    Approved {
        /// Until when; for good where absent.
        expires: Option<Timestamp>,
        /// The quota, where there was one to grant.
        quota_bytes: Option<u64>,
        /// A word to who asked; may be empty.
        comment: String,
    },
    /// It was refused.
    Rejected {
        /// Why. Who asked reads it.
        reason: String,
        /// A note for those who decide.
        internal: String,
    },
    /// It was taken back.
    Withdrawn,
}

impl Request {
    /// The request in short.
    pub fn summary(&self) -> RequestSummary {
        let said = self.steps.iter().filter_map(|step| match &step.what {
            StepKind::Submitted { reason } => Some(reason.as_str()),
            StepKind::Answered { answer } => Some(answer.as_str()),
            _ => None,
        });
        let reason = said.collect::<Vec<_>>().join("\n\n");
        RequestSummary { id: self.id.clone(), user: self.user.clone(), kind: self.kind.clone(), reason }
    }

    /// The request without the notes of those who decide, as who asked may see it.
    fn without_notes(mut self) -> Self {
        for step in &mut self.steps {
            if let StepKind::Asked { internal, .. } | StepKind::Rejected { internal, .. } = &mut step.what {
                internal.clear();
            }
        }
        self
    }
}

/// Which requests to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RequestFilter {
    /// Those about this tenancy.
    pub tenancy: Option<TenancyName>,
    /// Those of this person.
    pub user: Option<UserName>,
    /// Those that stand there; those that are open where absent.
    pub state: Option<RequestState>,
}

impl Identity {
    /// A request, as far as `actor` may see it: those who may decide on it see all, who asked sees it without internal
    /// notes.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchRequest`], also where it is not theirs to see; those of the directory and the store.
    pub async fn request(&self, actor: &Actor, id: &RequestId) -> Result<Request, IdentityError> {
        let found = self.control.read::<Request>(&keyspace::request(id)).await?.map(|found| found.value);
        let seen = match found {
            Some(request) => seen_by(&self.control, actor, request).await?,
            None => None,
        };
        seen.ok_or_else(|| IdentityError::NoSuchRequest(id.clone()))
    }

    /// The requests that the filter leaves and `actor` may see, as for [`Self::request`], oldest first in each tenancy, at
    /// most `limit`. Open ones come from memory.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn requests(
        &self,
        actor: &Actor,
        filter: &RequestFilter,
        limit: usize,
    ) -> Result<Vec<Request>, IdentityError> {
        let candidates = match filter.state {
            Some(state) if !state.is_open() => table::closed(&self.control, filter.tenancy.as_ref()).await?,
            _ => self.control.requests.read().open(),
        };
        let mut seen = Vec::new();
        for request in candidates.iter().filter(|request| filter.takes(request)) {
            if seen.len() >= limit {
                break;
            }
            seen.extend(seen_by(&self.control, actor, Request::clone(request)).await?);
        }
        Ok(seen)
    }

    /// How many open requests `actor` may decide on: what a badge shows.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn requests_to_decide(&self, actor: &Actor) -> Result<usize, IdentityError> {
        let open: Vec<Arc<Request>> = self.control.requests.read().open();
        let mut count = 0;
        for request in open.iter().filter(|request| request.state == RequestState::Pending) {
            let act = request.kind.decision(&request.user);
            count += usize::from(authority::may(&self.control, actor, &request.id.tenancy, &act).await?);
        }
        Ok(count)
    }
}

impl RequestFilter {
    fn takes(&self, request: &Request) -> bool {
        self.tenancy.as_ref().is_none_or(|tenancy| request.id.tenancy == *tenancy)
            && self.user.as_ref().is_none_or(|user| request.user == *user)
            && self.state.is_none_or(|state| request.state == state)
    }
}

/// The request as `actor` may see it, if they may.
async fn seen_by(control: &Control, actor: &Actor, request: Request) -> Result<Option<Request>, IdentityError> {
    if actor.is(&request.user) {
        return Ok(Some(request.without_notes()));
    }
    let may = authority::may(control, actor, &request.id.tenancy, &Act::SeeRequests).await?;
    Ok(Some(request).filter(|_| may))
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
