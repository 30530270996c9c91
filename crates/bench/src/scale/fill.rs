//! Fills buckets, quickly, once.
//!
//! Keys lie in a thousand folders, so that a listing with a delimiter has one page of them whatever the bucket holds.
//! They come in no order, as the keys of a store do that many people fill. How far a bucket is filled stands in the
//! store itself, in a bucket of marks, so that a run that was ended goes on where it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, StatusCode};

use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::server::Server;
use crate::target::Target;

/// Connections that fill.
const FILLING_CONNECTIONS: usize = 64;
/// Objects between two marks.
const CHUNK_OBJECTS: u64 = 100_000;
/// Bytes of an object: metadata is what the rows are about.
const OBJECT_BYTES: u64 = 128;
/// Folders of a bucket: as many as one page lists.
const FOLDERS: u64 = 1000;
/// Numbers are multiplied by this prime to scatter them: it divides no number of objects that is written in digits.
const SCATTER: u64 = 7_368_787;
const MARKS: &str = "marks";

/// What a bucket is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Filling {
    pub(super) keys: u64,
    /// Versions of each key; more than one make the bucket a versioned one.
    pub(super) versions: u64,
}

impl Filling {
    pub(super) const fn of(keys: u64) -> Self {
        Self { keys, versions: 1 }
    }

    /// The bucket's name, which says what it holds.
    pub(super) fn bucket(self) -> String {
        format!("keys-{}-versions-{}", self.keys, self.versions)
    }

    /// The key of a number: 1,000 folders of equally many.
    pub(super) fn key(self, number: u64) -> String {
        let per_folder = self.keys.div_ceil(FOLDERS).max(1);
        format!("folder-{:04}/{number:010}", number / per_folder)
    }

    /// The key that is written `at`-th.
    fn nth(self, at: u64) -> String {
        self.key((at % self.keys).wrapping_mul(SCATTER) % self.keys)
    }
}

/// Makes the bucket hold it, and answers the bucket.
///
/// # Errors
/// What the endpoint refuses.
pub(super) async fn fill(server: &Server, filling: Filling, told: &impl Fn(&str)) -> Result<Target, BenchError> {
    let (marks, target) = (server.target(MARKS)?, server.target(&filling.bucket())?);
    let mut connection = Connection::new(&marks);
    make_bucket(&mut connection, &marks).await?;
    make_bucket(&mut Connection::new(&target), &target).await?;
    if filling.versions > 1 {
        enable_versions(&target).await?;
    }
    let all = filling.keys * filling.versions;
    for first in (0..all).step_by(usize::try_from(CHUNK_OBJECTS).unwrap_or(usize::MAX)) {
        let mark = format!("{}/{first}", filling.bucket());
        let ask = marks.request(Method::HEAD, &mark, "", Content::empty().body(), None)?;
        if connection.send(ask, Keep::Bytes).await?.status.is_success() {
            continue;
        }
        told(&format!("filling {}: {first} of {all}", filling.bucket()));
        put_each(&target, filling, first, all.min(first + CHUNK_OBJECTS)).await?;
        let set = marks.request(Method::PUT, &mark, "", Content::new(1).body(), None)?;
        connection.send(set, Keep::Bytes).await?.checked("PUT of a mark")?;
    }
    Ok(target)
}

/// As [`fill`], whatever a mark says: of what was filled, some was deleted.
pub(super) async fn refill(server: &Server, filling: Filling) -> Result<Target, BenchError> {
    let target = server.target(&format!("{}-again", filling.bucket()))?;
    make_bucket(&mut Connection::new(&target), &target).await?;
    put_each(&target, filling, 0, filling.keys * filling.versions).await?;
    Ok(target)
}

/// Makes the bucket where it is missing.
pub(super) async fn make_bucket(connection: &mut Connection, target: &Target) -> Result<(), BenchError> {
    let ask = target.request(Method::HEAD, "", "", Content::empty().body(), None)?;
    if connection.send(ask, Keep::Bytes).await?.status == StatusCode::NOT_FOUND {
        let make = target.request(Method::PUT, "", "", Content::empty().body(), None)?;
        connection.send(make, Keep::Bytes).await?.checked("CreateBucket")?;
    }
    Ok(())
}

async fn enable_versions(target: &Target) -> Result<(), BenchError> {
    let document = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let body = Content::whole(document.into()).body();
    let request = target.request(Method::PUT, "", "versioning=", body, None)?;
    Connection::new(target).send(request, Keep::Bytes).await?.checked("PutBucketVersioning")?;
    Ok(())
}

async fn put_each(target: &Target, filling: Filling, first: u64, end: u64) -> Result<(), BenchError> {
    let next = Arc::new(AtomicU64::new(first));
    let puts = (0..FILLING_CONNECTIONS).map(|_| {
        let (target, next) = (target.clone(), Arc::clone(&next));
        tokio::spawn(async move { put_some(&target, filling, &next, end).await })
    });
    let puts: Vec<_> = puts.collect();
    for put in puts {
        put.await??;
    }
    Ok(())
}

async fn put_some(target: &Target, filling: Filling, next: &AtomicU64, end: u64) -> Result<(), BenchError> {
    let content = Content::new(OBJECT_BYTES);
    let mut connection = Connection::new(target);
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= end {
            return Ok(());
        }
        let request = target.request(Method::PUT, &filling.nth(at), "", content.body(), None)?;
        connection.send(request, Keep::Bytes).await?.checked("PUT")?;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_is_written_once_a_version_and_folders_fill_a_page() {
        for (keys, versions) in [(1000, 1), (10_000, 1), (2000, 3)] {
            let filling = Filling { keys, versions };
            let written: Vec<String> = (0..keys * versions).map(|at| filling.nth(at)).collect();
            let distinct: BTreeSet<&String> = written.iter().collect();
            assert_eq!((distinct.len() as u64, written.len() as u64), (keys, keys * versions));
            let folders: BTreeSet<&str> = distinct.iter().filter_map(|key| Some(key.split_once('/')?.0)).collect();
            assert_eq!(folders.len() as u64, FOLDERS);
        }
    }
}
