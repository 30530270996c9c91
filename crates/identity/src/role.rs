//! Roles: what a person is in a tenancy, and until when.

use policy::Role;
use serde::{Deserialize, Serialize};
use storage::{Batch, Expect};
use types::{TenancyName, Timestamp, UserName};

use crate::control::{Control, Stale, put};
use crate::{Actor, Event, Identity, IdentityError, keyspace, tenancy, user};

/// That a person holds a role in a tenancy.
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
}

impl RoleGrant {
    /// Whether the role is held at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A role to be granted. A person has one role in a tenancy: a new one takes the place of the old.
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

impl Identity {
    /// Grants a role.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`], [`IdentityError::NoSuchUser`], [`IdentityError::Invalid`] for an expiry in the
    /// past, and those of the store.
    pub async fn grant_role(&self, new: NewRole) -> Result<RoleGrant, IdentityError> {
        self.change(move |control| async move { grant(&control, new).await }).await
    }

    /// Takes a role away. The person's keys in the tenancy stay, without power.
    ///
    /// # Errors
    /// [`IdentityError::NoRole`] and those of the store.
    pub async fn revoke_role(&self, tenancy: &TenancyName, user: &UserName) -> Result<(), IdentityError> {
        let (tenancy, user) = (tenancy.clone(), user.clone());
        self.change(move |control| async move { revoke(&control, &tenancy, &user).await }).await
    }

    /// The roles in a tenancy, those that have expired too, in the order of people and at most `limit`.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`] and those of the store.
    pub async fn roles(&self, tenancy: &TenancyName, limit: usize) -> Result<Vec<RoleGrant>, IdentityError> {
        if self.tenancy(tenancy).is_none() {
            return Err(IdentityError::NoSuchTenancy(tenancy.clone()));
        }
        self.control.list(&keyspace::roles(tenancy), limit).await
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

async fn grant(control: &Control, new: NewRole) -> Result<RoleGrant, IdentityError> {
    let tenancy = tenancy::live(control, &new.tenancy).await?;
    user::check_exists(control, &new.user).await?;
    control.check_expiry(new.expires)?;
    let NewRole { tenancy: name, user, role, expires } = new;
    let grant = RoleGrant { tenancy: name, user, role, granted: control.clock.now(), expires };
    let group = keyspace::tenancy(&grant.tenancy);
    let key = keyspace::role(&grant.tenancy, &grant.user);
    let renewed = control.read::<RoleGrant>(&key).await?.is_some_and(|old| old.value.role == role);
    let event = Event::GrantCreated {
        tenancy: grant.tenancy.clone(),
        user: grant.user.clone(),
        role,
        expires,
        renewed,
        by: Some(Actor::Operator),
    };
    let event = control.event(&group, event);
    let batch = Batch {
        expect: vec![tenancy.unchanged(group.clone())],
        put: std::iter::once(put(key, &grant)).chain(event).collect(),
        ..Batch::default()
    };
    control.commit(&group, batch, Stale::User(&grant.user)).await?;
    Ok(grant)
}

async fn revoke(control: &Control, tenancy: &TenancyName, user: &UserName) -> Result<(), IdentityError> {
    let key = keyspace::role(tenancy, user);
    let Some(found) = control.read::<RoleGrant>(&key).await? else {
        return Err(IdentityError::NoRole { user: user.clone(), tenancy: tenancy.clone() });
    };
    let event = Event::GrantRevoked {
        tenancy: tenancy.clone(),
        user: user.clone(),
        role: found.value.role,
        by: Actor::Operator,
        reason: String::new(),
    };
    let group = keyspace::tenancy(tenancy);
    let batch = Batch {
        expect: vec![Expect::Present(key.clone())],
        put: control.event(&group, event).into_iter().collect(),
        delete: vec![key],
        ..Batch::default()
    };
    control.commit(&group, batch, Stale::User(user)).await
}
