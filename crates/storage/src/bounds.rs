//! The bounds of [`crate::limits`] and the shape of a batch, checked in one place for all engines.

use std::collections::HashSet;
use std::ops::Range;

use types::BlobId;

use crate::{Batch, NewBlob, StorageError, limits, side};

/// The bytes by which a blob's name counts towards [`limits::BATCH_BYTES`].
const BLOB_ID_BYTES: usize = 16;

/// Checks everything about `batch` that does not depend on what is stored: lengths and counts, that every key belongs
/// to `group`, and that no blob is kept twice, or kept and retired, by the same batch.
///
/// # Errors
/// [`StorageError::Bounds`], which says what is wrong.
pub fn check_batch(group: &[u8], batch: &Batch, inline_limit: usize) -> Result<(), StorageError> {
    let mut bytes = 0;
    for expectation in &batch.expect {
        check_group_key(group, expectation.key())?;
        bytes += expectation.key().len();
    }
    for (key, value) in &batch.put {
        check_group_key(group, key)?;
        if value.is_empty() || value.len() > limits::VALUE_BYTES {
            return Err(bounds(format!("a value has {} bytes", value.len())));
        }
        bytes += key.len() + value.len();
    }
    for key in &batch.delete {
        check_group_key(group, key)?;
        bytes += key.len();
    }
    for counter in &batch.count {
        check_counter_name(&counter.name)?;
        bytes += counter.name.len();
    }
    bytes += check_blobs(batch, inline_limit)?;
    for (what, count) in [
        ("keys", batch.put.len() + batch.delete.len()),
        ("expectations", batch.expect.len()),
        ("counters", batch.count.len()),
    ] {
        if count > limits::BATCH_KEYS {
            return Err(bounds(format!("a batch has {count} {what}")));
        }
    }
    if bytes > limits::BATCH_BYTES {
        return Err(bounds(format!("a batch has {bytes} bytes")));
    }
    Ok(())
}

/// Checks the name of a counter: 1 to [`limits::COUNTER_BYTES`] bytes.
///
/// # Errors
/// [`StorageError::Bounds`].
pub fn check_counter_name(name: &[u8]) -> Result<(), StorageError> {
    match name.len() {
        1..=limits::COUNTER_BYTES => Ok(()),
        length => Err(bounds(format!("a counter's name has {length} bytes"))),
    }
}

/// Checks that `range` lies inside a blob of `length` bytes.
///
/// # Errors
/// [`StorageError::Bounds`].
pub fn check_range(range: &Range<u64>, length: u64) -> Result<(), StorageError> {
    if range.start > range.end || range.end > length {
        return Err(bounds(format!("bytes {}..{} of a blob of {length}", range.start, range.end)));
    }
    Ok(())
}

/// The error for a blob that a batch keeps although it is kept already, or a writer makes although it is there.
pub fn name_taken(id: BlobId) -> StorageError {
    bounds(format!("blob {id} is there already"))
}

fn check_blobs(batch: &Batch, inline_limit: usize) -> Result<usize, StorageError> {
    let mut bytes = 0;
    for blob in &batch.keep {
        if let NewBlob::Inline(id, body) = blob {
            if body.len() > inline_limit {
                return Err(bounds(format!("the inline blob {id} has {} bytes", body.len())));
            }
            bytes += body.len();
        }
    }
    if batch.keep.len() > 1 || !(batch.keep.is_empty() || batch.retire.is_empty()) {
        let mut kept = HashSet::with_capacity(batch.keep.len());
        for blob in &batch.keep {
            if !kept.insert(blob.id()) {
                return Err(bounds(format!("blob {} is kept twice", blob.id())));
            }
        }
        if let Some(id) = batch.retire.iter().find(|id| kept.contains(id)) {
            return Err(bounds(format!("blob {id} is kept and retired")));
        }
    }
    Ok(bytes + (batch.keep.len() + batch.retire.len()) * BLOB_ID_BYTES)
}

fn check_group_key(group: &[u8], key: &[u8]) -> Result<(), StorageError> {
    if key.is_empty() || key.len() > limits::KEY_BYTES {
        return Err(bounds(format!("a key has {} bytes", key.len())));
    }
    if !side::is_in_group(group, key) {
        return Err(bounds("a key is outside the batch's group".to_owned()));
    }
    Ok(())
}

fn bounds(what: String) -> StorageError {
    StorageError::Bounds(what)
}
