//! Copying the versions of a key, one after the other.

use std::sync::Arc;

use http::Method;
use s3_client::listing::Entry;
use s3_client::{Call, ClientError};

use super::{Pair, Shared, object};

/// Writes the versions in their order. Where a write is broken off after it was done, the next attempt would write it twice;
/// so what the destination has of the key is asked before each.
pub(super) async fn copy(shared: &Arc<Shared>, missing: &[Entry], pair: &mut Pair) -> Result<(), ClientError> {
    let Some(first) = missing.first() else { return Ok(()) };
    let bucket = shared.bucket.as_str();
    let before = count(bucket, &first.key, pair).await?;
    for (at, entry) in missing.iter().enumerate() {
        let wrote = match entry.is_delete_marker {
            true => pair.to.send(Call::object(Method::DELETE, bucket, &entry.key)).await.map(|_| ()),
            false => object::copy(shared, entry, pair).await,
        };
        if let Err(error) = wrote {
            if !error.is_passing() {
                return Err(error);
            }
            *pair = Pair::new(&shared.import);
            let there = count(bucket, &entry.key, pair).await?;
            if there != before + at + 1 {
                // Not written. The rest of the history waits for the next run, which finds what is there.
                let text = format!("the history was broken off, and goes on when the import is run again: {error}");
                return Err(ClientError::Refused {
                    what: "a version".to_owned(),
                    status: http::StatusCode::CONFLICT,
                    code: String::new(),
                    message: text,
                });
            }
        }
    }
    Ok(())
}

/// How many versions and delete markers the destination has of a key.
async fn count(bucket: &str, key: &str, pair: &mut Pair) -> Result<usize, ClientError> {
    let mut found = 0;
    let mut after = None;
    loop {
        let page = s3_client::listing::versions(&mut pair.to, bucket, key, after.as_ref()).await?;
        let of_key = page.entries.iter().take_while(|entry| entry.key == key).count();
        found += of_key;
        match page.next.filter(|_| of_key == page.entries.len() && of_key > 0) {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}
