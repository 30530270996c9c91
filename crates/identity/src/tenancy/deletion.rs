//! The end of a tenancy, and of what a person has in one: records go in batches, in an order in which a deletion that was cut off
//! can be taken up again.

use std::sync::Arc;

use storage::{Batch, Bounded, limits};
use types::{TenancyName, UserName};

use super::{CLOSED_TO_BUCKETS, TenancyRecord, bucket_counter};
use crate::control::{Control, Life, Stale, put};
use crate::key::KeyInfo;
use crate::role::Membership;
use crate::{IdentityError, keyspace, quota, request, token};

/// How many records one batch of a deletion removes.
const SWEEP_KEYS: usize = limits::BATCH_KEYS / 3;

pub(super) async fn delete(control: &Control, name: &TenancyName) -> Result<(), IdentityError> {
    let group = keyspace::tenancy(name);
    let found = control.read::<TenancyRecord>(&group).await?;
    let found = found.ok_or_else(|| IdentityError::NoSuchTenancy(name.clone()))?;
    if found.value.life == Life::Live {
        if let Ok(buckets @ 1..) = usize::try_from(bucket_count(control, name).await?) {
            return Err(IdentityError::TenancyHasBuckets { tenancy: name.clone(), buckets });
        }
        // Holds where there is no bucket still, and keeps every other from being made.
        let close = Bounded { name: bucket_counter(name), delta: CLOSED_TO_BUCKETS, at_most: Some(CLOSED_TO_BUCKETS) };
        let batch = Batch {
            expect: vec![found.unchanged(group.clone())],
            put: vec![put(group.clone(), &found.value.deleting())],
            count: vec![close],
            ..Batch::default()
        };
        control.commit(&group, batch, Stale::Everything).await?;
    }
    Arc::make_mut(&mut control.tenancies.write()).remove(name);
    control.standings.invalidate_all();
    sweep(control, name).await
}

pub(super) async fn bucket_count(control: &Control, name: &TenancyName) -> Result<i64, IdentityError> {
    Ok(control.metadata.counters(&[bucket_counter(name)]).await?.first().copied().unwrap_or(0))
}

/// Takes up a deletion of this name that was cut off.
pub(crate) async fn finish_deletion(control: &Control, name: &TenancyName) -> Result<(), IdentityError> {
    match control.read::<TenancyRecord>(&keyspace::tenancy(name)).await? {
        Some(found) if found.value.life == Life::Deleting => sweep(control, name).await,
        _ => Ok(()),
    }
}

/// Removes what is in a tenancy that is being deleted, its record last, so that the deletion can be taken up again. Events
/// stay until they are told.
pub(super) async fn sweep(control: &Control, name: &TenancyName) -> Result<(), IdentityError> {
    let group = keyspace::tenancy(name);
    quota::sweep(control, name).await?;
    token::remove_all(control, name, None).await?;
    loop {
        let keys = control.list::<KeyInfo>(&keyspace::key_infos(name, None), SWEEP_KEYS).await?;
        let members = control.list::<Membership>(&keyspace::roles(name), SWEEP_KEYS).await?;
        if keys.is_empty() && members.is_empty() {
            break;
        }
        remove(control, name, &keys, members.iter().map(|membership| &membership.user)).await?;
    }
    request::sweep(control, name).await?;
    let batch = Batch { delete: vec![group.clone()], ..Batch::default() };
    control.commit(&group, batch, Stale::Everything).await
}

/// Removes everything that a person has in a tenancy.
pub(crate) async fn remove_member(
    control: &Control,
    tenancy: &TenancyName,
    user: &UserName,
) -> Result<(), IdentityError> {
    token::remove_all(control, tenancy, Some(user)).await?;
    loop {
        let keys = control.list::<KeyInfo>(&keyspace::key_infos(tenancy, Some(user)), SWEEP_KEYS).await?;
        let membership = control.read::<Membership>(&keyspace::role(tenancy, user)).await?;
        if keys.is_empty() && membership.is_none() {
            return Ok(());
        }
        remove(control, tenancy, &keys, membership.iter().map(|membership| &membership.value.user)).await?;
    }
}

/// Removes keys, the secrets first, and what people are there.
async fn remove(
    control: &Control,
    name: &TenancyName,
    keys: &[KeyInfo],
    members: impl Iterator<Item = &UserName>,
) -> Result<(), IdentityError> {
    for key in keys {
        let secret = keyspace::key_secret(&key.id);
        let batch = Batch { delete: vec![secret.clone()], ..Batch::default() };
        control.commit(&secret, batch, Stale::Key(&key.id)).await?;
    }
    let infos = keys
        .iter()
        .flat_map(|key| [keyspace::key_info(name, &key.owner, &key.id), keyspace::last_use(name, &key.owner, &key.id)]);
    let members = members.map(|user| keyspace::role(name, user));
    let batch = Batch { delete: infos.chain(members).collect(), ..Batch::default() };
    control.commit(&keyspace::tenancy(name), batch, Stale::Everything).await
}
