//! A wrapper that makes any directory go away, or take its time, on demand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};
use types::UserName;

use super::{CheckStep, Directory, GroupDifference, GroupWriter};
use crate::IdentityError;
use crate::group::GroupName;
use crate::user::User;

/// A directory that can go away and come back. It counts what it is asked.
#[derive(Debug)]
pub struct FaultyDirectory<D> {
    inner: Arc<D>,
    is_away: AtomicBool,
    questions: AtomicU64,
    /// Held while no call goes through.
    gate: Mutex<()>,
}

impl<D> FaultyDirectory<D> {
    /// `inner`, which is there.
    pub fn new(inner: Arc<D>) -> Self {
        Self { inner, is_away: AtomicBool::new(false), questions: AtomicU64::new(0), gate: Mutex::default() }
    }

    /// From now on every call ends with [`IdentityError::DirectoryAway`], or none does.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// How many calls there were.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::SeqCst)
    }

    /// Lets every call wait until what is answered here is dropped.
    pub async fn hold(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().await
    }

    async fn asked(&self) -> Result<&D, IdentityError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().await);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(IdentityError::away("it was told to be"));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl<D: Directory> Directory for FaultyDirectory<D> {
    async fn find(&self, name: &UserName) -> Result<Option<User>, IdentityError> {
        self.asked().await?.find(name).await
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<User>, IdentityError> {
        self.asked().await?.find_by_email(email).await
    }

    async fn verify_password(&self, name: &UserName, password: &str) -> Result<Option<User>, IdentityError> {
        self.asked().await?.verify_password(name, password).await
    }

    async fn groups(&self, name: &UserName) -> Result<Vec<String>, IdentityError> {
        self.asked().await?.groups(name).await
    }

    async fn search_people(&self, prefix: &str, limit: usize) -> Result<Vec<User>, IdentityError> {
        self.asked().await?.search_people(prefix, limit).await
    }

    async fn search_groups(&self, prefix: &str, limit: usize) -> Result<Vec<String>, IdentityError> {
        self.asked().await?.search_groups(prefix, limit).await
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>, IdentityError> {
        self.asked().await?.list(limit).await
    }

    async fn check(&self, user: Option<&UserName>) -> Vec<CheckStep> {
        match self.asked().await {
            Ok(inner) => inner.check(user).await,
            Err(error) => vec![CheckStep::fails("ask it", error.to_string())],
        }
    }
}

#[async_trait]
impl<D: GroupWriter> GroupWriter for FaultyDirectory<D> {
    async fn compare(
        &self,
        group: &GroupName,
        desired: &BTreeSet<UserName>,
    ) -> Result<Option<GroupDifference>, IdentityError> {
        self.asked().await?.compare(group, desired).await
    }

    async fn create(&self, group: &GroupName) -> Result<(), IdentityError> {
        self.asked().await?.create(group).await
    }

    async fn add(&self, group: &GroupName, user: &UserName) -> Result<(), IdentityError> {
        self.asked().await?.add(group, user).await
    }

    async fn remove(&self, group: &GroupName, member: &str) -> Result<(), IdentityError> {
        self.asked().await?.remove(group, member).await
    }
}
