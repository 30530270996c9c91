//! Write-through: the groups of tenancies in an external directory follow from the roles that are held.
//!
//! Nothing remembers what has to be written. A run works out the members that each group should have from the roles
//! active now, compares that with the directory, and applies the difference. So a run may be broken off and repeated at
//! will, what failed is tried again by the next, and what somebody changed by hand is found. A change of roles calls
//! for a run ([`Identity::role_changes`]); one is due now and then all the same, since roles also end by time.
//!
//! The groups `<tenancy>-members`, `-deputies` and `-managers` belong to these runs: who was added by hand is taken
//! out. A run that would empty much of a group takes nobody out of it and says so, since that is rather a fault than
//! what anybody wants; an operator can let it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};
use types::{TenancyName, UserName};

use crate::control::Control;
use crate::directory::{GroupDifference, GroupWriter, TenancyGroups};
use crate::group::{GroupName, TenancyGroup};
use crate::role;
use crate::{Identity, IdentityError};

/// So many members may always be taken out of a group in one run.
const FREE_REMOVALS: usize = 10;
/// Of more members than that, at most one of so many is taken out in one run.
const REMOVED_PART: usize = 2;
/// Who may be taken out of groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Removals {
    /// At most 10 members of a group, or half of a larger one. Where more would have to go, nobody does.
    Bounded,
    /// Whoever should not be in it.
    All,
}

/// How a group in the directory differs from the roles.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GroupDrift {
    /// The group.
    pub group: String,
    /// Who holds the role and is not in the group.
    pub missing: Vec<UserName>,
    /// Who is in the group and does not hold the role, as the directory writes them.
    pub extra: Vec<String>,
    /// Who holds the role and is not known to the directory.
    pub unknown: Vec<UserName>,
    /// Why it stays so, and what to do; empty where a run repairs it.
    pub problem: String,
}

/// What a run did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Reconciled {
    /// How many groups were made.
    pub created: u64,
    /// How many members were added.
    pub added: u64,
    /// How many members were taken out.
    pub removed: u64,
    /// What is left to do, by group.
    pub left: Vec<GroupDrift>,
}

/// That roles changed, and that one run at a time is made.
#[derive(Debug, Default)]
pub(crate) struct WriteThrough {
    changed: Notify,
    alone: Mutex<()>,
}

impl WriteThrough {
    /// Roles may have changed.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }
}

/// The members that the groups of tenancies should have.
struct Desired {
    groups: BTreeMap<GroupName, BTreeSet<UserName>>,
    /// Groups whose name no directory takes.
    unnameable: Vec<GroupDrift>,
}

impl Identity {
    /// Whether the groups of an external directory are to follow from roles.
    pub fn writes_groups(&self) -> bool {
        writer(&self.control).is_some()
    }

    /// Waits until roles may have changed since the last wait.
    pub async fn role_changes(&self) {
        self.control.write_through.changed.notified().await;
    }

    /// How the groups of the directory differ from the roles, without changing anything. Nothing where groups are not
    /// written.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`] and those of the store.
    pub async fn group_drift(&self) -> Result<Vec<GroupDrift>, IdentityError> {
        let Some(writer) = writer(&self.control) else { return Ok(Vec::new()) };
        let Desired { groups, unnameable: mut drift } = desired(&self.control).await?;
        for (group, members) in &groups {
            match writer.compare(group, members).await? {
                Some(found) => drift.extend(drift_of(group, &found, String::new())),
                None if members.is_empty() => {}
                None => drift.push(absent(group, members)),
            }
        }
        Ok(drift)
    }

    /// Makes the groups of the directory follow from the roles. Does nothing where groups are not written.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`] and those of the store; what was done by then is done. What the directory
    /// refuses is no error, but stands in [`Reconciled::left`].
    pub async fn reconcile_groups(&self, removals: Removals) -> Result<Reconciled, IdentityError> {
        let mut done = Reconciled::default();
        let Some(writer) = writer(&self.control) else { return Ok(done) };
        let _alone = self.control.write_through.alone.lock().await;
        let Desired { groups, unnameable } = desired(&self.control).await?;
        done.left = unnameable;
        for (group, members) in &groups {
            reconcile(&*writer, group, members, removals, &mut done).await?;
        }
        Ok(done)
    }
}

fn writer(control: &Control) -> Option<Arc<dyn GroupWriter>> {
    let external = control.directories.external()?;
    external.writer.clone().filter(|_| external.tenancy_groups == TenancyGroups::Write)
}

/// Who should be in which group now. People of the built-in directory are in none: the other does not know them.
async fn desired(control: &Control) -> Result<Desired, IdentityError> {
    let now = control.clock.now();
    let mut desired = Desired { groups: BTreeMap::new(), unnameable: Vec::new() };
    for tenancy in control.table().by_name.values() {
        let mut held = role::holders(control, tenancy, now).await?;
        let mut built_in = BTreeSet::new();
        for holder in &held {
            if control.directories.is_built_in(&holder.user).await? {
                built_in.insert(holder.user.clone());
            }
        }
        held.retain(|holder| !built_in.contains(&holder.user));
        for kind in TenancyGroup::ALL {
            let members = held.iter().filter(|holder| kind.includes(holder.role)).map(|holder| holder.user.clone());
            desired.put(&tenancy.name, kind, members.collect());
        }
    }
    Ok(desired)
}

impl Desired {
    fn put(&mut self, tenancy: &TenancyName, kind: TenancyGroup, members: BTreeSet<UserName>) {
        let name = kind.name_in(tenancy);
        match GroupName::new(&name) {
            Ok(group) => {
                self.groups.insert(group, members);
            }
            Err(error) if !members.is_empty() => {
                let missing = members.into_iter().collect();
                self.unnameable.push(GroupDrift {
                    group: name,
                    missing,
                    problem: error.to_string(),
                    ..GroupDrift::default()
                });
            }
            Err(_) => {}
        }
    }
}

/// Makes one group have these members, and notes in `done` what could not be done.
async fn reconcile(
    writer: &dyn GroupWriter,
    group: &GroupName,
    members: &BTreeSet<UserName>,
    removals: Removals,
    done: &mut Reconciled,
) -> Result<(), IdentityError> {
    let found = match writer.compare(group, members).await? {
        Some(found) => found,
        None if members.is_empty() => return Ok(()),
        None => match refusal(writer.create(group).await)? {
            None => {
                done.created += 1;
                writer.compare(group, members).await?.unwrap_or_default()
            }
            Some(problem) => {
                done.left.push(GroupDrift { problem, ..absent(group, members) });
                return Ok(());
            }
        },
    };
    let mut left = GroupDifference { unknown: found.unknown.clone(), ..GroupDifference::default() };
    let mut problem = String::new();
    for user in &found.missing {
        match refusal(writer.add(group, user).await) {
            Ok(None) => done.added += 1,
            Ok(Some(reason)) => {
                left.missing.insert(user.clone());
                problem = reason;
            }
            Err(IdentityError::NoSuchUser(user)) => {
                left.unknown.insert(user);
            }
            Err(error) => return Err(error),
        }
    }
    if removals == Removals::Bounded && found.extra.len() > FREE_REMOVALS.max(found.members / REMOVED_PART) {
        problem = format!(
            "{} of {} members would have to go, which is too many at once: look at them, then run `commonhold admin \
             directory repair --all`",
            found.extra.len(),
            found.members
        );
        left.extra = found.extra;
    } else {
        for member in &found.extra {
            match refusal(writer.remove(group, member).await)? {
                None => done.removed += 1,
                Some(reason) => {
                    left.extra.insert(member.clone());
                    problem = reason;
                }
            }
        }
    }
    done.left.extend(drift_of(group, &left, problem));
    Ok(())
}

/// Why the directory did not let us; `None` where it did.
fn refusal(outcome: Result<(), IdentityError>) -> Result<Option<String>, IdentityError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(IdentityError::DirectoryRefused { reason }) => Ok(Some(reason)),
        Err(error) => Err(error),
    }
}

fn drift_of(group: &GroupName, found: &GroupDifference, problem: String) -> Option<GroupDrift> {
    if found.missing.is_empty() && found.extra.is_empty() && found.unknown.is_empty() {
        return None;
    }
    Some(GroupDrift {
        group: group.to_string(),
        missing: found.missing.iter().cloned().collect(),
        extra: found.extra.iter().cloned().collect(),
        unknown: found.unknown.iter().cloned().collect(),
        problem,
    })
}

fn absent(group: &GroupName, members: &BTreeSet<UserName>) -> GroupDrift {
    let (group, missing) = (group.to_string(), members.iter().cloned().collect());
    GroupDrift { group, missing, ..GroupDrift::default() }
}

#[cfg(test)]
#[path = "write_through_tests.rs"]
mod tests;
