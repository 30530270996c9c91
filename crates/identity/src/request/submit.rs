//! A new request.

use policy::Role;
use storage::{Batch, Bounded, Expect};
use types::{TenancyName, Timestamp};

use super::{MAX_REASON_CHARS, Request, RequestId, RequestKind, RequestState, RequestStep, StepKind, table};
use crate::authority::{self, Act};
use crate::control::{Control, Stale, check_prose, check_text, put};
use crate::role::{self, Grounds, NewRole};
use crate::tenancy::{self, Joining, MAX_DESCRIPTION_CHARS, MAX_PROJECT_CHARS, Tenancy};
use crate::term::Term;
use crate::user::UserStatus;
use crate::{Actor, Event, Identity, IdentityError, keyspace, standing};

/// The most requests that one person makes within 24 hours.
pub const MAX_PER_DAY: usize = 10;
/// The most open requests of one person.
pub const MAX_OPEN_PER_PERSON: usize = 20;
/// The most open requests of all: they are held in memory.
pub const MAX_OPEN: usize = 10_000;
/// How long before the end of a role its holder may ask for it again.
pub const RENEWAL_OPENS_SECS: u64 = 65 * 24 * 3600;

/// A request to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRequest {
    /// The tenancy that it is about; the one to be made, of a request for one.
    pub tenancy: TenancyName,
    /// What is asked for.
    pub kind: RequestKind,
    /// Why.
    pub reason: String,
}

impl Identity {
    /// Makes a request in the name of `actor`, who is a person. Where the tenancy grants by itself, it is approved at once.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NoSuchTenancy`], [`IdentityError::TenancyExists`],
    /// [`IdentityError::TenancyEnded`], [`IdentityError::JoiningClosed`], [`IdentityError::NoSuchUser`],
    /// [`IdentityError::Suspended`], [`IdentityError::RoleHeld`], [`IdentityError::RequestOpen`],
    /// [`IdentityError::TooOften`], [`IdentityError::TooMany`], [`IdentityError::Invalid`], and those of the store.
    pub async fn submit_request(&self, actor: &Actor, new: NewRequest) -> Result<Request, IdentityError> {
        let actor = actor.clone();
        self.change(move |control| async move { submit(&control, actor, new).await }).await
    }
}

async fn submit(control: &Control, actor: Actor, new: NewRequest) -> Result<Request, IdentityError> {
    let user = actor
        .person()
        .cloned()
        .ok_or_else(|| IdentityError::Invalid { what: "request", rule: "a person makes it: say who".to_owned() })?;
    let known = standing::standing(control, &user).await?.ok_or_else(|| IdentityError::NoSuchUser(user.clone()))?;
    if known.suspension.is_some() || known.user.status == UserStatus::Disabled {
        return Err(IdentityError::Suspended(user));
    }
    check_prose("reason", &new.reason, MAX_REASON_CHARS)?;
    if new.reason.trim().is_empty() {
        let rule = "those who decide need to know why: give one".to_owned();
        return Err(IdentityError::Invalid { what: "reason", rule });
    }
    let expect = match &new.kind {
        RequestKind::Join { role } => {
            let found = tenancy::live(control, &new.tenancy).await?;
            check_join(&known, &found.value.tenancy, *role, control.clock.now())?;
            found.unchanged(keyspace::tenancy(&new.tenancy))
        }
        RequestKind::Quota { quota_bytes } => {
            let found = tenancy::live(control, &new.tenancy).await?;
            authority::check(control, &actor, &new.tenancy, &Act::AskForQuota).await?;
            check_quota(*quota_bytes)?;
            found.unchanged(keyspace::tenancy(&new.tenancy))
        }
        RequestKind::Tenancy { .. } => check_tenancy(control, &new).await?,
    };
    check_open(control, &actor, &new)?;
    let counter = keyspace::request_counter(&new.tenancy);
    let before = control.metadata.counters(std::slice::from_ref(&counter)).await?.first().copied().unwrap_or(0);
    let number = before.saturating_add(1);
    let now = control.clock.now();
    let request = Request {
        id: RequestId { tenancy: new.tenancy, number: number.unsigned_abs() },
        user,
        kind: new.kind,
        state: RequestState::Pending,
        created: now,
        changed: now,
        steps: vec![RequestStep { at: now, by: Some(actor), what: StepKind::Submitted { reason: new.reason } }],
        reminded: None,
    };
    // That nobody took the number meanwhile.
    let count = Bounded { name: counter, delta: 1, at_most: Some(number) };
    let batch = Batch { expect: vec![expect], count: vec![count], ..Batch::default() };
    let id = request.id.clone();
    let outcome = commit(control, request, batch).await;
    table::follow(control, &id, true).await?;
    outcome
}

/// Puts the request, approved at once where the tenancy grants by itself.
async fn commit(control: &Control, mut request: Request, mut batch: Batch) -> Result<Request, IdentityError> {
    let group = keyspace::tenancy(&request.id.tenancy);
    let joining = control.table().by_name.get(&request.id.tenancy).map(|tenancy| tenancy.joining);
    let is_automatic =
        joining == Some(Joining::Automatic) && matches!(request.kind, RequestKind::Join { role: Role::User });
    if is_automatic {
        let (tenancy, user) = (request.id.tenancy.clone(), request.user.clone());
        let expires = Some(Term::YEAR.end(request.created));
        let new = NewRole { tenancy, user, role: Role::User, expires };
        let grounds = Grounds { request: Some(request.id.clone()), ..Grounds::default() };
        let granting = role::prepare(control, new, grounds).await?;
        batch.put.extend(control.event(&group, granting.event()));
        batch.put.push(granting.put);
        batch.expect.push(granting.expect);
        let what = StepKind::Approved { expires, quota_bytes: None, comment: String::new() };
        request.steps.push(RequestStep { at: request.created, by: None, what });
        request.state = RequestState::Approved;
    } else {
        let events = [Event::RequestConfirm { request: request.summary() }, asked(&request)];
        batch.put.extend(events.into_iter().filter_map(|event| control.event(&group, event)));
    }
    batch.put.push(put(keyspace::request(&request.id), &request));
    control.commit(&group, batch, Stale::User(&request.user)).await?;
    Ok(request)
}

/// What tells those who decide that a request waits for them.
pub(super) fn asked(request: &Request) -> Event {
    let summary = request.summary();
    match request.kind {
        RequestKind::Join { .. } => Event::RequestPending { request: summary, reminder: false },
        RequestKind::Tenancy { .. } => Event::TenancyRequested { request: summary },
        RequestKind::Quota { .. } => Event::QuotaRequested { request: summary },
    }
}

fn check_join(known: &standing::Standing, tenancy: &Tenancy, role: Role, now: Timestamp) -> Result<(), IdentityError> {
    if tenancy.has_ended(now) {
        return Err(IdentityError::TenancyEnded(tenancy.name.clone()));
    }
    if tenancy.joining == Joining::Closed {
        return Err(IdentityError::JoiningClosed(tenancy.name.clone()));
    }
    let Some(grant) = known.grant_in_the_way(&tenancy.name, role, now) else { return Ok(()) };
    let (user, tenancy, role) = (known.user.name.clone(), tenancy.name.clone(), grant.role);
    Err(IdentityError::RoleHeld { user, tenancy, role, renewal_opens: grant.renewal_opens() })
}

async fn check_tenancy(control: &Control, new: &NewRequest) -> Result<Expect, IdentityError> {
    let RequestKind::Tenancy { description, project, quota_bytes, ends } = &new.kind else {
        unreachable!("the caller looked at the kind")
    };
    check_prose("description", description, MAX_DESCRIPTION_CHARS)?;
    check_text("project", project, MAX_PROJECT_CHARS)?;
    quota_bytes.map(check_quota).transpose()?;
    control.check_expiry(*ends)?;
    if control.table().by_name.contains_key(&new.tenancy) {
        return Err(IdentityError::TenancyExists(new.tenancy.clone()));
    }
    tenancy::finish_deletion(control, &new.tenancy).await?;
    Ok(Expect::Absent(keyspace::tenancy(&new.tenancy)))
}

pub(super) fn check_quota(bytes: u64) -> Result<(), IdentityError> {
    if bytes == 0 || i64::try_from(bytes).is_err() {
        let rule = "it is a number of bytes above 0 and below 8 EiB".to_owned();
        return Err(IdentityError::Invalid { what: "quota", rule });
    }
    Ok(())
}

/// Refuses what is asked for already, and too many requests.
fn check_open(control: &Control, actor: &Actor, new: &NewRequest) -> Result<(), IdentityError> {
    let now = control.clock.now();
    let table = control.requests.read();
    let open = table.open();
    let same = |request: &&std::sync::Arc<Request>| {
        request.id.tenancy == new.tenancy
            && match (&request.kind, &new.kind) {
                (RequestKind::Join { role: open }, RequestKind::Join { role }) => {
                    open == role && actor.is(&request.user)
                }
                (RequestKind::Tenancy { .. }, RequestKind::Tenancy { .. })
                | (RequestKind::Quota { .. }, RequestKind::Quota { .. }) => true,
                _ => false,
            }
    };
    if let Some(request) = open.iter().find(same) {
        return Err(IdentityError::RequestOpen(request.id.clone()));
    }
    if open.iter().filter(|request| actor.is(&request.user)).count() >= MAX_OPEN_PER_PERSON {
        return Err(IdentityError::TooMany { what: "open requests of one person", limit: MAX_OPEN_PER_PERSON });
    }
    if table.open_count() >= MAX_OPEN {
        return Err(IdentityError::TooMany { what: "open requests", limit: MAX_OPEN });
    }
    if actor.person().is_some_and(|user| table.made_within_a_day(user, now) >= MAX_PER_DAY) {
        return Err(IdentityError::TooOften { what: "requests of one person", limit: MAX_PER_DAY });
    }
    Ok(())
}
