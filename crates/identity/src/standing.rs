//! What a person is in all tenancies together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use policy::Role;
use types::{TenancyName, Timestamp, UserName};

use crate::control::Control;
use crate::directory::TenancyGroups;
use crate::group::TenancyGroup;
use crate::role::{self, Membership, RoleGrant};
use crate::suspension::Suspension;
use crate::user::User;
use crate::{Identity, IdentityError, keyspace, session};

/// A person and what they are in every tenancy: all that a request of theirs needs to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The person.
    pub user: User,
    /// Their grants that no other took the place of and nobody took away, those that have expired too, in the order of
    /// tenancies.
    pub roles: Vec<RoleGrant>,
    /// The directory's own groups that they are in.
    pub directory_groups: Vec<String>,
    /// The moment up to which their sessions were ended, if ever.
    pub sessions_ended: Option<Timestamp>,
    /// That nothing of theirs works.
    pub suspension: Option<Arc<Suspension>>,
    /// When those of the tenancies end that do.
    ends: BTreeMap<TenancyName, Timestamp>,
}

impl Standing {
    /// The grant because of which `role` in `tenancy` can not be asked for at `now`: the longest of those held that give as
    /// much, where it can not be renewed yet.
    pub fn grant_in_the_way(&self, tenancy: &TenancyName, role: Role, now: Timestamp) -> Option<&RoleGrant> {
        let held = self.roles.iter().filter(|grant| grant.tenancy == *tenancy && grant.role >= role);
        // A grant without an end lasts longest.
        let longest =
            held.filter(|grant| grant.is_active(now)).max_by_key(|grant| grant.expires.map_or(u64::MAX, |e| e.0));
        longest.filter(|grant| grant.renewal_opens().is_none_or(|opens| now < opens))
    }

    /// The role in effect in `tenancy` at `now`: the strongest that is held. None is while the person is suspended, and
    /// only MANAGER is when the tenancy has ended.
    pub fn role_in(&self, tenancy: &TenancyName, now: Timestamp) -> Option<Role> {
        if self.suspension.is_some() {
            return None;
        }
        let grants = self.roles.iter().filter(|grant| grant.tenancy == *tenancy);
        role::strongest(grants, self.ends.get(tenancy).copied(), now)
    }

    /// The directory's groups, and of each tenancy in which a role is in effect at `now`, `<tenancy>-members` and
    /// `<tenancy>-deputies` or `<tenancy>-managers`. Sorted.
    pub fn groups(&self, now: Timestamp) -> Vec<String> {
        let tenancies: BTreeSet<&TenancyName> = self.roles.iter().map(|grant| &grant.tenancy).collect();
        let in_effect = tenancies.into_iter().filter_map(|name| Some((name, self.role_in(name, now)?)));
        let of_roles = in_effect.flat_map(|(name, role)| {
            let kinds = TenancyGroup::ALL.into_iter().filter(move |kind| kind.includes(role));
            kinds.map(|kind| kind.name_in(name))
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
        standing(&self.control, name).await
    }
}

/// As [`Identity::standing`].
pub(crate) async fn standing(control: &Control, name: &UserName) -> Result<Option<Arc<Standing>>, IdentityError> {
    let now = control.clock.now();
    // A clock that was set back makes every age unknown.
    if let Some(known) = control.standings.get(name).filter(|known| known.since <= now && now < known.until) {
        return Ok(known.standing.clone());
    }
    let ticket = control.standings.ticket();
    let held = control.standings.get(name);
    let known = Arc::new(load(control, name, held.as_deref()).await?);
    control.standings.fill(ticket, name.clone(), Arc::clone(&known));
    Ok(known.standing.clone())
}

/// What a person is now. What the store says is read anew where none is held: a change of it empties what is held.
async fn load(control: &Control, name: &UserName, held: Option<&Known>) -> Result<Known, IdentityError> {
    let said = control.directories.known(name).await?;
    let (since, until) = (control.clock.now(), said.until);
    let Some(person) = said.person else { return Ok(Known { standing: None, since, until }) };
    let (roles, ends, sessions_ended) = match held.and_then(|known| known.standing.as_ref()) {
        Some(standing) => (standing.roles.clone(), standing.ends.clone(), standing.sessions_ended),
        None => {
            let (roles, ends) = roles(control, name).await?;
            (roles, ends, session::ended_until(control, name).await?)
        }
    };
    let directory_groups = counted_groups(control, &person.groups);
    let suspension = control.suspension(name);
    let user = person.user.clone();
    let standing = Standing { user, roles, directory_groups, sessions_ended, suspension, ends };
    Ok(Known { standing: Some(Arc::new(standing)), since, until })
}

/// The standing grants of a person, and the ends of their tenancies.
async fn roles(
    control: &Control,
    name: &UserName,
) -> Result<(Vec<RoleGrant>, BTreeMap<TenancyName, Timestamp>), IdentityError> {
    let (mut roles, mut ends) = (Vec::new(), BTreeMap::new());
    for tenancy in control.table().by_name.values() {
        if let Some(membership) = control.read::<Membership>(&keyspace::role(&tenancy.name, name)).await? {
            roles.extend(membership.value.standing().cloned());
            ends.extend(tenancy.ends.map(|moment| (tenancy.name.clone(), moment)));
        }
    }
    Ok((roles, ends))
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
