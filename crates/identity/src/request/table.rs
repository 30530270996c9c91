//! The requests in memory, and reading those that are not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use storage::{Batch, Space, limits};
use types::{TenancyName, Timestamp, UserName};

use super::{Request, RequestId, RequestKind};
use crate::control::{Control, Stale};
use crate::{IdentityError, keyspace};

/// In which time the requests of a person are counted.
pub(super) const DAY_SECS: u64 = 24 * 3600;
/// How many people's requests are counted before those are forgotten that are long ago.
const COUNTED_PEOPLE: usize = 4096;
/// How many records one batch removes.
const SWEEP_KEYS: usize = limits::BATCH_KEYS / 2;

/// The requests that are open, and when each person made some lately. The records are what counts; this follows them.
#[derive(Default)]
pub(crate) struct RequestTable {
    open: BTreeMap<RequestId, Arc<Request>>,
    made: HashMap<UserName, Vec<Timestamp>>,
}

impl RequestTable {
    /// Every request that is open, in the order of tenancies and numbers.
    pub(super) fn open(&self) -> Vec<Arc<Request>> {
        self.open.values().cloned().collect()
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// How many requests `user` made within the day before `now`.
    pub(super) fn made_within_a_day(&self, user: &UserName, now: Timestamp) -> usize {
        self.made.get(user).map_or(0, |made| made.iter().filter(|at| is_recent(**at, now)).count())
    }

    fn set(&mut self, request: Request) {
        if request.state.is_open() {
            self.open.insert(request.id.clone(), Arc::new(request));
        } else {
            self.open.remove(&request.id);
        }
    }

    fn count(&mut self, user: &UserName, at: Timestamp, now: Timestamp) {
        if self.made.len() >= COUNTED_PEOPLE {
            self.made.retain(|_, made| made.iter().any(|at| is_recent(*at, now)));
        }
        let made = self.made.entry(user.clone()).or_default();
        made.retain(|at| is_recent(*at, now));
        made.push(at);
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now < at.plus_secs(DAY_SECS)
}

/// Reads the requests of a group into memory.
pub(crate) async fn load(control: &Control, group: &[u8]) -> Result<(), IdentityError> {
    let requests = control.list::<Request>(&keyspace::requests_in(group), usize::MAX).await?;
    let now = control.clock.now();
    let mut table = control.requests.write();
    for request in requests {
        if is_recent(request.created, now) {
            table.count(&request.user, request.created, now);
        }
        table.set(request);
    }
    Ok(())
}

/// Follows the record of a request after a commit, whatever came of it. Where `is_new`, it is counted.
pub(super) async fn follow(control: &Control, id: &RequestId, is_new: bool) -> Result<(), IdentityError> {
    let found = control.read::<Request>(&keyspace::request(id)).await?;
    let mut table = control.requests.write();
    match found {
        Some(found) => {
            if is_new {
                table.count(&found.value.user, found.value.created, control.clock.now());
            }
            table.set(found.value);
        }
        None => {
            table.open.remove(id);
        }
    }
    Ok(())
}

/// The requests that are closed, about one tenancy or all.
pub(super) async fn closed(
    control: &Control,
    tenancy: Option<&TenancyName>,
) -> Result<Vec<Arc<Request>>, IdentityError> {
    let mut closed = Vec::new();
    let mut take = |requests: Vec<Request>| {
        closed.extend(requests.into_iter().filter(|request| !request.state.is_open()).map(Arc::new));
    };
    if let Some(tenancy) = tenancy {
        take(control.list(&keyspace::requests(tenancy), usize::MAX).await?);
        return Ok(closed);
    }
    let end = keyspace::after(keyspace::TENANCIES);
    let mut from = keyspace::TENANCIES.to_vec();
    while let [(key, _)] = control.metadata.scan(Space::CONTROL, &from, Some(&end), 1).await?.as_slice() {
        let group = keyspace::group_of(key).to_vec();
        take(control.list(&keyspace::requests_in(&group), usize::MAX).await?);
        from = keyspace::after(&group);
    }
    Ok(closed)
}

/// Removes the requests about a tenancy that is being deleted. What is asked for under its name and still open stays: it
/// is for another tenancy, to come.
pub(crate) async fn sweep(control: &Control, tenancy: &TenancyName) -> Result<(), IdentityError> {
    let requests = control.list::<Request>(&keyspace::requests(tenancy), usize::MAX).await?;
    let stays = |request: &Request| request.state.is_open() && matches!(request.kind, RequestKind::Tenancy { .. });
    let gone: Vec<_> = requests.into_iter().filter(|request| !stays(request)).map(|request| request.id).collect();
    remove(control, &gone).await
}

/// Removes requests, all about one tenancy.
pub(super) async fn remove(control: &Control, ids: &[RequestId]) -> Result<(), IdentityError> {
    for ids in ids.chunks(SWEEP_KEYS) {
        let group = keyspace::tenancy(&ids[0].tenancy);
        let batch = Batch { delete: ids.iter().map(keyspace::request).collect(), ..Batch::default() };
        control.commit(&group, batch, Stale::Nothing).await?;
        let mut table = control.requests.write();
        for id in ids {
            table.open.remove(id);
        }
    }
    Ok(())
}
