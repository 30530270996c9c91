//! Reading and writing records.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use storage::{Metadata, Space, limits};

use crate::NotifyError;

/// The record at `key`.
pub(crate) async fn read<T: DeserializeOwned>(metadata: &dyn Metadata, key: &[u8]) -> Result<Option<T>, NotifyError> {
    match metadata.get(Space::CONTROL, key).await? {
        Some(raw) => decode(key, &raw).map(Some),
        None => Ok(None),
    }
}

/// A put of `record` at `key`.
pub(crate) fn put(key: Vec<u8>, record: &impl Serialize) -> (Vec<u8>, Bytes) {
    let value = serde_json::to_vec(record).expect("records are structs of texts and numbers, which JSON can hold");
    (key, value.into())
}

pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], raw: &[u8]) -> Result<T, NotifyError> {
    serde_json::from_slice(raw).map_err(|error| NotifyError::Damaged {
        key: String::from_utf8_lossy(key).into_owned(),
        reason: error.to_string(),
    })
}

/// Every pair from `from` to before `to`.
pub(crate) async fn scan(metadata: &dyn Metadata, from: &[u8], to: &[u8]) -> Result<Vec<(Bytes, Bytes)>, NotifyError> {
    let (mut all, mut from) = (Vec::new(), from.to_vec());
    loop {
        let pairs = metadata.scan(Space::CONTROL, &from, Some(to), limits::SCAN_KEYS).await?;
        let is_all = pairs.len() < limits::SCAN_KEYS;
        if let Some((last, _)) = pairs.last() {
            from = [last.as_ref(), b"\0"].concat();
        }
        all.extend(pairs);
        if is_all {
            return Ok(all);
        }
    }
}
