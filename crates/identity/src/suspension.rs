//! Suspensions: a person of whom nothing works until they are reactivated, whichever directory they are in.
//!
//! Grants stay as they are and are not in effect ([`crate::Standing::role_in`]), so a suspension is one record, at once and
//! everywhere. All suspensions are held in memory: there are few.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use storage::{Batch, Expect, Space, limits};
use types::{TenancyName, Timestamp, UserName};

use crate::authority::{self, Act};
use crate::control::{Control, Stale, check_prose, decode, put};
use crate::role::{self, Grounds, MAX_REASON_CHARS, Membership, NewRole};
use crate::{Actor, Event, Identity, IdentityError, events, keyspace, tenancy, user};

/// A grant that expired during a suspension, or up to this long before the reactivation, is given again.
const RESTORED_SECS: u64 = 2 * 365 * 24 * 3600;
/// For how long it is.
const RESTORED_FOR_SECS: u64 = 30 * 24 * 3600;

/// That nothing of a person works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspension {
    /// Who.
    pub user: UserName,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why. The person reads it.
    pub reason: String,
}

/// What is known of a person, whichever directory they are in.
#[derive(Serialize, Deserialize)]
struct PersonRecord {
    suspension: Suspension,
}

impl Identity {
    /// Suspends a person: no key, password or role of theirs works from the next request on. Everything stays for a
    /// reactivation.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NoSuchUser`], [`IdentityError::Suspended`] where they are already,
    /// [`IdentityError::Invalid`] without a reason, and those of the store.
    pub async fn suspend_user(
        &self,
        actor: &Actor,
        user: &UserName,
        reason: &str,
    ) -> Result<Suspension, IdentityError> {
        let (by, user, reason) = (actor.clone(), user.clone(), reason.to_owned());
        self.change(move |control| async move { suspend(&control, by, user, reason).await }).await
    }

    /// Lifts a suspension. Roles are in effect again as far as they have not expired; one that expired while the person was
    /// suspended, at most two years ago, is granted again for 30 days, so that there is time to renew it.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NotSuspended`] and those of the store. Where the store fails on the
    /// way, the person is still suspended, and the call is to be made again.
    pub async fn reactivate_user(&self, actor: &Actor, user: &UserName) -> Result<(), IdentityError> {
        let (by, user) = (actor.clone(), user.clone());
        self.change(move |control| async move { reactivate(&control, by, &user).await }).await
    }

    /// The suspension of a person, from memory.
    pub fn suspension(&self, user: &UserName) -> Option<Arc<Suspension>> {
        self.control.suspension(user)
    }

    /// Every suspension in the order of people, from memory.
    pub fn suspensions(&self) -> Vec<Arc<Suspension>> {
        self.control.suspensions.read().values().cloned().collect()
    }
}

impl Control {
    /// The suspension of a person, from memory.
    pub(crate) fn suspension(&self, user: &UserName) -> Option<Arc<Suspension>> {
        self.suspensions.read().get(user).cloned()
    }

    pub(crate) fn check_not_suspended(&self, user: &UserName) -> Result<(), IdentityError> {
        match self.suspension(user) {
            Some(_) => Err(IdentityError::Suspended(user.clone())),
            None => Ok(()),
        }
    }
}

/// Reads all suspensions and what waits to be told of people.
pub(crate) async fn load(control: &Control) -> Result<(), IdentityError> {
    let end = keyspace::after(keyspace::PEOPLE);
    let (mut from, mut suspensions) = (keyspace::PEOPLE.to_vec(), BTreeMap::new());
    loop {
        let page = control.metadata.scan(Space::CONTROL, &from, Some(&end), limits::SCAN_KEYS).await?;
        for (key, raw) in &page {
            if keyspace::group_of(key) == key.as_ref() {
                let record: PersonRecord = decode(key, raw)?;
                suspensions.insert(record.suspension.user.clone(), Arc::new(record.suspension));
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == limits::SCAN_KEYS => from = [last.as_ref(), b"\0"].concat(),
            _ => break,
        }
    }
    *control.suspensions.write() = suspensions;
    events::load(control, keyspace::PEOPLE).await
}

/// Forgets a person who is deleted.
pub(crate) async fn forget(control: &Control, user: &UserName) -> Result<(), IdentityError> {
    if control.suspension(user).is_none() {
        return Ok(());
    }
    let key = keyspace::person(user);
    let batch = Batch { delete: vec![key.clone()], ..Batch::default() };
    control.commit(&key, batch, Stale::User(user)).await?;
    control.suspensions.write().remove(user);
    Ok(())
}

async fn suspend(control: &Control, by: Actor, user: UserName, reason: String) -> Result<Suspension, IdentityError> {
    check_operator(&by, &user)?;
    user::check_exists(control, &user).await?;
    control.check_not_suspended(&user)?;
    if reason.trim().is_empty() {
        return Err(IdentityError::Invalid { what: "reason", rule: "the person is told why: give one".to_owned() });
    }
    check_prose("reason", &reason, MAX_REASON_CHARS)?;
    let key = keyspace::person(&user);
    let suspension = Suspension { user: user.clone(), at: control.clock.now(), by, reason: reason.clone() };
    let event = control.event(&key, Event::Suspended { user: user.clone(), reason });
    let record = put(key.clone(), &PersonRecord { suspension: suspension.clone() });
    let batch = Batch {
        expect: vec![Expect::Absent(key.clone())],
        put: std::iter::once(record).chain(event).collect(),
        ..Batch::default()
    };
    // In memory first: where the outcome is unknown, they are suspended.
    control.suspensions.write().insert(user.clone(), Arc::new(suspension.clone()));
    match control.commit(&key, batch, Stale::User(&user)).await {
        Err(error @ (IdentityError::Contention | IdentityError::Storage(_))) => {
            control.suspensions.write().remove(&user);
            control.standings.invalidate(&user);
            Err(error)
        }
        outcome => outcome.map(|()| suspension),
    }
}

async fn reactivate(control: &Control, by: Actor, user: &UserName) -> Result<(), IdentityError> {
    check_operator(&by, user)?;
    let suspension = control.suspension(user).ok_or_else(|| IdentityError::NotSuspended(user.clone()))?;
    let key = keyspace::person(user);
    if control.read::<PersonRecord>(&key).await?.is_none() {
        // It was lifted by a commit whose outcome was unknown.
        return lifted(control, user);
    }
    let names: Vec<_> = control.table().by_name.keys().cloned().collect();
    for tenancy in names {
        restore(control, &by, &tenancy, &suspension).await?;
    }
    // The commit point; what was granted before it is not granted twice.
    let event = control.event(&key, Event::Reactivated { user: user.clone() });
    let batch = Batch {
        expect: vec![Expect::Present(key.clone())],
        put: event.into_iter().collect(),
        delete: vec![key.clone()],
        ..Batch::default()
    };
    control.commit(&key, batch, Stale::User(user)).await?;
    lifted(control, user)
}

/// Takes a suspension out of memory, and then what was held of the person while it was there.
fn lifted(control: &Control, user: &UserName) -> Result<(), IdentityError> {
    control.suspensions.write().remove(user);
    control.standings.invalidate(user);
    control.write_through.wake();
    Ok(())
}

/// Grants again in one tenancy what expired during the suspension.
async fn restore(
    control: &Control,
    by: &Actor,
    tenancy: &TenancyName,
    suspension: &Suspension,
) -> Result<(), IdentityError> {
    let now = control.clock.now();
    let found = control.read::<Membership>(&keyspace::role(tenancy, &suspension.user)).await?;
    let standing = found.iter().flat_map(|found| found.value.standing());
    let expired = standing.filter(|grant| {
        let expired = grant.expires.filter(|expires| *expires <= now);
        expired.is_some_and(|expires| suspension.at <= expires && now < expires.plus_secs(RESTORED_SECS))
    });
    for role in expired.map(|grant| grant.role).collect::<Vec<_>>() {
        let live = tenancy::live(control, tenancy).await?;
        let group = keyspace::tenancy(tenancy);
        let expires = Some(now.plus_secs(RESTORED_FOR_SECS));
        let new = NewRole { tenancy: tenancy.clone(), user: suspension.user.clone(), role, expires };
        let grounds = Grounds { by: Some(by.clone()), reason: "expired during a suspension".to_owned(), request: None };
        let granting = role::prepare(control, new, grounds).await?;
        let event = control.event(&group, granting.event());
        let batch = Batch {
            expect: vec![live.unchanged(group.clone()), granting.expect],
            put: std::iter::once(granting.put).chain(event).collect(),
            ..Batch::default()
        };
        control.commit(&group, batch, Stale::User(&suspension.user)).await?;
    }
    Ok(())
}

fn check_operator(actor: &Actor, user: &UserName) -> Result<(), IdentityError> {
    match authority::allows(actor, None, &Act::Operate) {
        true => Ok(()),
        false => {
            Err(IdentityError::NotOperator { actor: actor.clone(), what: format!("suspend or reactivate {user}") })
        }
    }
}
