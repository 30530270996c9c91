//! The reference: a directory in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use parking_lot::Mutex;
use types::UserName;

use super::{
    CheckStep, Directory, GroupDifference, GroupWriter, MAX_FOUND, MAX_GROUPS, begins_with, has_email, matches,
};
use crate::IdentityError;
use crate::group::GroupName;
use crate::user::{User, UserStatus};

/// People and groups in memory. Passwords lie there as they are: it is for tests.
#[derive(Default)]
pub struct MemoryDirectory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    people: BTreeMap<UserName, (User, Option<String>)>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl MemoryDirectory {
    /// A directory without anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a person in, in place of the one of that name.
    pub fn put(&self, user: User, password: Option<&str>) {
        self.state.lock().people.insert(user.name.clone(), (user, password.map(str::to_owned)));
    }

    /// Takes a person out. Groups keep the name, as LDAP's do.
    pub fn take(&self, name: &UserName) {
        self.state.lock().people.remove(name);
    }

    /// Disables a person or enables them again.
    pub fn set_status(&self, name: &UserName, status: UserStatus) {
        if let Some((user, _)) = self.state.lock().people.get_mut(name) {
            user.status = status;
        }
    }

    /// Makes a group with these members, in place of the one of that name.
    pub fn put_group(&self, group: &str, members: &[&str]) {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.state.lock().groups.insert(group.to_owned(), members);
    }

    /// The members of a group, where there is one.
    pub fn members(&self, group: &str) -> Option<Vec<String>> {
        self.state.lock().groups.get(group).map(|members| members.iter().cloned().collect())
    }

    fn people(&self, limit: usize, wanted: impl Fn(&User) -> bool) -> Vec<User> {
        let state = self.state.lock();
        state.people.values().map(|(user, _)| user).filter(|user| wanted(user)).take(limit).cloned().collect()
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        Ok(self.state.lock().people.get(name).map(|(user, _)| user.clone()))
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        Ok(self.people(MAX_FOUND, |user| has_email(user, email)))
    }

    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError> {
        let state = self.state.lock();
        let found = state.people.get(name).filter(|(user, _)| user.status == UserStatus::Active);
        let right = found.filter(|(_, own)| !password.is_empty() && own.as_deref() == Some(password));
        Ok(right.map(|(user, _)| user.clone()))
    }

    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError> {
        let state = self.state.lock();
        let of_user = state.groups.iter().filter(|(_, members)| members.contains(name.as_str()));
        Ok(of_user.map(|(group, _)| group.clone()).take(MAX_GROUPS).collect())
    }

    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError> {
        Ok(self.people(limit.min(MAX_FOUND), |user| matches(user, prefix)))
    }

    async fn search_groups(&self, prefix: &str, limit: usize) -> Result<Vec<String>, IdentityError> {
        let state = self.state.lock();
        let found = state.groups.keys().filter(|group| begins_with(group, prefix));
        Ok(found.take(limit.min(MAX_FOUND)).cloned().collect())
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        Ok(self.people(limit, |_| true))
    }

    async fn check(&self, _user: Option<&UserName>) -> Vec<CheckStep> {
        vec![CheckStep::works("the directory in memory", "it is there")]
    }
}

#[async_trait]
impl GroupWriter for MemoryDirectory {
    async fn compare(
        &self,
        group: &GroupName,
        desired: &BTreeSet<UserName>,
    ) -> Result<Option<GroupDifference>, IdentityError> {
        let state = self.state.lock();
        let Some(members) = state.groups.get(group.as_str()) else { return Ok(None) };
        let (known, unknown): (BTreeSet<_>, BTreeSet<_>) =
            desired.iter().cloned().partition(|user| state.people.contains_key(user));
        let missing = known.into_iter().filter(|user| !members.contains(user.as_str())).collect();
        let is_desired = |member: &str| desired.iter().any(|user| user.as_str() == member);
        let extra = members.iter().filter(|member| !is_desired(member)).cloned().collect();
        Ok(Some(GroupDifference { members: members.len(), missing, extra, unknown }))
    }

    async fn create(&self, group: &GroupName) -> Result<(), IdentityError> {
        self.state.lock().groups.entry(group.to_string()).or_default();
        Ok(())
    }

    async fn add(&self, group: &GroupName, user: &UserName) -> Result<(), IdentityError> {
        let mut state = self.state.lock();
        if !state.people.contains_key(user) {
            return Err(IdentityError::NoSuchUser(user.clone()));
        }
        match state.groups.get_mut(group.as_str()) {
            Some(members) => {
                members.insert(user.to_string());
                Ok(())
            }
            None => Err(IdentityError::DirectoryRefused { reason: format!("there is no group {group}") }),
        }
    }

    async fn remove(&self, group: &GroupName, member: &str) -> Result<(), IdentityError> {
        if let Some(members) = self.state.lock().groups.get_mut(group.as_str()) {
            members.remove(member);
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryDirectory")
    }
}
