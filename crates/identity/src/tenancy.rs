//! Tenancies: the shared areas that own buckets, members and keys.

mod choices;
mod deletion;
mod endpoints;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use policy::{DefaultPolicy, Role};
use serde::{Deserialize, Serialize};
use storage::{Batch, Bounded, Expect, Space};
use types::{TenancyName, Timestamp, UserName};

use crate::authority::{self, Act};
use crate::control::{Control, Life, Stale, Stored, check_prose, check_text, damaged, decode, put};
use crate::role::{self, Grounds, NewRole, Told, Word};
use crate::{
    Actor, Event, Identity, IdentityError, Quota, QuotaChange, QuotaScope, events, keyspace, quota, request, user,
};

pub use choices::{Joining, Visibility};
use deletion::{bucket_count, delete, sweep};
pub(crate) use deletion::{finish_deletion, remove_member};
use endpoints::{check_endpoint, normal_endpoints};

/// The most tenancies: all of them are held in memory.
pub const MAX_TENANCIES: usize = 10_000;
/// The most endpoint names of one tenancy.
pub const MAX_ENDPOINTS: usize = 16;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 1024;
/// The longest summary, in characters.
pub const MAX_SUMMARY_CHARS: usize = 200;
/// The longest name of a project, in characters.
pub const MAX_PROJECT_CHARS: usize = 200;
/// What [`bucket_counter`] says of a tenancy that was deleted, until one of the same name is made: more than any tenancy
/// may have buckets.
pub const CLOSED_TO_BUCKETS: i64 = 1 << 32;

/// The counter of a tenancy's buckets. It changes in the commit that makes or deletes a bucket, which demands that a
/// bucket more is within the bound; the commit that deletes the tenancy demands that it is 0 and makes it
/// [`CLOSED_TO_BUCKETS`]. Counters are exact across groups, so that no bucket is ever made in a tenancy that is gone.
pub fn bucket_counter(tenancy: &TenancyName) -> Vec<u8> {
    format!("t/{tenancy}/buckets").into_bytes()
}

/// A tenancy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tenancy {
    /// Its name.
    pub name: TenancyName,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How much it may hold. Records from before there was more to say hold the limit of bytes alone.
    #[serde(default, alias = "quota_bytes")]
    pub quota: Quota,
    /// What its members may do where nothing else decides.
    pub default_policy: DefaultPolicy,
    /// Further host names under which it is served, in lower case.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// What it is for, in one line.
    #[serde(default)]
    pub summary: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project: String,
    /// When it ends: from then on only its managers reach it. Never where absent.
    #[serde(default)]
    pub ends: Option<Timestamp>,
    /// Whether people who hold no role in it find it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What becomes of a request for a role in it.
    #[serde(default)]
    pub joining: Joining,
}

impl Tenancy {
    /// Whether its time is over at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}

/// What a new tenancy is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTenancy {
    /// Its name.
    pub name: TenancyName,
    /// What it is for.
    pub description: String,
    /// How many bytes it may hold; without limit where absent.
    pub quota_bytes: Option<u64>,
    /// What its members may do where nothing else decides.
    pub default_policy: DefaultPolicy,
    /// Further host names under which it is served.
    pub endpoints: Vec<String>,
    /// What it is for, in one line.
    pub summary: String,
    /// The project that it belongs to.
    pub project: String,
    /// When it ends; never where absent.
    pub ends: Option<Timestamp>,
    /// Whether people who hold no role in it find it.
    pub visibility: Visibility,
    /// What becomes of a request for a role in it.
    pub joining: Joining,
    /// Who is its first MANAGER, for good.
    pub manager: Option<UserName>,
}

impl NewTenancy {
    /// A tenancy of this name with nothing set.
    pub fn named(name: TenancyName) -> Self {
        Self {
            name,
            description: String::new(),
            quota_bytes: None,
            default_policy: DefaultPolicy::default(),
            endpoints: Vec::new(),
            summary: String::new(),
            project: String::new(),
            ends: None,
            visibility: Visibility::default(),
            joining: Joining::default(),
            manager: None,
        }
    }
}

/// What is to become of a tenancy; what is `None` stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TenancyChange {
    /// What it is for.
    pub description: Option<String>,
    /// How many bytes it may hold; `Some(None)` takes the limit away.
    pub quota_bytes: Option<Option<u64>>,
    /// What its members may do where nothing else decides.
    pub default_policy: Option<DefaultPolicy>,
    /// Further host names under which it is served, all of them.
    pub endpoints: Option<Vec<String>>,
    /// What it is for, in one line.
    pub summary: Option<String>,
    /// The project that it belongs to.
    pub project: Option<String>,
    /// When it ends; `Some(None)` lets it go on for good.
    pub ends: Option<Option<Timestamp>>,
    /// Whether people who hold no role in it find it.
    pub visibility: Option<Visibility>,
    /// What becomes of a request for a role in it.
    pub joining: Option<Joining>,
}

impl TenancyChange {
    /// Whether nothing changes but what the tenancy's managers may say of it.
    fn only_describes(&self) -> bool {
        let Self { quota_bytes, default_policy, endpoints, project, ends, .. } = self;
        quota_bytes.is_none() && default_policy.is_none() && endpoints.is_none() && project.is_none() && ends.is_none()
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TenancyRecord {
    #[serde(flatten)]
    pub(crate) tenancy: Tenancy,
    #[serde(default)]
    life: Life,
    /// What was told of its end.
    #[serde(default)]
    told: Told,
}

impl TenancyRecord {
    /// The record while the tenancy is being deleted.
    pub(crate) fn deleting(&self) -> Self {
        Self { life: Life::Deleting, ..self.clone() }
    }
}

/// Every tenancy, as held in memory.
#[derive(Clone, Default)]
pub(crate) struct TenancyTable {
    pub(crate) by_name: BTreeMap<TenancyName, Arc<Tenancy>>,
    by_endpoint: HashMap<String, TenancyName>,
}

impl TenancyTable {
    /// Takes a tenancy in, and answers what was held of it before.
    fn insert(&mut self, tenancy: Arc<Tenancy>) -> Option<Arc<Tenancy>> {
        let before = self.remove(&tenancy.name);
        for endpoint in &tenancy.endpoints {
            self.by_endpoint.insert(endpoint.clone(), tenancy.name.clone());
        }
        self.by_name.insert(tenancy.name.clone(), tenancy);
        before
    }

    fn remove(&mut self, name: &TenancyName) -> Option<Arc<Tenancy>> {
        self.by_endpoint.retain(|_, owner| owner != name);
        self.by_name.remove(name)
    }
}

impl Identity {
    /// Makes a tenancy, and its first MANAGER with it.
    ///
    /// # Errors
    /// [`IdentityError::TenancyExists`], [`IdentityError::EndpointTaken`], [`IdentityError::Invalid`],
    /// [`IdentityError::TooMany`], [`IdentityError::NoSuchUser`] and [`IdentityError::Suspended`] of the manager, and those
    /// of the store.
    pub async fn create_tenancy(&self, new: NewTenancy) -> Result<Arc<Tenancy>, IdentityError> {
        let grounds = Grounds { by: Some(Actor::Operator), ..Grounds::default() };
        self.change(move |control| async move { create(&control, new, grounds, Batch::default()).await }).await
    }

    /// The tenancy of this name, from memory.
    pub fn tenancy(&self, name: &TenancyName) -> Option<Arc<Tenancy>> {
        self.control.tenancies.read().by_name.get(name).cloned()
    }

    /// Every tenancy in the order of names, from memory.
    pub fn tenancies(&self) -> Vec<Arc<Tenancy>> {
        self.control.tenancies.read().by_name.values().cloned().collect()
    }

    /// The tenancy that has the host name `endpoint` (in lower case, without port) as one of its own, from memory.
    pub fn tenancy_of_endpoint(&self, endpoint: &str) -> Option<TenancyName> {
        self.control.tenancies.read().by_endpoint.get(endpoint).cloned()
    }

    /// The tenancies that `user` is shown in the order of names, from memory: those that are listed and have not ended, and
    /// those in which they hold a role.
    ///
    /// # Errors
    /// Those of the directory and the store.
    pub async fn tenancies_shown_to(&self, user: &UserName) -> Result<Vec<Arc<Tenancy>>, IdentityError> {
        let (standing, now) = (self.standing(user).await?, self.control.clock.now());
        let holds_role =
            |name: &TenancyName| standing.as_ref().is_some_and(|standing| standing.role_in(name, now).is_some());
        let is_open = |tenancy: &Tenancy| tenancy.visibility == Visibility::Listed && !tenancy.has_ended(now);
        let all = self.tenancies().into_iter();
        Ok(all.filter(|tenancy| is_open(tenancy) || holds_role(&tenancy.name)).collect())
    }

    /// Changes a tenancy as the operator.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`], and as for [`Self::create_tenancy`].
    pub async fn change_tenancy(
        &self,
        name: &TenancyName,
        change: TenancyChange,
    ) -> Result<Arc<Tenancy>, IdentityError> {
        self.change_tenancy_as(&Actor::Operator, name, change).await
    }

    /// Changes a tenancy. Its managers may change description, summary, visibility and joining; the operator all.
    ///
    /// # Errors
    /// [`IdentityError::NotAllowed`], and as for [`Self::change_tenancy`].
    pub async fn change_tenancy_as(
        &self,
        actor: &Actor,
        name: &TenancyName,
        change: TenancyChange,
    ) -> Result<Arc<Tenancy>, IdentityError> {
        let (actor, name) = (actor.clone(), name.clone());
        self.change(move |control| async move {
            let act = if change.only_describes() { Act::DescribeTenancy } else { Act::Operate };
            authority::check(&control, &actor, &name, &act).await?;
            alter(&control, &name, change, Batch::default()).await
        })
        .await
    }

    /// Deletes a tenancy with its roles and keys. With any bucket in it, by [`bucket_counter`], it stays.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchTenancy`], [`IdentityError::TenancyHasBuckets`], [`IdentityError::Contention`] where a
    /// bucket was made in this moment, and those of the store. Where the store fails on the way, the tenancy is gone
    /// for every request, and what is left of it goes when it is deleted or made again.
    pub async fn delete_tenancy(&self, name: &TenancyName) -> Result<(), IdentityError> {
        let name = name.clone();
        self.change(move |control| async move { delete(&control, &name).await }).await
    }
}

/// Reads every tenancy into memory, and what waits to be told of each.
pub(crate) async fn load(control: &Control) -> Result<(), IdentityError> {
    let end = keyspace::after(keyspace::TENANCIES);
    let mut table = TenancyTable::default();
    let mut from = keyspace::TENANCIES.to_vec();
    // A tenancy's record is the first key of its group, which may also be there without one: with requests for a tenancy
    // to come, and events about one that is gone. The rest of the group is skipped by seeking past it.
    while let [(key, value)] = control.metadata.scan(Space::CONTROL, &from, Some(&end), 1).await?.as_slice() {
        let group = keyspace::group_of(key).to_vec();
        if group == key.as_ref() {
            let record: TenancyRecord = decode(key, value)?;
            if keyspace::tenancy(&record.tenancy.name) != key.as_ref() {
                return Err(damaged(key, "it names another tenancy"));
            }
            if record.life == Life::Live {
                control.quotas.set(&record.tenancy.name, &QuotaScope::Tenancy, record.tenancy.quota.clone());
                quota::load(control, &record.tenancy.name).await?;
                table.insert(Arc::new(record.tenancy));
            }
        }
        events::load(control, &keyspace::events(&group)).await?;
        request::load(control, &group).await?;
        from = keyspace::after(&group);
    }
    *control.tenancies.write() = Arc::new(table);
    Ok(())
}

/// The record of a tenancy that is there, for the expectation that it stays as it is.
pub(crate) async fn live(control: &Control, name: &TenancyName) -> Result<Stored<TenancyRecord>, IdentityError> {
    let record = control.read::<TenancyRecord>(&keyspace::tenancy(name)).await?;
    record.filter(|record| record.value.life == Life::Live).ok_or_else(|| IdentityError::NoSuchTenancy(name.clone()))
}

/// Makes a tenancy, and with it whatever is in `batch`, of its group.
pub(crate) async fn create(
    control: &Control,
    new: NewTenancy,
    grounds: Grounds,
    mut batch: Batch,
) -> Result<Arc<Tenancy>, IdentityError> {
    let tenancy = Tenancy {
        endpoints: normal_endpoints(new.endpoints),
        name: new.name,
        description: new.description,
        quota: Quota::of_bytes(new.quota_bytes),
        default_policy: new.default_policy,
        created: control.clock.now(),
        summary: new.summary,
        project: new.project,
        ends: new.ends,
        visibility: new.visibility,
        joining: new.joining,
    };
    check(control, &tenancy)?;
    control.check_expiry(tenancy.ends)?;
    if control.table().by_name.len() >= MAX_TENANCIES {
        return Err(IdentityError::TooMany { what: "tenancies", limit: MAX_TENANCIES });
    }
    let key = keyspace::tenancy(&tenancy.name);
    match control.read::<TenancyRecord>(&key).await? {
        Some(found) if found.value.life == Life::Live => return Err(IdentityError::TenancyExists(tenancy.name)),
        Some(_) => sweep(control, &tenancy.name).await?,
        None => {}
    }
    if let Some(user) = new.manager {
        user::check_exists(control, &user).await?;
        control.check_not_suspended(&user)?;
        let role = NewRole { tenancy: tenancy.name.clone(), user, role: Role::Manager, expires: None };
        let granting = role::prepare(control, role, grounds).await?;
        batch.put.extend(control.event(&key, granting.event()));
        batch.put.push(granting.put);
        batch.expect.push(granting.expect);
    }
    let closed = bucket_count(control, &tenancy.name).await? == CLOSED_TO_BUCKETS;
    let open = Bounded { name: bucket_counter(&tenancy.name), delta: -CLOSED_TO_BUCKETS, at_most: None };
    batch.count.extend(closed.then_some(open));
    batch.expect.push(Expect::Absent(key));
    write(control, TenancyRecord { tenancy, life: Life::Live, told: Told::default() }, batch).await
}

/// Changes a tenancy, and with it whatever is in `batch`, of its group.
pub(crate) async fn alter(
    control: &Control,
    name: &TenancyName,
    change: TenancyChange,
    mut batch: Batch,
) -> Result<Arc<Tenancy>, IdentityError> {
    let found = live(control, name).await?;
    let old = found.value.tenancy.clone();
    let tenancy = Tenancy {
        description: change.description.unwrap_or(old.description),
        quota: old.quota.changed(QuotaChange { hard_bytes: change.quota_bytes, ..QuotaChange::default() }),
        default_policy: change.default_policy.unwrap_or(old.default_policy),
        endpoints: change.endpoints.map_or(old.endpoints, normal_endpoints),
        name: old.name,
        created: old.created,
        summary: change.summary.unwrap_or(old.summary),
        project: change.project.unwrap_or(old.project),
        ends: change.ends.unwrap_or(old.ends),
        visibility: change.visibility.unwrap_or(old.visibility),
        joining: change.joining.unwrap_or(old.joining),
    };
    check(control, &tenancy)?;
    let told = if tenancy.ends == old.ends { found.value.told } else { Told::default() };
    batch.expect.push(found.unchanged(keyspace::tenancy(name)));
    write(control, TenancyRecord { tenancy, life: Life::Live, told }, batch).await
}

/// Tells of the end of a tenancy what is due and was not told yet. Answers how many events there were.
pub(crate) async fn tell_of_end(control: &Control, name: &TenancyName) -> Result<u64, IdentityError> {
    let found = live(control, name).await?;
    let mut record = found.value.clone();
    let Some(ends) = record.tenancy.ends else { return Ok(0) };
    let word = record.told.next(ends, control.clock.now());
    if record.told == found.value.told {
        return Ok(0);
    }
    let tenancy = name.clone();
    let event = word.map(|word| match word {
        Word::Warning { is_final } => Event::TenancyEnding { tenancy, ends, is_final },
        Word::Ended => Event::TenancyEnded { tenancy, ends },
    });
    let group = keyspace::tenancy(name);
    let told = u64::from(event.is_some());
    let put = event.and_then(|event| control.event(&group, event)).into_iter().collect();
    let batch = Batch { expect: vec![found.unchanged(group)], put, ..Batch::default() };
    write(control, record, batch).await.map(|_| told)
}

/// Writes a record of a living tenancy, with the rest of the batch.
async fn write(control: &Control, record: TenancyRecord, mut batch: Batch) -> Result<Arc<Tenancy>, IdentityError> {
    let group = keyspace::tenancy(&record.tenancy.name);
    batch.put.push(put(group.clone(), &record));
    control.commit(&group, batch, Stale::Nothing).await?;
    Ok(hold(control, record.tenancy))
}

/// Writes the quota of a tenancy, with `batch`.
pub(crate) async fn write_quota(
    control: &Control,
    found: Stored<TenancyRecord>,
    quota: Quota,
    mut batch: Batch,
) -> Result<(), IdentityError> {
    let mut record = found.value;
    record.tenancy.quota = quota;
    let group = keyspace::tenancy(&record.tenancy.name);
    batch.put.push(put(group.clone(), &record));
    control.commit(&group, batch, Stale::Nothing).await?;
    hold(control, record.tenancy);
    Ok(())
}

/// Holds a tenancy as it is now.
fn hold(control: &Control, tenancy: Tenancy) -> Arc<Tenancy> {
    let tenancy = Arc::new(tenancy);
    control.quotas.set(&tenancy.name, &QuotaScope::Tenancy, tenancy.quota.clone());
    let before = Arc::make_mut(&mut control.tenancies.write()).insert(Arc::clone(&tenancy));
    // People's standings hold which tenancies there are and when they end, and nothing else of them.
    if before.is_none_or(|before| before.ends != tenancy.ends) {
        control.standings.invalidate_all();
    }
    tenancy
}

fn check(control: &Control, tenancy: &Tenancy) -> Result<(), IdentityError> {
    check_prose("description", &tenancy.description, MAX_DESCRIPTION_CHARS)?;
    check_text("summary", &tenancy.summary, MAX_SUMMARY_CHARS)?;
    check_text("project", &tenancy.project, MAX_PROJECT_CHARS)?;
    quota::check(&tenancy.quota)?;
    if tenancy.endpoints.len() > MAX_ENDPOINTS {
        return Err(IdentityError::TooMany { what: "endpoint names of one tenancy", limit: MAX_ENDPOINTS });
    }
    let table = control.table();
    for endpoint in &tenancy.endpoints {
        check_endpoint(endpoint)?;
        match table.by_endpoint.get(endpoint) {
            Some(owner) if *owner != tenancy.name => {
                let (endpoint, tenancy) = (endpoint.clone(), owner.clone());
                return Err(IdentityError::EndpointTaken { endpoint, tenancy });
            }
            _ => {}
        }
    }
    Ok(())
}
