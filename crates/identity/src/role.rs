//! Roles: what a person is in a tenancy, as grants with a beginning, an end and a history.
//!
//! A grant is for one role. A person may hold several at a time in a tenancy, one of each role; in effect is the
//! strongest, so that who is DEPUTY for a year is USER again afterwards. A new grant of a role takes the place of the one
//! before and names it ([`RoleGrant::previous`]). All grants of a person in a tenancy are one record (`membership`), so that a
//! request needs one read for each tenancy, and the history is kept with it, bounded. [`Identity::tend_roles`] is what
//! time does to grants: warnings before the end, and word of the end.
//!
//! Grants stay as they are where a person is suspended or a tenancy ends; [`crate::Standing::role_in`] says what is in effect.

mod membership;
mod tend;

use policy::Role;
use serde::{Deserialize, Serialize};
use storage::{Batch, Expect};
use types::{TenancyName, Timestamp, UserName};

pub(crate) use membership::Membership;
pub use tend::{EXPIRING_SECS, Tended, WARNING_DAYS};
pub(crate) use tend::{Told, Word};

use crate::authority::{self, Act};
use crate::control::{Control, Stale, check_prose, put};
use crate::request::{RENEWAL_OPENS_SECS, RequestId};
use crate::tenancy::Tenancy;
use crate::term::MAX_TERM_MONTHS;
use crate::{Actor, Event, Identity, IdentityError, keyspace, tenancy, user};

/// The longest reason for a grant or its end, in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// That a person holds a role in a tenancy, or held it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleGrant {
    /// Where.
    pub tenancy: TenancyName,
    /// Who.
    pub user: UserName,
    /// As what.
    pub role: Role,
    /// Since when.
    pub granted: Timestamp,
    /// From when on it counts as not held; never where absent.
    pub expires: Option<Timestamp>,
    /// Its number among the grants of the person in the tenancy, from 1.
    #[serde(default = "first")]
    pub number: u32,
    /// The number of the grant whose place it took.
    #[serde(default)]
    pub previous: Option<u32>,
    /// Who granted it; the tenancy's own setting where absent.
    #[serde(default)]
    pub by: Option<Actor>,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
    /// The request that it answers.
    #[serde(default)]
    pub request: Option<RequestId>,
    /// What ended it before its time.
    #[serde(default)]
    pub end: Option<GrantEnd>,
}

/// What ended a grant, other than time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantEnd {
    /// It was taken away.
    Revoked {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Another grant of the role took its place.
    Replaced {
        /// When.
        at: Timestamp,
    },
}

/// What has become of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// The role is held.
    Active,
    /// It is held for less than [`EXPIRING_SECS`] more.
    Expiring,
    /// Its time is over.
    Expired,
    /// It was taken away.
    Revoked,
    /// Another took its place while it was held.
    Replaced,
}

const fn first() -> u32 {
    1
}

impl RoleGrant {
    /// Whether the grant holds at `now`. Whether it is in effect, [`crate::Standing::role_in`] says.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.end.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    /// From when on its holder can ask for it anew; never for one without an end.
    pub fn renewal_opens(&self) -> Option<Timestamp> {
        self.expires.map(|end| Timestamp(end.0.saturating_sub(RENEWAL_OPENS_SECS * 1_000_000)))
    }

    /// What has become of it at `now`.
    pub fn state(&self, now: Timestamp) -> GrantState {
        let over_at = |moment: Timestamp| self.expires.is_some_and(|expires| expires <= moment);
        match &self.end {
            Some(GrantEnd::Revoked { .. }) => GrantState::Revoked,
            Some(GrantEnd::Replaced { at }) if over_at(*at) => GrantState::Expired,
            Some(GrantEnd::Replaced { .. }) => GrantState::Replaced,
            None if over_at(now) => GrantState::Expired,
            None if over_at(now.plus_secs(EXPIRING_SECS)) => GrantState::Expiring,
            None => GrantState::Active,
        }
    }
}

/// A role to be granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRole {
    /// Where.
    pub tenancy: TenancyName,
    /// To whom.
    pub user: UserName,
    /// Which.
    pub role: Role,
    /// Until when; for good where absent.
    pub expires: Option<Timestamp>,
}

/// A role to be taken away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocation {
    /// Where.
    pub tenancy: TenancyName,
    /// From whom.
    pub user: UserName,
    /// Which; all that they hold where absent.
    pub role: Option<Role>,
    /// Why. The person reads it.
    pub reason: String,
}

impl Revocation {
    /// That all is taken away that a person holds in a tenancy.
    pub fn of_all(tenancy: &TenancyName, user: &UserName, reason: &str) -> Self {
        Self { tenancy: tenancy.clone(), user: user.clone(), role: None, reason: reason.to_owned() }
    }
}

/// Who holds a role in a tenancy, in effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Who.
    pub user: UserName,
    /// The strongest that they hold.
    pub role: Role,
}

/// On what grounds a role is granted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grounds {
    pub(crate) by: Option<Actor>,
    pub(crate) reason: String,
    pub(crate) request: Option<RequestId>,
}

impl Identity {
    /// Grants a role as the operator.
    ///
    /// # Errors
    /// As for [`Self::grant_role_as`].
    pub async fn grant_role(&self, new: NewRole) -> Result<RoleGrant, IdentityError> {
        self.grant_role_as(&Actor::Operator, new, "").await
    }

    /// Grants a role, in place of the grant of the same role that the person has. People grant for at most 10 years.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NoSuchTenancy`], [`IdentityError::NoSuchUser`],
    /// [`IdentityError::Suspended`], [`IdentityError::Invalid`] for an expiry in the past or too far away, and those of the
    /// store.
    pub async fn grant_role_as(&self, actor: &Actor, new: NewRole, reason: &str) -> Result<RoleGrant, IdentityError> {
        let grounds = Grounds { by: Some(actor.clone()), reason: reason.to_owned(), request: None };
        let actor = actor.clone();
        self.change(move |control| async move {
            authority::check(&control, &actor, &new.tenancy, &Act::Grant { user: &new.user, role: new.role }).await?;
            grant(&control, &actor, new, grounds).await
        })
        .await
    }

    /// Grants a role anew that the person holds or held until it expired; the strongest of them where `role` is absent.
    ///
    /// # Errors
    /// [`IdentityError::NoRole`] where there is nothing to renew, and as for [`Self::grant_role_as`].
    pub async fn renew_role(
        &self,
        actor: &Actor,
        tenancy: &TenancyName,
        user: &UserName,
        role: Option<Role>,
        expires: Option<Timestamp>,
    ) -> Result<RoleGrant, IdentityError> {
        let (actor, tenancy, user) = (actor.clone(), tenancy.clone(), user.clone());
        self.change(move |control| async move {
            let membership = membership::read(&control, &tenancy, &user).await?.map(|found| found.value);
            let held = membership.iter().flat_map(Membership::standing).map(|grant| grant.role);
            let held = held.filter(|held| role.is_none_or(|role| *held == role)).max();
            let role = held.ok_or_else(|| IdentityError::NoRole { user: user.clone(), tenancy: tenancy.clone() })?;
            authority::check(&control, &actor, &tenancy, &Act::Grant { user: &user, role }).await?;
            let grounds = Grounds { by: Some(actor.clone()), ..Grounds::default() };
            grant(&control, &actor, NewRole { tenancy, user, role, expires }, grounds).await
        })
        .await
    }

    /// Takes a role away, or all that the person holds in the tenancy. Their keys there stay, without power where no role
    /// is left. Answers what was taken.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], [`IdentityError::NoRole`] where nothing is held, [`IdentityError::Invalid`] without a
    /// reason, and those of the store.
    pub async fn revoke_role(&self, actor: &Actor, revocation: Revocation) -> Result<Vec<RoleGrant>, IdentityError> {
        let actor = actor.clone();
        self.change(move |control| async move { revoke(&control, &actor, &revocation).await }).await
    }

    /// The grants in a tenancy that no other took the place of and nobody took away, those that have expired too, in the
    /// order of people and at most `limit`.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn roles(&self, tenancy: &TenancyName, limit: usize) -> Result<Vec<RoleGrant>, IdentityError> {
        if self.tenancy(tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(tenancy.clone()));
        }
        let memberships = self.control.list::<Membership>(&keyspace::roles(tenancy), limit).await?;
        Ok(memberships.iter().flat_map(Membership::standing).take(limit).cloned().collect())
    }

    /// Every grant of a person in a tenancy that is remembered, oldest first.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn role_history(&self, tenancy: &TenancyName, user: &UserName) -> Result<Vec<RoleGrant>, IdentityError> {
        if self.tenancy(tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(tenancy.clone()));
        }
        let found = membership::read(&self.control, tenancy, user).await?;
        Ok(found.iter().flat_map(|found| found.value.grants()).cloned().collect())
    }

    /// Everyone who holds a role in the tenancy that is in effect at `now`, in the order of people, with the strongest one.
    /// People whom the directory has disabled are among them.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn holders(&self, tenancy: &TenancyName, now: Timestamp) -> Result<Vec<Holder>, IdentityError> {
        let known = self.tenancy(tenancy).ok_or_else(|| IdentityError::NoSuchTenancy(tenancy.clone()))?;
        holders(&self.control, &known, now).await
    }

    /// The role that a person holds in a tenancy at `now`, from memory where it was asked for before.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn role_of(
        &self,
        tenancy: &TenancyName,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<Role>, IdentityError> {
        Ok(self.standing(user).await?.and_then(|standing| standing.role_in(tenancy, now)))
    }
}

/// Everyone who holds a role in a tenancy that is in effect at `now`, as [`Identity::holders`].
pub(crate) async fn holders(
    control: &Control,
    tenancy: &Tenancy,
    now: Timestamp,
) -> Result<Vec<Holder>, IdentityError> {
    let memberships = control.list::<Membership>(&keyspace::roles(&tenancy.name), usize::MAX).await?;
    let in_effect = memberships.into_iter().filter(|of| control.suspension(&of.user).is_none());
    let holders = in_effect.filter_map(|of| {
        let role = strongest(of.standing(), tenancy.ends, now)?;
        Some(Holder { user: of.user, role })
    });
    Ok(holders.collect())
}

/// The strongest role among `grants`, all of one person in one tenancy that ends at `ends`, that is in effect at `now`. When
/// a tenancy has ended, only its managers are left.
pub(crate) fn strongest<'a>(
    grants: impl IntoIterator<Item = &'a RoleGrant>,
    ends: Option<Timestamp>,
    now: Timestamp,
) -> Option<Role> {
    let has_ended = ends.is_some_and(|ends| ends <= now);
    let active = grants.into_iter().filter(|grant| grant.is_active(now)).map(|grant| grant.role).max();
    active.filter(|role| !has_ended || *role == Role::Manager)
}

/// A grant that is ready to be committed in the tenancy's group.
pub(crate) struct Granting {
    pub(crate) grant: RoleGrant,
    /// Whether the person held the role already.
    pub(crate) is_renewal: bool,
    pub(crate) expect: Expect,
    pub(crate) put: (Vec<u8>, bytes::Bytes),
}

impl Granting {
    /// What tells the person of it.
    pub(crate) fn event(&self) -> Event {
        let RoleGrant { tenancy, user, role, expires, by, .. } = self.grant.clone();
        Event::GrantCreated { tenancy, user, role, expires, renewed: self.is_renewal, by }
    }
}

/// Prepares a grant, for the batch that makes it with whatever else happens.
pub(crate) async fn prepare(control: &Control, new: NewRole, grounds: Grounds) -> Result<Granting, IdentityError> {
    let NewRole { tenancy, user, role, expires } = new;
    let key = keyspace::role(&tenancy, &user);
    let found = membership::read(control, &tenancy, &user).await?;
    let expect = found.as_ref().map_or_else(|| Expect::Absent(key.clone()), |found| found.unchanged(key.clone()));
    let mut membership = found.map_or_else(|| Membership::new(tenancy, user), |found| found.value);
    let now = control.clock.now();
    let is_renewal = membership.standing().any(|grant| grant.role == role && grant.is_active(now));
    let grant = membership.grant(role, now, expires, grounds);
    Ok(Granting { grant, is_renewal, expect, put: put(key, &membership) })
}

/// Checks until when `actor` may grant a role.
pub(crate) fn check_end(control: &Control, actor: &Actor, expires: Option<Timestamp>) -> Result<(), IdentityError> {
    control.check_expiry(expires)?;
    let latest = control.clock.now().plus_months(MAX_TERM_MONTHS);
    match (actor, expires) {
        (Actor::Operator, _) => Ok(()),
        (Actor::Person(_), Some(expires)) if expires <= latest => Ok(()),
        (Actor::Person(_), _) => {
            let rule = format!("a role is granted until a moment of the next 10 years, at most {latest}");
            Err(IdentityError::Invalid { what: "expiry", rule })
        }
    }
}

async fn grant(control: &Control, actor: &Actor, new: NewRole, grounds: Grounds) -> Result<RoleGrant, IdentityError> {
    let tenancy = tenancy::live(control, &new.tenancy).await?;
    user::check_exists(control, &new.user).await?;
    control.check_not_suspended(&new.user)?;
    check_end(control, actor, new.expires)?;
    check_prose("reason", &grounds.reason, MAX_REASON_CHARS)?;
    let group = keyspace::tenancy(&new.tenancy);
    let granting = prepare(control, new, grounds).await?;
    let event = control.event(&group, granting.event());
    let batch = Batch {
        expect: vec![tenancy.unchanged(group.clone()), granting.expect],
        put: std::iter::once(granting.put).chain(event).collect(),
        ..Batch::default()
    };
    control.commit(&group, batch, Stale::User(&granting.grant.user)).await?;
    Ok(granting.grant)
}

async fn revoke(control: &Control, actor: &Actor, revocation: &Revocation) -> Result<Vec<RoleGrant>, IdentityError> {
    let Revocation { tenancy, user, role, reason } = revocation;
    let none = || IdentityError::NoRole { user: user.clone(), tenancy: tenancy.clone() };
    let found = membership::read(control, tenancy, user).await?.ok_or_else(none)?;
    let now = control.clock.now();
    let active = found.value.standing().filter(|grant| grant.is_active(now)).map(|grant| grant.role);
    let roles: Vec<Role> = active.filter(|held| role.is_none_or(|role| role == *held)).collect();
    for role in &roles {
        authority::check(control, actor, tenancy, &Act::Revoke { user, role: *role }).await?;
    }
    if roles.is_empty() {
        // Who may not take it does not learn whether it is held.
        authority::check(control, actor, tenancy, &Act::Revoke { user, role: role.unwrap_or(Role::User) }).await?;
        return Err(none());
    }
    if reason.trim().is_empty() {
        return Err(IdentityError::Invalid { what: "reason", rule: "the person is told why: give one".to_owned() });
    }
    check_prose("reason", reason, MAX_REASON_CHARS)?;

    let (group, key) = (keyspace::tenancy(tenancy), keyspace::role(tenancy, user));
    let mut membership = found.value.clone();
    let (mut revoked, mut events) = (Vec::new(), Vec::new());
    for role in roles {
        let end = GrantEnd::Revoked { at: now, by: actor.clone(), reason: reason.clone() };
        revoked.extend(membership.end(role, end));
        let (tenancy, user) = (tenancy.clone(), user.clone());
        let event = Event::GrantRevoked { tenancy, user, role, by: actor.clone(), reason: reason.clone() };
        events.extend(control.event(&group, event));
    }
    let batch = Batch {
        expect: vec![found.unchanged(key.clone())],
        put: std::iter::once(put(key, &membership)).chain(events).collect(),
        ..Batch::default()
    };
    control.commit(&group, batch, Stale::User(user)).await?;
    Ok(revoked)
}

#[cfg(test)]
mod tests;
