//! When keys were used last, from where and for what.
//!
//! A request must not pay for it. Each key in memory remembers the minute that was noted last ([`Noted`]); a request
//! within the same minute reads that one number and goes on. The first one of a minute puts its use into a table, and a
//! job writes the table to the store every minute ([`Identity::flush_last_uses`]). So a last use is exact to the minute,
//! it is seen at once by this process, and what a crash loses is the uses of the last two minutes at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use storage::Batch;
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

use crate::control::{Control, Stale, put};
use crate::key::{KeyInfo, KeyRecord};
use crate::{Identity, IdentityError, keyspace};

/// The most keys whose uses wait to be written. Those of further ones are not noted until the next flush.
const WAITING_KEYS: usize = 64 * 1024;
/// The most records in one batch.
const BATCH_RECORDS: usize = 256;
const MINUTE_SECONDS: u64 = 60;

/// The last use of a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastUse {
    /// When, to the minute: the first use in that minute.
    pub at: Timestamp,
    /// From which address.
    pub source: IpAddr,
    /// For which operation, such as `GetObject`.
    pub operation: String,
}

/// The minute whose use of a key is noted already.
#[derive(Debug, Default)]
pub(crate) struct Noted(AtomicU64);

/// Uses that are not in the store yet.
#[derive(Debug, Default)]
pub(crate) struct LastUses {
    waiting: Mutex<HashMap<AccessKeyId, Waiting>>,
}

#[derive(Clone, Debug)]
struct Waiting {
    tenancy: TenancyName,
    owner: UserName,
    last_use: LastUse,
}

impl Identity {
    /// Notes that a key was used now. Costs the reading of one number, but for the first use in a minute.
    pub fn note_use(&self, key: &KeyRecord, source: IpAddr, operation: &str) {
        let now = self.control.clock.now();
        let minute = now.as_secs() / MINUTE_SECONDS;
        let noted = key.noted.0.load(Ordering::Relaxed);
        let is_first =
            minute > noted && key.noted.0.compare_exchange(noted, minute, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_first {
            let last_use = LastUse { at: now, source, operation: operation.to_owned() };
            self.control.last_uses.add(&key.info, last_use);
        }
    }

    /// The last uses of keys, in their order; `None` for a key that was not used since it was made.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn last_uses(&self, keys: &[KeyInfo]) -> Result<Vec<Option<LastUse>>, IdentityError> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let waiting = self.control.last_uses.waiting.lock().get(&key.id).map(|waiting| waiting.last_use.clone());
            let last_use = match waiting {
                Some(last_use) => Some(last_use),
                None => stored(&self.control, key).await?,
            };
            // A key that was taken over again under an id that was deleted is another key.
            found.push(last_use.filter(|last_use| last_use.at >= key.created));
        }
        Ok(found)
    }

    /// Writes the uses that are not in the store yet, and says how many they were.
    ///
    /// # Errors
    /// Those of the store. What was not written waits for the next call.
    pub async fn flush_last_uses(&self) -> Result<u64, IdentityError> {
        self.change(|control| async move { flush(&control).await }).await
    }
}

impl LastUses {
    fn add(&self, key: &KeyInfo, last_use: LastUse) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_KEYS || waiting.contains_key(&key.id) {
            let (tenancy, owner) = (key.tenancy.clone(), key.owner.clone());
            waiting.insert(key.id.clone(), Waiting { tenancy, owner, last_use });
        }
    }
}

async fn stored(control: &Control, key: &KeyInfo) -> Result<Option<LastUse>, IdentityError> {
    let record = control.read(&keyspace::last_use(&key.tenancy, &key.owner, &key.id)).await?;
    Ok(record.map(|record| record.value))
}

/// Writes what waits, tenancy by tenancy. Uses are taken out of the table when they are written, and only where no later one
/// has come.
async fn flush(control: &Control) -> Result<u64, IdentityError> {
    let waiting: Vec<_> = {
        let waiting = control.last_uses.waiting.lock();
        waiting.iter().map(|(id, waiting)| (id.clone(), waiting.clone())).collect()
    };
    let mut by_tenancy: HashMap<TenancyName, Vec<(AccessKeyId, Waiting)>> = HashMap::new();
    for (id, waiting) in waiting {
        by_tenancy.entry(waiting.tenancy.clone()).or_default().push((id, waiting));
    }
    let mut written = 0;
    for (tenancy, uses) in by_tenancy {
        for uses in uses.chunks(BATCH_RECORDS) {
            written += write(control, &tenancy, uses).await?;
            let mut waiting = control.last_uses.waiting.lock();
            for (id, used) in uses {
                if waiting.get(id).is_some_and(|waiting| waiting.last_use.at <= used.last_use.at) {
                    waiting.remove(id);
                }
            }
        }
    }
    Ok(written)
}

/// Writes the uses of keys in one tenancy that still are there. No key goes meanwhile: changes are made one at a time.
async fn write(
    control: &Control,
    tenancy: &TenancyName,
    uses: &[(AccessKeyId, Waiting)],
) -> Result<u64, IdentityError> {
    let mut batch = Batch::default();
    for (id, Waiting { owner, last_use, .. }) in uses {
        if control.read::<KeyInfo>(&keyspace::key_info(tenancy, owner, id)).await?.is_some() {
            batch.put.push(put(keyspace::last_use(tenancy, owner, id), last_use));
        }
    }
    let written = batch.put.len() as u64;
    if written > 0 {
        control.commit(&keyspace::tenancy(tenancy), batch, Stale::Nothing).await?;
    }
    Ok(written)
}

#[cfg(test)]
#[path = "last_use_tests.rs"]
mod tests;
