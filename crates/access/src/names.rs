//! People and names, for questions about policies: who could be meant, and who is meant in vain.

use identity::directory::MAX_FOUND;
use identity::{IdentityError, Standing, TenancyGroup, UserStatus};
use policy::{Caller, Names, Principal};
use types::TenancyName;

use crate::Access;

impl Access {
    /// Those who hold a role in `tenancy` and may use it, as their requests would be with a key without bounds. At most
    /// `limit` grants are looked at.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn members(&self, tenancy: &TenancyName, limit: usize) -> Result<Vec<Principal>, IdentityError> {
        let mut members: Vec<Principal> = Vec::new();
        for grant in self.identity().roles(tenancy, limit).await? {
            if members.iter().any(|known| known.user() == Some(&grant.user)) {
                continue;
            }
            let standing = self.identity().standing(&grant.user).await?;
            if let Some(standing) = standing.filter(|standing| standing.user.status == UserStatus::Active) {
                members.push(self.principal_of(tenancy, &standing));
            }
        }
        Ok(members)
    }

    /// A person as their requests to `tenancy` would be, with a key without bounds.
    pub fn principal_of(&self, tenancy: &TenancyName, standing: &Standing) -> Principal {
        let now = self.clock().now();
        Principal {
            caller: Caller::Person { name: standing.user.name.clone(), key: None },
            role: standing.role_in(tenancy, now),
            groups: standing.groups(now),
            ..Principal::anonymous(tenancy.clone())
        }
    }

    /// Those of the names that nobody has.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn missing(&self, names: Names) -> Result<Names, IdentityError> {
        let mut missing = Names::default();
        for person in names.people {
            if self.identity().user(&person).await?.is_none() {
                missing.people.push(person);
            }
        }
        for group in names.groups {
            if !self.is_group(&group).await? {
                missing.groups.push(group);
            }
        }
        missing.tenancies =
            names.tenancies.into_iter().filter(|name| self.identity().tenancy(name).is_none()).collect();
        Ok(missing)
    }

    async fn is_group(&self, group: &str) -> Result<bool, IdentityError> {
        let is_of = |tenancy: &TenancyName| TenancyGroup::ALL.iter().any(|kind| kind.name_in(tenancy) == group);
        if self.identity().tenancies().iter().any(|tenancy| is_of(&tenancy.name)) {
            return Ok(true);
        }
        let found = self.identity().directory().search_groups(group, MAX_FOUND).await?;
        Ok(found.iter().any(|name| name == group))
    }
}
