//! Who may change what about tenancies and members: one table, for every way in.
//!
//! The operator may do everything here. What a person may do follows from the role that they hold in the tenancy at that
//! moment. Two rules go across: **nobody decides about themselves**, and everybody may give up a role. What is asked of
//! S3 itself is decided in the crate `policy`.

use policy::Role;
use types::{TenancyName, UserName};

use crate::control::Control;
use crate::{Actor, Identity, IdentityError, standing};

/// Something that not everybody may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act<'a> {
    /// To approve or reject someone's request for a role, or to ask about it.
    DecideJoin {
        /// Who asks.
        asker: &'a UserName,
        /// For what.
        role: Role,
    },
    /// To decide on a request for a tenancy or for quota.
    DecideResources,
    /// To ask for more quota.
    AskForQuota,
    /// To grant or renew a role.
    Grant {
        /// To whom.
        user: &'a UserName,
        /// Which.
        role: Role,
    },
    /// To take a role away, or to give it up.
    Revoke {
        /// From whom.
        user: &'a UserName,
        /// Which.
        role: Role,
    },
    /// To see who holds which role, until when, and how they came by it.
    SeeMembers,
    /// To see the managers and deputies.
    SeeManagers,
    /// To see what others ask for in the tenancy.
    SeeRequests,
    /// To write to members.
    SendMessage,
    /// To say what the tenancy is for and how people come into it.
    DescribeTenancy,
    /// To give a bucket to another owner.
    GiveBucket,
    /// What only the operator does: to make and change tenancies, to suspend people and to reactivate them.
    Operate,
}

impl Act<'_> {
    /// What the act is, after "may not".
    fn words(&self) -> String {
        match self {
            Self::DecideJoin { role, .. } => format!("decide on this request for {role}"),
            Self::DecideResources => "decide on requests for tenancies and quota; operators do".to_owned(),
            Self::AskForQuota => "ask for more quota; managers and deputies do".to_owned(),
            Self::Grant { user, role } => format!("grant {role} to {user}"),
            Self::Revoke { user, role } => format!("take {role} from {user}"),
            Self::SeeMembers => "see the members".to_owned(),
            Self::SeeManagers => "see the managers".to_owned(),
            Self::SeeRequests => "see the requests of others".to_owned(),
            Self::SendMessage => "write to the members".to_owned(),
            Self::DescribeTenancy => "change the tenancy".to_owned(),
            Self::GiveBucket => "give a bucket to another owner".to_owned(),
            Self::Operate => "do what only operators do".to_owned(),
        }
    }
}

/// Whether `actor`, who holds the role `held` in the tenancy that the act is about, may do it.
pub fn allows(actor: &Actor, held: Option<Role>, act: &Act<'_>) -> bool {
    let Actor::Person(person) = actor else { return true };
    let leads = matches!(held, Some(Role::Deputy | Role::Manager));
    let manages = held == Some(Role::Manager);
    // Deputies see to the users, managers to everybody.
    let sees_to = |role| if role == Role::User { leads } else { manages };
    match act {
        Act::DecideJoin { asker: user, role } | Act::Grant { user, role } => person != *user && sees_to(*role),
        Act::Revoke { user, role } => person == *user || sees_to(*role),
        Act::AskForQuota | Act::SeeMembers | Act::SeeRequests | Act::SendMessage => leads,
        Act::SeeManagers => held.is_some(),
        Act::DescribeTenancy | Act::GiveBucket => manages,
        Act::DecideResources | Act::Operate => false,
    }
}

impl Identity {
    /// Whether `actor` may do this in `tenancy` now: for a way in that shows only what can be done. Each change asks again.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn may(&self, actor: &Actor, tenancy: &TenancyName, act: &Act<'_>) -> Result<bool, IdentityError> {
        may(&self.control, actor, tenancy, act).await
    }

    /// Refuses what `actor` may not do in `tenancy` now.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], and those of the directory and the store.
    pub async fn check_may(&self, actor: &Actor, tenancy: &TenancyName, act: &Act<'_>) -> Result<(), IdentityError> {
        check(&self.control, actor, tenancy, act).await
    }
}

pub(crate) async fn may(
    control: &Control,
    actor: &Actor,
    tenancy: &TenancyName,
    act: &Act<'_>,
) -> Result<bool, IdentityError> {
    let held = match actor {
        Actor::Operator => None,
        Actor::Person(name) => {
            let standing = standing::standing(control, name).await?;
            standing.and_then(|standing| standing.role_in(tenancy, control.clock.now()))
        }
    };
    Ok(allows(actor, held, act))
}

pub(crate) async fn check(
    control: &Control,
    actor: &Actor,
    tenancy: &TenancyName,
    act: &Act<'_>,
) -> Result<(), IdentityError> {
    match may(control, actor, tenancy, act).await? {
        true => Ok(()),
        false => Err(not_allowed(actor, tenancy, act)),
    }
}

pub(crate) fn not_allowed(actor: &Actor, tenancy: &TenancyName, act: &Act<'_>) -> IdentityError {
    IdentityError::NotAllowed { actor: actor.clone(), tenancy: tenancy.clone(), what: act.words() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each act, and who may do it: nobody in particular, USER, DEPUTY, MANAGER, operator.
    #[test]
    fn the_table_of_the_documentation_holds() {
        let (me, other) = (UserName::new("me").expect("a name"), UserName::new("other").expect("a name"));
        let roles = [None, Some(Role::User), Some(Role::Deputy), Some(Role::Manager)];
        let person = Actor::Person(me.clone());
        for (act, expected) in [
            (Act::DecideJoin { asker: &other, role: Role::User }, [false, false, true, true]),
            (Act::DecideJoin { asker: &other, role: Role::Deputy }, [false, false, false, true]),
            (Act::DecideJoin { asker: &other, role: Role::Manager }, [false, false, false, true]),
            (Act::DecideJoin { asker: &me, role: Role::User }, [false; 4]),
            (Act::DecideJoin { asker: &me, role: Role::Manager }, [false; 4]),
            (Act::Grant { user: &other, role: Role::User }, [false, false, true, true]),
            (Act::Grant { user: &other, role: Role::Deputy }, [false, false, false, true]),
            (Act::Grant { user: &other, role: Role::Manager }, [false, false, false, true]),
            (Act::Grant { user: &me, role: Role::Manager }, [false; 4]),
            (Act::Revoke { user: &other, role: Role::User }, [false, false, true, true]),
            (Act::Revoke { user: &other, role: Role::Deputy }, [false, false, false, true]),
            (Act::Revoke { user: &other, role: Role::Manager }, [false, false, false, true]),
            (Act::Revoke { user: &me, role: Role::Manager }, [true; 4]),
            (Act::DecideResources, [false; 4]),
            (Act::AskForQuota, [false, false, true, true]),
            (Act::SeeMembers, [false, false, true, true]),
            (Act::SeeManagers, [false, true, true, true]),
            (Act::SeeRequests, [false, false, true, true]),
            (Act::SendMessage, [false, false, true, true]),
            (Act::DescribeTenancy, [false, false, false, true]),
            (Act::GiveBucket, [false, false, false, true]),
            (Act::Operate, [false; 4]),
        ] {
            assert_eq!(roles.map(|held| allows(&person, held, &act)), expected, "{act:?}");
            assert!(allows(&Actor::Operator, None, &act), "{act:?}");
        }
    }
}
