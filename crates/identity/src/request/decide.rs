//! What becomes of a request.

use storage::Batch;
use types::Timestamp;

use super::submit::{asked, check_quota};
use super::{
    MAX_QUESTIONS, MAX_REASON_CHARS, Request, RequestAct, RequestId, RequestKind, RequestState, RequestStep, StepKind,
    seen_by, table,
};
use crate::authority;
use crate::control::{Control, Stale, Stored, check_prose, put};
use crate::role::{self, Grounds, NewRole};
use crate::tenancy::{self, NewTenancy, TenancyChange};
use crate::{Actor, Event, Identity, IdentityError, keyspace, user};

/// How long after the last word on a request that waits those who decide are reminded.
pub const REMINDER_SECS: u64 = 7 * 24 * 3600;
/// How long a request is remembered after its end.
const KEPT_SECS: u64 = 2 * 365 * 24 * 3600;

/// On what terms a request is granted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Approval {
    /// Until when a role is granted; for good where absent, which only the operator may say.
    pub expires: Option<Timestamp>,
    /// The quota, where another is granted than asked for.
    pub quota_bytes: Option<u64>,
    /// A word to who asked; may be empty.
    pub comment: String,
}

/// What was done by [`Identity::tend_requests`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TendedRequests {
    /// How many reminders were given.
    pub reminded: u64,
    /// How many requests were forgotten that ended years ago.
    pub forgotten: u64,
}

impl Identity {
    /// Grants what is asked for: the role, the tenancy with who asked as its MANAGER, or the quota. Both change at once.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchRequest`], [`IdentityError::NotAllowed`], [`IdentityError::RequestState`], those of what is
    /// granted, and those of the store.
    pub async fn approve_request(
        &self,
        actor: &Actor,
        id: &RequestId,
        approval: Approval,
    ) -> Result<Request, IdentityError> {
        let (actor, id) = (actor.clone(), id.clone());
        self.change(move |control| async move { approve(&control, &actor, &id, approval).await }).await
    }

    /// Refuses a request. Who asked reads `reason`; `internal`, which may be empty, only those read who decide.
    ///
    /// # Errors
    /// As for [`Self::approve_request`], and [`IdentityError::Invalid`] without a reason.
    pub async fn reject_request(
        &self,
        actor: &Actor,
        id: &RequestId,
        reason: &str,
        internal: &str,
    ) -> Result<Request, IdentityError> {
        let what = StepKind::Rejected { reason: reason.to_owned(), internal: internal.to_owned() };
        self.step(actor, id, RequestAct::Reject, what).await
    }

    /// Says what has to be known before it is decided. Who asked reads `question`; `internal`, which may be empty, only those
    /// read who decide.
    ///
    /// # Errors
    /// As for [`Self::reject_request`], and [`IdentityError::TooMany`] where there were too many questions.
    pub async fn ask_about_request(
        &self,
        actor: &Actor,
        id: &RequestId,
        question: &str,
        internal: &str,
    ) -> Result<Request, IdentityError> {
        let what = StepKind::Asked { question: question.to_owned(), internal: internal.to_owned() };
        self.step(actor, id, RequestAct::Ask, what).await
    }

    /// Tells what had to be known, so that it can be decided. Only who asked does.
    ///
    /// # Errors
    /// As for [`Self::reject_request`].
    pub async fn answer_request(&self, actor: &Actor, id: &RequestId, answer: &str) -> Result<Request, IdentityError> {
        self.step(actor, id, RequestAct::Answer, StepKind::Answered { answer: answer.to_owned() }).await
    }

    /// Takes a request back. Only who asked does.
    ///
    /// # Errors
    /// As for [`Self::approve_request`].
    pub async fn withdraw_request(&self, actor: &Actor, id: &RequestId) -> Result<Request, IdentityError> {
        self.step(actor, id, RequestAct::Withdraw, StepKind::Withdrawn).await
    }

    async fn step(
        &self,
        actor: &Actor,
        id: &RequestId,
        act: RequestAct,
        what: StepKind,
    ) -> Result<Request, IdentityError> {
        let (actor, id) = (actor.clone(), id.clone());
        self.change(move |control| async move { step(&control, &actor, &id, act, what).await }).await
    }

    /// Reminds those who decide, once a week, of each request that waits for them, and forgets requests that ended years
    /// ago. May be cut off at any point; the next run goes on.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tend_requests(&self) -> Result<TendedRequests, IdentityError> {
        let mut tended = TendedRequests::default();
        let open = self.control.requests.read().open();
        for request in open.iter().filter(|request| is_due(request, self.control.clock.now())) {
            let id = request.id.clone();
            tended.reminded += self.change(move |control| async move { remind(&control, &id).await }).await?;
        }
        for request in table::closed(&self.control, None).await? {
            if request.changed.plus_secs(KEPT_SECS) <= self.control.clock.now() {
                let id = request.id.clone();
                self.change(move |control| async move { table::remove(&control, &[id]).await }).await?;
                tended.forgotten += 1;
            }
        }
        Ok(tended)
    }
}

/// The request, where `actor` may do `act` with it, and the state that follows.
async fn find(
    control: &Control,
    actor: &Actor,
    id: &RequestId,
    act: RequestAct,
) -> Result<(Stored<Request>, RequestState), IdentityError> {
    let no_such = || IdentityError::NoSuchRequest(id.clone());
    let found = control.read::<Request>(&keyspace::request(id)).await?.ok_or_else(no_such)?;
    let request = &found.value;
    seen_by(control, actor, request.clone()).await?.ok_or_else(no_such)?;
    match act {
        RequestAct::Answer | RequestAct::Withdraw => {
            if !actor.is(&request.user) {
                let what = format!("answer or withdraw request {id}; who asked does");
                return Err(IdentityError::NotAllowed { actor: actor.clone(), tenancy: id.tenancy.clone(), what });
            }
            control.check_not_suspended(&request.user)?;
        }
        RequestAct::Approve | RequestAct::Reject | RequestAct::Ask => {
            authority::check(control, actor, &id.tenancy, &request.kind.decision(&request.user)).await?;
        }
    }
    match request.state.after(act) {
        Some(state) => Ok((found, state)),
        None => Err(IdentityError::RequestState { id: id.clone(), state: request.state, act }),
    }
}

/// The request after a step.
fn stepped(request: &Request, actor: &Actor, state: RequestState, what: StepKind, now: Timestamp) -> Request {
    let mut next = request.clone();
    next.steps.push(RequestStep { at: now, by: Some(actor.clone()), what });
    Request { state, changed: now, reminded: None, ..next }
}

async fn step(
    control: &Control,
    actor: &Actor,
    id: &RequestId,
    act: RequestAct,
    what: StepKind,
) -> Result<Request, IdentityError> {
    let (found, state) = find(control, actor, id, act).await?;
    check_words(&what)?;
    let questions = found.value.steps.iter().filter(|step| matches!(step.what, StepKind::Asked { .. })).count();
    if act == RequestAct::Ask && questions >= MAX_QUESTIONS {
        return Err(IdentityError::TooMany { what: "questions about a request", limit: MAX_QUESTIONS });
    }
    let next = stepped(&found.value, actor, state, what.clone(), control.clock.now());
    let (request, by) = (next.summary(), actor.clone());
    let event = match what {
        StepKind::Rejected { reason, .. } => Event::RequestRejected { request, by, reason },
        StepKind::Asked { question, .. } => Event::RequestIncomplete { request, by, question },
        StepKind::Withdrawn => Event::RequestWithdrawn { request },
        StepKind::Answered { .. } | StepKind::Submitted { .. } | StepKind::Approved { .. } => asked(&next),
    };
    let (group, key) = (keyspace::tenancy(&id.tenancy), keyspace::request(id));
    let batch = Batch {
        expect: vec![found.unchanged(key.clone())],
        put: std::iter::once(put(key, &next)).chain(control.event(&group, event)).collect(),
        ..Batch::default()
    };
    let outcome = control.commit(&group, batch, Stale::Nothing).await;
    table::follow(control, id, false).await?;
    outcome.map(|()| shown(next, actor))
}

/// As the actor may see it: who asked without internal notes.
fn shown(request: Request, actor: &Actor) -> Request {
    if actor.is(&request.user) { request.without_notes() } else { request }
}

fn check_words(what: &StepKind) -> Result<(), IdentityError> {
    let (name, text, note) = match what {
        StepKind::Rejected { reason, internal } => ("reason", reason, internal.as_str()),
        StepKind::Asked { question, internal } => ("question", question, internal.as_str()),
        StepKind::Answered { answer } => ("answer", answer, ""),
        StepKind::Withdrawn | StepKind::Submitted { .. } | StepKind::Approved { .. } => return Ok(()),
    };
    if text.trim().is_empty() {
        let rule = "it may not be empty: the other side reads it".to_owned();
        return Err(IdentityError::Invalid { what: name, rule });
    }
    check_prose(name, text, MAX_REASON_CHARS)?;
    check_prose("internal note", note, MAX_REASON_CHARS)
}

async fn approve(
    control: &Control,
    actor: &Actor,
    id: &RequestId,
    approval: Approval,
) -> Result<Request, IdentityError> {
    let (found, state) = find(control, actor, id, RequestAct::Approve).await?;
    let request = &found.value;
    user::check_exists(control, &request.user).await?;
    control.check_not_suspended(&request.user)?;
    check_prose("comment", &approval.comment, MAX_REASON_CHARS)?;
    approval.quota_bytes.map(check_quota).transpose()?;
    let quota_bytes = match &request.kind {
        RequestKind::Join { .. } => None,
        RequestKind::Tenancy { quota_bytes, .. } => approval.quota_bytes.or(*quota_bytes),
        RequestKind::Quota { quota_bytes } => approval.quota_bytes.or(Some(*quota_bytes)),
    };
    let expires = approval.expires.filter(|_| matches!(request.kind, RequestKind::Join { .. }));
    let what = StepKind::Approved { expires, quota_bytes, comment: approval.comment.clone() };
    let next = stepped(request, actor, state, what, control.clock.now());
    let (group, key) = (keyspace::tenancy(&id.tenancy), keyspace::request(id));
    let mut batch =
        Batch { expect: vec![found.unchanged(key.clone())], put: vec![put(key, &next)], ..Batch::default() };
    if !matches!(request.kind, RequestKind::Join { .. }) {
        let (request, by) = (next.summary(), actor.clone());
        let event = Event::RequestApproved { request, by, comment: approval.comment };
        batch.put.extend(control.event(&group, event));
    }
    let outcome = fulfil(control, actor, &next, expires, quota_bytes, batch).await;
    table::follow(control, id, false).await?;
    outcome.map(|()| next)
}

/// Does what was asked for, in one batch with the rest.
async fn fulfil(
    control: &Control,
    actor: &Actor,
    request: &Request,
    expires: Option<Timestamp>,
    quota_bytes: Option<u64>,
    mut batch: Batch,
) -> Result<(), IdentityError> {
    let (name, user) = (request.id.tenancy.clone(), request.user.clone());
    let grounds = Grounds { by: Some(actor.clone()), reason: String::new(), request: Some(request.id.clone()) };
    match &request.kind {
        RequestKind::Join { role } => {
            role::check_end(control, actor, expires)?;
            let group = keyspace::tenancy(&name);
            let live = tenancy::live(control, &name).await?;
            let new = NewRole { tenancy: name, user, role: *role, expires };
            let granting = role::prepare(control, new, grounds).await?;
            batch.expect.extend([live.unchanged(group.clone()), granting.expect.clone()]);
            batch.put.extend(control.event(&group, granting.event()));
            batch.put.push(granting.put);
            control.commit(&group, batch, Stale::User(&request.user)).await
        }
        RequestKind::Tenancy { description, project, ends, .. } => {
            let new = NewTenancy {
                description: description.clone(),
                project: project.clone(),
                ends: *ends,
                quota_bytes,
                manager: Some(user),
                ..NewTenancy::named(name)
            };
            tenancy::create(control, new, grounds, batch).await.map(|_| ())
        }
        RequestKind::Quota { .. } => {
            let change = TenancyChange { quota_bytes: Some(quota_bytes), ..TenancyChange::default() };
            tenancy::alter(control, &name, change, batch).await.map(|_| ())
        }
    }
}

/// Whether those who decide are to be reminded at `now`.
fn is_due(request: &Request, now: Timestamp) -> bool {
    let last = request.reminded.unwrap_or(request.changed);
    request.state == RequestState::Pending && last.plus_secs(REMINDER_SECS) <= now
}

async fn remind(control: &Control, id: &RequestId) -> Result<u64, IdentityError> {
    let key = keyspace::request(id);
    let Some(found) = control.read::<Request>(&key).await? else { return Ok(0) };
    let now = control.clock.now();
    if !is_due(&found.value, now) {
        return Ok(0);
    }
    let group = keyspace::tenancy(&id.tenancy);
    let next = Request { reminded: Some(now), ..found.value.clone() };
    let event = Event::RequestPending { request: next.summary(), reminder: true };
    let batch = Batch {
        expect: vec![found.unchanged(key.clone())],
        put: std::iter::once(put(key, &next)).chain(control.event(&group, event)).collect(),
        ..Batch::default()
    };
    let outcome = control.commit(&group, batch, Stale::Nothing).await;
    table::follow(control, id, false).await?;
    outcome.map(|()| 1)
}
