//! All grants of a person in a tenancy, as one record.

use policy::Role;
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp, UserName};

use super::tend::Told;
use super::{GrantEnd, Grounds, RoleGrant};
use crate::control::{Control, Stored};
use crate::{IdentityError, keyspace};

/// The most grants that are remembered of a person in a tenancy.
const MAX_GRANTS: usize = 50;
/// The longest record, in bytes, within [`storage::limits::VALUE_BYTES`]; the oldest grants that have ended are forgotten
/// first.
const MAX_BYTES: usize = 48 * 1024;

/// What a person is and was in a tenancy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "StoredMembership")]
pub(crate) struct Membership {
    pub(crate) tenancy: TenancyName,
    pub(crate) user: UserName,
    /// Oldest first. There is always one.
    grants: Vec<GrantRecord>,
}

/// A grant, and what its holder was told of its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct GrantRecord {
    #[serde(flatten)]
    pub(super) grant: RoleGrant,
    #[serde(default)]
    pub(super) told: Told,
}

/// The record as it is stored: all grants, or the only one, as a store has it that was written when there was one at a time.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredMembership {
    All { tenancy: TenancyName, user: UserName, grants: Vec<GrantRecord> },
    One(RoleGrant),
}

impl From<StoredMembership> for Membership {
    fn from(stored: StoredMembership) -> Self {
        match stored {
            StoredMembership::All { tenancy, user, grants } => Self { tenancy, user, grants },
            StoredMembership::One(grant) => Self {
                tenancy: grant.tenancy.clone(),
                user: grant.user.clone(),
                grants: vec![GrantRecord { grant, told: Told::default() }],
            },
        }
    }
}

pub(super) async fn read(
    control: &Control,
    tenancy: &TenancyName,
    user: &UserName,
) -> Result<Option<Stored<Membership>>, IdentityError> {
    control.read(&keyspace::role(tenancy, user)).await
}

impl Membership {
    pub(crate) fn new(tenancy: TenancyName, user: UserName) -> Self {
        Self { tenancy, user, grants: Vec::new() }
    }

    /// Every grant that is remembered, oldest first.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &RoleGrant> {
        self.grants.iter().map(|record| &record.grant)
    }

    /// Those that nothing ended but perhaps time: at most one of each role.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &RoleGrant> {
        self.grants().filter(|grant| grant.end.is_none())
    }

    /// Those, with what was told of them.
    pub(super) fn standing_records(&mut self) -> impl Iterator<Item = &mut GrantRecord> {
        self.grants.iter_mut().filter(|record| record.grant.end.is_none())
    }

    /// Adds a grant, in place of the standing one of the same role.
    pub(super) fn grant(
        &mut self,
        role: Role,
        now: Timestamp,
        expires: Option<Timestamp>,
        grounds: Grounds,
    ) -> RoleGrant {
        let previous = self.end(role, GrantEnd::Replaced { at: now }).map(|grant| grant.number);
        let grant = RoleGrant {
            tenancy: self.tenancy.clone(),
            user: self.user.clone(),
            role,
            granted: now,
            expires,
            number: self.grants().map(|grant| grant.number).max().unwrap_or(0) + 1,
            previous,
            by: grounds.by,
            reason: grounds.reason,
            request: grounds.request,
            end: None,
        };
        let told = Told::at_grant(&grant);
        self.grants.push(GrantRecord { grant: grant.clone(), told });
        self.forget();
        grant
    }

    /// Ends the standing grant of `role`, if there is one.
    pub(super) fn end(&mut self, role: Role, end: GrantEnd) -> Option<RoleGrant> {
        let record = self.standing_records().find(|record| record.grant.role == role)?;
        record.grant.end = Some(end);
        let ended = record.grant.clone();
        self.forget();
        Some(ended)
    }

    /// Forgets the oldest grants that were ended, until the record is within its bounds.
    fn forget(&mut self) {
        while self.grants.len() > MAX_GRANTS || self.length() > MAX_BYTES {
            let Some(oldest) = self.grants.iter().position(|record| record.grant.end.is_some()) else { return };
            self.grants.remove(oldest);
        }
    }

    fn length(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |json| json.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;

    fn membership() -> Membership {
        Membership::new(TenancyName::new("t").expect("a name"), UserName::new("ann").expect("a name"))
    }

    #[test]
    fn a_record_of_one_grant_is_read() {
        let old = r#"{"tenancy":"t","user":"ann","role":"DEPUTY","granted":5,"expires":null}"#;
        let read: Membership = serde_json::from_str(old).expect("read");
        let grants: Vec<_> = read.standing().collect();
        assert_eq!((grants.len(), grants[0].role, grants[0].number), (1, Role::Deputy, 1));
        assert_eq!((grants[0].granted, grants[0].expires, grants[0].by.clone()), (Timestamp(5), None, None));
        let written = serde_json::to_string(&read).expect("written");
        assert_eq!(serde_json::from_str::<Membership>(&written).expect("read"), read);
    }

    #[test]
    fn grants_of_a_role_are_a_chain_and_roles_stand_beside_each_other() {
        let mut membership = membership();
        for (role, previous) in [
            (Role::User, None),
            (Role::Manager, None),
            (Role::User, Some(1)),
            (Role::User, Some(3)),
            (Role::Deputy, None),
            (Role::Manager, Some(2)),
        ] {
            let grant = membership.grant(role, Timestamp(1), None, Grounds::default());
            assert_eq!(grant.previous, previous, "{role}");
        }
        let standing: Vec<_> = membership.standing().map(|grant| (grant.number, grant.role)).collect();
        assert_eq!(standing, [(4, Role::User), (5, Role::Deputy), (6, Role::Manager)]);
        assert_eq!(membership.grants().count(), 6);
    }

    /// However long the reasons: the record fits, what stands is never forgotten, and numbers are never given twice.
    #[test]
    fn history_is_bounded() {
        let mut membership = membership();
        membership.grant(Role::Manager, Timestamp(1), None, Grounds::default());
        for n in 2..300 {
            let reason = "\u{1F4BE}".repeat(super::super::MAX_REASON_CHARS);
            let grounds = Grounds { reason: reason.clone(), ..Grounds::default() };
            let grant = membership.grant(Role::User, Timestamp(n), None, grounds);
            assert_eq!(u64::from(grant.number), n);
            let end = GrantEnd::Revoked { at: Timestamp(n), by: Actor::Operator, reason };
            membership.end(Role::User, end).expect("ended");
            assert!(membership.length() <= MAX_BYTES);
            assert!(membership.grants().any(|grant| grant.role == Role::Manager));
        }
        for n in 300..400 {
            membership.grant(Role::User, Timestamp(n), None, Grounds::default());
        }
        assert_eq!(membership.grants().count(), MAX_GRANTS);
    }
}
