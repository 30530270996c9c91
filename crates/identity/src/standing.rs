//! What a person is in all tenancies together.

use std::collections::BTreeSet;
use std::sync::Arc;

use policy::Role;
use types::{TenancyName, Timestamp, UserName};

use crate::control::Control;
use crate::directory::TenancyGroups;
use crate::group::TenancyGroup;
use crate::role::RoleGrant;
use crate::user::User;
use crate::{Identity, IdentityError, keyspace, session};

/// A person and what they are in every tenancy: all that a request of theirs needs to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The person.
    pub user: User,
    /// Their roles, those that have expired too, in the order of tenancies.
    pub roles: Vec<RoleGrant>,
    /// The directory's own groups that they are in.
    pub directory_groups: Vec<String>,
    /// The moment up to which their sessions were ended, if ever.
    pub sessions_ended: Option<Timestamp>,
}

impl Standing {
    /// The role held in `tenancy` at `now`.
    pub fn role_in(&self, tenancy: &TenancyName, now: Timestamp) -> Option<Role> {
        self.roles.iter().find(|grant| grant.tenancy == *tenancy && grant.is_active(now)).map(|grant| grant.role)
    }

    /// The directory's groups, and of each tenancy in which a role is held at `now`, `<tenancy>-members` and
    /// `<tenancy>-deputies` or `<tenancy>-managers`. Sorted.
    pub fn groups(&self, now: Timestamp) -> Vec<String> {
        let active = self.roles.iter().filter(|grant| grant.is_active(now));
        let of_roles = active.flat_map(|grant| {
            let kinds = TenancyGroup::ALL.into_iter().filter(|kind| kind.includes(grant.role));
            kinds.map(|kind| kind.name_in(&grant.tenancy))
        });
        let groups: BTreeSet<String> = self.directory_groups.iter().cloned().chain(of_roles).collect();
        groups.into_iter().collect()
    }
}

/// A standing as it is held in memory.
#[derive(Debug)]
pub(crate) struct Known {
    /// `None` where there is no such person.
    standing: Option<Arc<Standing>>,
    /// When it was looked at, and from when on it has to be looked at again for what the directory says.
    since: Timestamp,
    until: Timestamp,
}

impl Identity {
    /// A person with all roles, from memory where that is fresh enough: see [`crate::directory`]. `None` where the
    /// directory says that there is no such person.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`] where the directory did not tell of them within the grace, and those of the
    /// store.
    pub async fn standing(&self, name: &UserName) -> Result<Option<Arc<Standing>>, IdentityError> {
        let control = &self.control;
        let now = control.clock.now();
        let ticket = control.standings.ticket();
        let held = control.standings.get(name);
        // A clock that was set back makes every age unknown.
        if let Some(known) = held.as_ref().filter(|known| known.since <= now && now < known.until) {
            return Ok(known.standing.clone());
        }
        let known = Arc::new(load(control, name, held.as_deref()).await?);
        control.standings.fill(ticket, name.clone(), Arc::clone(&known));
        Ok(known.standing.clone())
    }
}

/// What a person is now. What the store says is read anew where none is held: a change of it empties what is held.
async fn load(control: &Control, name: &UserName, held: Option<&Known>) -> Result<Known, IdentityError> {
    let said = control.directories.known(name).await?;
    let (since, until) = (control.clock.now(), said.until);
    let Some(person) = said.person else { return Ok(Known { standing: None, since, until }) };
    let (roles, sessions_ended) = match held.and_then(|known| known.standing.as_ref()) {
        Some(standing) => (standing.roles.clone(), standing.sessions_ended),
        None => (roles(control, name).await?, session::ended_until(control, name).await?),
    };
    let directory_groups = counted_groups(control, &person.groups);
    let standing = Standing { user: person.user.clone(), roles, directory_groups, sessions_ended };
    Ok(Known { standing: Some(Arc::new(standing)), since, until })
}

async fn roles(control: &Control, name: &UserName) -> Result<Vec<RoleGrant>, IdentityError> {
    let mut roles = Vec::new();
    for tenancy in control.table().by_name.keys() {
        let role = control.read::<RoleGrant>(&keyspace::role(tenancy, name)).await?;
        roles.extend(role.map(|role| role.value));
    }
    Ok(roles)
}

/// The directory's groups but for those of tenancies, where these follow from roles alone.
fn counted_groups(control: &Control, groups: &[String]) -> Vec<String> {
    let tenancy_groups = control.directories.external().map(|external| external.tenancy_groups).unwrap_or_default();
    if tenancy_groups == TenancyGroups::Read {
        return groups.to_vec();
    }
    let table = control.table();
    let is_of_tenancy =
        |group: &str| TenancyGroup::tenancy_of(group).is_some_and(|name| table.by_name.contains_key(name));
    groups.iter().filter(|group| !is_of_tenancy(group)).cloned().collect()
}
