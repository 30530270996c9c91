//! Taking old entries off the beginning of the log.
//!
//! An anchor keeps the hash of the last entry that went, in the batch that removes it: what is left is proven from there.
//! That entries went is an act of its own, and has an entry.

use storage::{Batch, CommitError, Expect, Space};
use types::Timestamp;

use crate::entry::{Act, Ending, Source, Via};
use crate::log::{Anchor, Audit, index_lines, read_anchor, read_head, read_line};
use crate::query::Range;
use crate::{Actor, AuditError, keyspace};

/// The entries that go in one batch: with their indexes less than the keys of a batch.
const TOGETHER: u64 = 300;

impl Audit {
    /// Removes the entries from before `moment`, but never the last one of the log, and records that. Answers how many went.
    ///
    /// # Errors
    /// Those of the store, and [`AuditError::Damaged`]: what is damaged is not removed. What went stays gone.
    pub async fn prune(&self, job: &str, moment: Timestamp) -> Result<u64, AuditError> {
        let tidying = self.shared.tidying.lock().await;
        let metadata = &*self.shared.metadata;
        let mut anchor = read_anchor(metadata).await?;
        let head = read_head(metadata).await?;
        let kept = Range { first: anchor.first, end: head.sequence }.first_not_before(metadata, moment).await?;
        let first = anchor.first;
        if kept <= first {
            return Ok(0);
        }
        let act = Act {
            actor: Actor::Job(job.to_owned()),
            source: Source::via(Via::Server),
            action: "audit.prune".to_owned(),
            tenancy: None,
            target: format!("entries {first} to {}", kept - 1),
            facts: vec![("before".to_owned(), moment.to_string())],
        };
        let pending = self.begin(act);
        while anchor.first < kept {
            anchor = self.remove(anchor, kept.min(anchor.first + TOGETHER)).await?;
        }
        drop(tidying);
        pending.end(Ending::done()).await?;
        Ok(kept - first)
    }

    /// Removes the entries before `end`, and answers with the anchor that is left.
    async fn remove(&self, anchor: Anchor, end: u64) -> Result<Anchor, AuditError> {
        let metadata = &*self.shared.metadata;
        let mut batch = Batch::default();
        let mut next = anchor;
        for sequence in anchor.first..end {
            let missing = || AuditError::Damaged(format!("entry {sequence} is missing"));
            let line = read_line(metadata, sequence).await?.ok_or_else(missing)?;
            if line.previous != next.previous {
                return Err(AuditError::Damaged(format!("entry {sequence} does not follow the one before it")));
            }
            next = Anchor { first: sequence + 1, previous: line.hash };
            batch.delete.push(keyspace::entry(sequence));
            batch.delete.extend(index_lines(&line.entry));
        }
        batch.expect.push(Expect::Present(keyspace::entry(end)));
        let value = serde_json::to_vec(&next).map_err(|error| AuditError::Damaged(error.to_string()))?;
        batch.put.push((keyspace::ANCHOR.to_vec(), value.into()));
        match metadata.commit(Space::CONTROL, keyspace::GROUP, batch).await {
            Ok(()) => Ok(next),
            Err(CommitError::Storage(error)) => Err(error.into()),
            Err(CommitError::Unknown(reason)) => Err(AuditError::Unknown(reason)),
            Err(CommitError::Conflict { .. } | CommitError::OverLimit { .. }) => {
                Err(AuditError::Damaged(format!("entry {end} is missing")))
            }
        }
    }
}
