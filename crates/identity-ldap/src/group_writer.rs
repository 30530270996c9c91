//! Changes of groups: [`identity::GroupWriter`] on LDAP.
//!
//! A group is found by its name anywhere below the base of groups, and made directly below it. A `groupOfNames` has to
//! have a member (RFC 4519 section 3.5), so an empty one holds the service account, which is counted as nobody.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use identity::directory::GroupDifference;
use identity::{GroupName, GroupWriter, IdentityError};
use ldap3::{Ldap, LdapResult, Mod, Scope};
use types::UserName;

use crate::directory::LdapDirectory;
use crate::entry::Entry;
use crate::failure::{Failure, code, succeed};
use crate::groups::{self, holds_names};
use crate::search::{Query, Wanted, search};
use crate::settings::NewGroups;
use crate::{filter, people};

/// The attribute with the number of a POSIX group.
const GID_NUMBER: &str = "gidNumber";
/// The most groups whose numbers are looked at for a new one.
const MAX_NUMBERED: usize = 100_000;
/// The most parts in which the members of one group are read.
const MAX_PARTS: usize = 200;

/// That a member is not there any more is as good as having taken them out.
const GONE: &[u32] = &[code::NO_SUCH_ATTRIBUTE];

/// A group as it lies in the directory.
struct Group {
    dn: String,
    members: Vec<String>,
}

#[async_trait]
impl GroupWriter for LdapDirectory {
    async fn compare(
        &self,
        group: &GroupName,
        desired: &BTreeSet<UserName>,
    ) -> Result<Option<GroupDifference>, IdentityError> {
        let Some(found) = self.group(group).await? else { return Ok(None) };
        let difference = if holds_names(self.member_attribute()) {
            self.compare_names(&found, desired).await?
        } else {
            self.compare_dns(&found, desired).await?
        };
        Ok(Some(difference))
    }

    async fn create(&self, group: &GroupName) -> Result<(), IdentityError> {
        let settings = &self.pool.settings().groups;
        let (NewGroups::Made { first_gid }, Some(base)) = (settings.new_groups, &settings.base) else {
            let reason = format!("there is no group {group}, and ldap.create_groups is off: make it in the directory");
            return Err(IdentityError::DirectoryRefused { reason });
        };
        let dn = format!("{}={group},{base}", settings.name_attribute);
        let mut attributes = vec![
            ("objectClass".to_owned(), settings.new_classes.iter().cloned().collect()),
            (settings.name_attribute.clone(), HashSet::from([group.to_string()])),
        ];
        let is_of = |class: &str| settings.new_classes.iter().any(|own| own.eq_ignore_ascii_case(class));
        if is_of("posixGroup") {
            attributes.push((GID_NUMBER.to_owned(), HashSet::from([self.free_number(first_gid).await?.to_string()])));
        }
        if is_of("groupOfNames") || is_of("groupOfUniqueNames") {
            let nobody = self.placeholder().ok_or_else(|| {
                let reason = format!("{group} has to have a member, and there is no ldap.bind_dn to stand for nobody");
                IdentityError::DirectoryRefused { reason }
            })?;
            attributes.push((self.member_attribute().to_owned(), HashSet::from([nobody.to_owned()])));
        }
        if is_of("group") {
            attributes.push(("sAMAccountName".to_owned(), HashSet::from([group.to_string()])));
        }
        self.change("create_group", &[code::ENTRY_ALREADY_EXISTS], move |mut ldap, patience| {
            let (dn, attributes) = (dn.clone(), attributes.clone());
            async move { ldap.with_timeout(patience).add(&dn, attributes).await }
        })
        .await
        .map_err(Failure::of_change)
    }

    async fn add(&self, group: &GroupName, user: &UserName) -> Result<(), IdentityError> {
        let found = people::of_names(&self.pool, std::slice::from_ref(user), self.now()).await?;
        let person = found.into_iter().next().ok_or_else(|| IdentityError::NoSuchUser(user.clone()))?;
        let member = if holds_names(self.member_attribute()) { user.to_string() } else { person.dn };
        let changes = vec![Mod::Add(self.member_attribute().to_owned(), HashSet::from([member]))];
        self.modify("add_member", group, changes, &[code::ATTRIBUTE_OR_VALUE_EXISTS]).await?.map_err(Failure::of_change)
    }

    async fn remove(&self, group: &GroupName, member: &str) -> Result<(), IdentityError> {
        let attribute = self.member_attribute().to_owned();
        let delete = Mod::Delete(attribute.clone(), HashSet::from([member.to_owned()]));
        let outcome = self.modify("remove_member", group, vec![delete.clone()], GONE).await?;
        match (outcome, self.placeholder()) {
            // The last one: somebody has to stand in their place.
            (Err(Failure::Refused { code: code::OBJECT_CLASS_VIOLATION, .. }), Some(nobody)) => {
                let stand_in = Mod::Add(attribute, HashSet::from([nobody.to_owned()]));
                self.modify("remove_member", group, vec![stand_in, delete], GONE).await?.map_err(Failure::of_change)
            }
            (outcome, _) => outcome.map_err(Failure::of_change),
        }
    }
}

impl LdapDirectory {
    /// The attribute that members are written to.
    fn member_attribute(&self) -> &str {
        self.pool.settings().groups.member_attributes.first().map_or("member", String::as_str)
    }

    /// Who stands in an empty group that has to have a member.
    fn placeholder(&self) -> Option<&str> {
        self.pool.settings().account.as_ref().map(|account| account.dn.as_str())
    }

    /// The group of this name, with its members.
    async fn group(&self, group: &GroupName) -> Result<Option<Group>, IdentityError> {
        let settings = &self.pool.settings().groups;
        let name = filter::equals(&settings.name_attribute, group.as_str());
        let attributes = vec![settings.name_attribute.clone(), self.member_attribute().to_owned()];
        let found = groups::matching(&self.pool, "find_group", &name, attributes, Wanted::Some(2)).await;
        let mut found = found.map_err(Failure::of_question)?;
        if found.len() > 1 {
            return Err(IdentityError::away(format!(
                "more than one group has the name {group}: narrow ldap.group_filter"
            )));
        }
        let Some(entry) = found.pop() else { return Ok(None) };
        let members = self.members(&entry).await?;
        Ok(Some(Group { dn: entry.dn, members }))
    }

    /// The members of a group: those that came with it, and those that have to be asked for in parts.
    async fn members(&self, entry: &Entry) -> Result<Vec<String>, IdentityError> {
        let attribute = self.member_attribute();
        let Some((first, mut next)) = entry.part(attribute) else { return Ok(entry.all(attribute).to_vec()) };
        let mut members = first.to_vec();
        for _ in 0..MAX_PARTS {
            let Some(from) = next else { return Ok(members) };
            let part = format!("{attribute};range={from}-*");
            let found = self.entry(&entry.dn, "(objectClass=*)", vec![part]).await?;
            let found = found.ok_or_else(|| IdentityError::away("a group went away while it was read"))?;
            let (some, then) = found.part(attribute).unwrap_or((&[], None));
            members.extend_from_slice(some);
            next = then;
        }
        Err(IdentityError::away(format!("{} has more members than can be read", entry.dn)))
    }

    async fn compare_names(
        &self,
        group: &Group,
        desired: &BTreeSet<UserName>,
    ) -> Result<GroupDifference, IdentityError> {
        let members: HashSet<&str> = group.members.iter().map(String::as_str).collect();
        let absent: Vec<UserName> = desired.iter().filter(|user| !members.contains(user.as_str())).cloned().collect();
        let found = people::of_names(&self.pool, &absent, self.now()).await?;
        let known: BTreeSet<UserName> = found.into_iter().map(|found| found.user.name).collect();
        let (missing, unknown) = absent.into_iter().partition(|user| known.contains(user));
        let is_desired = |member: &str| desired.iter().any(|user| user.as_str() == member);
        let extra = group.members.iter().filter(|member| !is_desired(member)).cloned().collect();
        Ok(GroupDifference { members: group.members.len(), missing, extra, unknown })
    }

    async fn compare_dns(&self, group: &Group, desired: &BTreeSet<UserName>) -> Result<GroupDifference, IdentityError> {
        let names: Vec<UserName> = desired.iter().cloned().collect();
        let found = people::of_names(&self.pool, &names, self.now()).await?;
        let dns: BTreeMap<UserName, String> =
            found.into_iter().map(|found| (found.user.name, normal_dn(&found.dn))).collect();
        let nobody = self.placeholder().map(normal_dn);
        let is_nobody = |member: &&String| Some(normal_dn(member)) != nobody;
        let members: Vec<&String> = group.members.iter().filter(is_nobody).collect();
        let held: HashSet<String> = members.iter().map(|member| normal_dn(member)).collect();
        let wanted: HashSet<&String> = dns.values().collect();

        let unknown = names.iter().filter(|name| !dns.contains_key(*name)).cloned().collect();
        let mut missing: BTreeSet<UserName> =
            dns.iter().filter(|(_, dn)| !held.contains(*dn)).map(|(name, _)| name.clone()).collect();
        let mut extra = BTreeSet::new();
        for member in members.iter().filter(|member| !wanted.contains(&normal_dn(member))) {
            // Two spellings of one distinguished name must not put somebody in and out by turns.
            match self.name_of(member).await? {
                Some(name) if desired.contains(&name) => {
                    missing.remove(&name);
                }
                _ => {
                    extra.insert((*member).clone());
                }
            }
        }
        Ok(GroupDifference { members: members.len(), missing, extra, unknown })
    }

    /// The login name of the person that a distinguished name leads to.
    async fn name_of(&self, dn: &str) -> Result<Option<UserName>, IdentityError> {
        let settings = &self.pool.settings().people;
        let entry = self.entry(dn, &settings.filter, vec![settings.name_attribute.clone()]).await?;
        Ok(entry.and_then(|entry| people::read(settings, &entry, self.now())).map(|found| found.user.name))
    }

    /// The entry at `dn`, where there is one that `filter` matches.
    async fn entry(&self, dn: &str, filter: &str, attributes: Vec<String>) -> Result<Option<Entry>, IdentityError> {
        let query = Query {
            base: dn.to_owned(),
            scope: Scope::Base,
            filter: filter.to_owned(),
            attributes,
            wanted: Wanted::Some(1),
        };
        let patience = self.pool.settings().operation_timeout;
        let found = self.pool.ask("read_entry", move |mut ldap| {
            let query = query.clone();
            async move { search(&mut ldap, patience, &query).await }
        });
        match found.await {
            Ok(mut found) => Ok(found.pop()),
            Err(Failure::Refused { code: code::NO_SUCH_OBJECT, .. }) => Ok(None),
            Err(failure) => Err(failure.of_question()),
        }
    }

    /// A number above those of all groups that have one from `first` on.
    async fn free_number(&self, first: u32) -> Result<u32, IdentityError> {
        let condition = format!("({GID_NUMBER}>={first})");
        let wanted = Wanted::Pages(MAX_NUMBERED);
        let found = groups::matching(&self.pool, "find_numbers", &condition, vec![GID_NUMBER.to_owned()], wanted).await;
        let found = found.map_err(Failure::of_question)?;
        let numbers = found.iter().filter_map(|entry| entry.first(GID_NUMBER)?.parse::<u32>().ok());
        let largest = numbers.filter(|number| *number >= first).max();
        match largest.map_or(Some(first), |number| number.checked_add(1)) {
            Some(free) => Ok(free),
            None => Err(IdentityError::DirectoryRefused { reason: format!("no {GID_NUMBER} is free above {first}") }),
        }
    }

    /// Changes a group. The outer error is that it can not be looked up.
    async fn modify(
        &self,
        operation: &'static str,
        group: &GroupName,
        changes: Vec<Mod<String>>,
        also: &'static [u32],
    ) -> Result<Result<(), Failure>, IdentityError> {
        let Some(Group { dn, .. }) = self.group(group).await? else {
            return Err(IdentityError::DirectoryRefused { reason: format!("there is no group {group}") });
        };
        let change = self.change(operation, also, move |mut ldap, patience| {
            let (dn, changes) = (dn.clone(), changes.clone());
            async move { ldap.with_timeout(patience).modify(&dn, changes).await }
        });
        Ok(change.await)
    }

    /// Makes a change that may be made twice; the codes `also` say that it was made before.
    async fn change<F>(
        &self,
        operation: &'static str,
        also: &'static [u32],
        change: impl Fn(Ldap, Duration) -> F + Clone + Send + 'static,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<LdapResult, ldap3::LdapError>> + Send + 'static,
    {
        let patience = self.pool.settings().operation_timeout;
        self.pool
            .ask(operation, move |ldap| {
                let change = change(ldap, patience);
                async move { succeed(change.await?, also).map(|_| ()) }
            })
            .await
    }
}

/// A distinguished name as it is compared: without regard to case and to spaces around its separators. Where that is
/// not enough, the entry itself is looked at.
fn normal_dn(dn: &str) -> String {
    let parts = dn.split(',').map(|part| match part.split_once('=') {
        Some((name, value)) => format!("{}={}", name.trim(), value.trim()),
        None => part.trim().to_owned(),
    });
    parts.collect::<Vec<_>>().join(",").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguished_names_are_compared_without_case_and_spaces() {
        for (a, b, same) in [
            ("uid=ann,ou=people,dc=x", "UID=Ann, OU=People, DC=X", true),
            ("uid = ann,dc=x", "uid=ann,dc=x", true),
            ("uid=ann,dc=x", "uid=anna,dc=x", false),
            ("", "", true),
        ] {
            assert_eq!(normal_dn(a) == normal_dn(b), same, "{a} and {b}");
        }
    }
}
