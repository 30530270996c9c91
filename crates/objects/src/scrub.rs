//! Reads every byte of every object while the store serves, in the order of buckets and of their records.
//!
//! A pass of the background job may take longer than a server runs. So the job's place is remembered in the control
//! space, once a minute and where a pass is broken off in order, and the next one goes on there. What was written behind
//! it meanwhile is left to the pass after it. How the last whole pass ended is remembered too, whoever asked for it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use storage::maintenance::{Damage, Damages, Progress};
use storage::{Batch, Space, StorageError};
use types::{BlobId, BucketName, TenancyName, Timestamp};

use crate::buckets::BucketRecord;
use crate::inspect::{Inspected, entry, found, object_name};
use crate::keyspace::{self, ALL_BUCKETS};
use crate::{Bucket, ObjectError, Objects};

/// Bytes that a scrub has read.
pub const SCRUBBED_BYTES: &str = "commonhold_scrub_bytes_total";
/// What a scrub that runs has still to read.
pub const SCRUB_REMAINING_BYTES: &str = "commonhold_scrub_remaining_bytes";
/// When the last whole pass ended, in seconds since 1970.
pub const SCRUB_LAST_PASS_SECONDS: &str = "commonhold_scrub_last_pass_timestamp_seconds";

/// The group of the records in [`Space::CONTROL`].
const GROUP: &[u8] = b"s/scrub/";
/// The job's pass that has not ended.
const UNDER_WAY: &[u8] = b"s/scrub/under-way";
/// The last whole pass.
const LAST: &[u8] = b"s/scrub/last";
/// After so many seconds the job's place is remembered again: the most that a restart costs.
const REMEMBER_SECONDS: u64 = 60;

/// Whose pass it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PassOf {
    /// The background job's, which is remembered.
    Job,
    /// An operator's, who waits for it.
    Operator,
}

/// A pass through all objects that has not ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub started: Timestamp,
    /// Bytes of content that it read.
    pub bytes: u64,
    /// Damages that it found.
    pub damages: u64,
    reached: Reached,
    #[serde(skip)]
    remembered: Timestamp,
}

/// What a pass is through with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reached {
    Nothing,
    /// The engine's own structure.
    Structure,
    /// That, and all records up to this one, whose name is in hex.
    Record {
        tenancy: TenancyName,
        bucket: BucketName,
        id: u64,
        name: String,
    },
}

/// A pass that went through everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WholePass {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Bytes of content that it read.
    pub bytes: u64,
    /// Damages that it found.
    pub damages: u64,
}

/// What is remembered of scrubs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScrubStatus {
    /// The job's pass that has not ended.
    pub under_way: Option<Pass>,
    /// The last whole pass.
    pub last: Option<WholePass>,
}

impl Pass {
    fn new(started: Timestamp) -> Self {
        Self { started, bytes: 0, damages: 0, reached: Reached::Nothing, remembered: started }
    }

    /// Whether the engine's own structure is still to be looked at.
    pub fn needs_structure(&self) -> bool {
        self.reached == Reached::Nothing
    }

    /// Whether it may go on elsewhere than at its beginning: not while there are suspects, which are known to this
    /// process alone and get their names at the end.
    fn can_be_remembered(&self, suspects: &[Damage]) -> bool {
        suspects.is_empty() && !self.needs_structure()
    }
}

impl Objects {
    /// What is remembered of scrubs.
    ///
    /// # Errors
    /// The engine's.
    pub async fn scrub_status(&self) -> Result<ScrubStatus, ObjectError> {
        Ok(ScrubStatus { under_way: self.remembered(UNDER_WAY).await?, last: self.remembered(LAST).await? })
    }

    /// Whether the job has something to do: a pass to end, or to begin since the last whole one began a `period` ago.
    ///
    /// # Errors
    /// The engine's.
    pub async fn is_scrub_due(&self, period: Duration) -> Result<bool, ObjectError> {
        let status = self.scrub_status().await?;
        let is_over = |last: WholePass| last.started.plus_secs(period.as_secs()) <= self.clock.now();
        Ok(status.under_way.is_some() || status.last.is_none_or(is_over))
    }

    /// A pass that begins, or the one of the job that was broken off.
    ///
    /// # Errors
    /// The engine's.
    pub async fn begin_scrub(&self, of: PassOf) -> Result<Pass, ObjectError> {
        let broken_off = match of {
            PassOf::Job => self.remembered::<Pass>(UNDER_WAY).await?,
            PassOf::Operator => None,
        };
        let now = self.clock.now();
        Ok(Pass { remembered: now, ..broken_off.unwrap_or_else(|| Pass::new(now)) })
    }

    /// Reads every byte of every object that `pass` is not through with. `suspects` are damages that the engine found in
    /// its structure: those of an object's blob are reported with its name, and the others as they are. The answer is
    /// about the whole pass, but for the words of damages from before it was broken off.
    ///
    /// # Errors
    /// Where the buckets can not be read. What is damaged is in the answer. Ends early where `progress` was stopped.
    pub async fn scrub(
        &self,
        mut pass: Pass,
        of: PassOf,
        progress: &Progress,
        suspects: &[Damage],
    ) -> Result<Inspected, ObjectError> {
        if pass.needs_structure() {
            pass.reached = Reached::Structure;
        }
        let before = Damages { count: pass.damages, listed: Vec::new() };
        let mut inspected = Inspected { bytes: pass.bytes, damages: before, ..Inspected::default() };
        let outcome = self.read_all(&mut pass, of, progress, suspects, &mut inspected).await;
        if outcome.is_ok() && !progress.is_stopped() {
            let ended = self.clock.now();
            let last =
                WholePass { started: pass.started, ended, bytes: inspected.bytes, damages: inspected.damages.count };
            self.remember_end(of, last).await;
            metrics::gauge!(SCRUB_REMAINING_BYTES).set(0.0);
        } else if of == PassOf::Job && pass.can_be_remembered(suspects) {
            self.remember(&mut pass, &inspected).await;
        }
        outcome.map(|()| inspected)
    }

    async fn read_all(
        &self,
        pass: &mut Pass,
        of: PassOf,
        progress: &Progress,
        suspects: &[Damage],
        inspected: &mut Inspected,
    ) -> Result<(), ObjectError> {
        let named = suspects.iter().filter_map(|damage| Some((damage.blob?, damage.what.as_str())));
        let mut suspected: HashMap<BlobId, &str> = named.collect();
        for damage in suspects.iter().filter(|damage| damage.blob.is_none()) {
            found(inspected, damage.what.clone(), None);
        }
        let buckets = self.buckets_ahead(pass).await?;
        for record in &buckets {
            progress.expect(self.bucket_usage(&record.bucket).await?.bytes);
        }
        for BucketRecord { bucket, .. } in &buckets {
            inspected.buckets += 1;
            let mut walk = self.walk_all(bucket);
            if let Reached::Record { id, name, .. } = &pass.reached
                && *id == bucket.id
            {
                let name =
                    hex::decode(name).map_err(|error| StorageError::Damaged(format!("a scrub's place: {error}")))?;
                walk.seek(keyspace::just_after(&name));
            }
            while let Some((name, raw)) = walk.next().await? {
                self.scrub_record(bucket, (&name, &raw), progress, &mut suspected, inspected).await?;
                if progress.is_stopped() {
                    return Ok(());
                }
                let (tenancy, id) = (bucket.tenancy.clone(), bucket.id);
                pass.reached = Reached::Record { tenancy, bucket: bucket.name.clone(), id, name: hex::encode(&name) };
                let is_time = self.clock.now().as_secs().abs_diff(pass.remembered.as_secs()) >= REMEMBER_SECONDS;
                if of == PassOf::Job && is_time && pass.can_be_remembered(suspects) {
                    self.remember(pass, inspected).await;
                }
            }
        }
        for (blob, what) in suspected {
            found(inspected, what.to_owned(), Some(blob));
        }
        Ok(())
    }

    /// The buckets that a pass is not through with, in their order.
    async fn buckets_ahead(&self, pass: &Pass) -> Result<Vec<BucketRecord>, ObjectError> {
        let (from, to) = ALL_BUCKETS;
        let from = match &pass.reached {
            Reached::Record { tenancy, bucket, .. } => keyspace::bucket(tenancy, bucket),
            Reached::Nothing | Reached::Structure => from.to_vec(),
        };
        self.scan_buckets(from, to).await
    }

    async fn scrub_record(
        &self,
        bucket: &Bucket,
        (name, raw): (&[u8], &[u8]),
        progress: &Progress,
        suspected: &mut HashMap<BlobId, &str>,
        inspected: &mut Inspected,
    ) -> Result<(), ObjectError> {
        let blobs = match entry(name, raw).map(|entry| self.named_blobs(entry)) {
            Ok(blobs) => blobs.await,
            Err(error) => Err(error),
        };
        let blobs = match blobs {
            Ok((versions, blobs)) => {
                inspected.versions += versions;
                blobs
            }
            Err(error) => return self.report(bucket, (name, raw), None, &error, inspected).await,
        };
        for (blob, length) in blobs {
            if progress.is_stopped() {
                return Ok(());
            }
            inspected.blobs += 1;
            if let Some(what) = suspected.remove(&blob) {
                let error = StorageError::Damaged(what.to_owned());
                self.report(bucket, (name, raw), Some(blob), &error, inspected).await?;
            } else if let Err(error) = self.scrub_blob(blob, length, progress, inspected).await {
                self.report(bucket, (name, raw), Some(blob), &error, inspected).await?;
            }
        }
        Ok(())
    }

    async fn scrub_blob(
        &self,
        blob: BlobId,
        length: u64,
        progress: &Progress,
        inspected: &mut Inspected,
    ) -> Result<(), StorageError> {
        let mut content = self.blobs.read(blob, 0..length).await?;
        while let Some(piece) = content.next().await {
            let bytes = piece?.len() as u64;
            inspected.bytes += bytes;
            metrics::counter!(SCRUBBED_BYTES).increment(bytes);
            let pause = progress.advance(bytes);
            if !pause.is_zero() {
                let (total, done) = progress.bytes();
                #[expect(clippy::cast_precision_loss, reason = "metrics are floating point")]
                metrics::gauge!(SCRUB_REMAINING_BYTES).set(total.saturating_sub(done) as f64);
                tokio::time::sleep(pause).await;
            }
            if progress.is_stopped() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Notes what is wrong with a record, unless the record is another one by now: then its blobs may be gone.
    async fn report(
        &self,
        bucket: &Bucket,
        (name, raw): (&[u8], &[u8]),
        blob: Option<BlobId>,
        error: &StorageError,
        inspected: &mut Inspected,
    ) -> Result<(), ObjectError> {
        match self.metadata.get(bucket.space(), name).await {
            Ok(now) if now.as_deref() != Some(raw) => return Ok(()),
            Ok(_) | Err(StorageError::Damaged(_)) => {}
            Err(error) => return Err(error.into()),
        }
        match error {
            StorageError::Damaged(_) | StorageError::NoSuchBlob(_) | StorageError::Bounds(_) => {
                found(inspected, format!("{}: {error}", object_name(bucket, name)), blob);
                Ok(())
            }
            error => Err(error.clone().into()),
        }
    }

    /// Notes where the job's pass is. A place that can not be written costs time after a restart, and nothing else.
    async fn remember(&self, pass: &mut Pass, inspected: &Inspected) {
        (pass.bytes, pass.damages) = (inspected.bytes, inspected.damages.count);
        pass.remembered = self.clock.now();
        self.note(Batch { put: vec![(UNDER_WAY.to_vec(), json(pass))], ..Batch::default() }).await;
    }

    async fn remember_end(&self, of: PassOf, last: WholePass) {
        let delete = match of {
            PassOf::Job => vec![UNDER_WAY.to_vec()],
            PassOf::Operator => Vec::new(),
        };
        self.note(Batch { put: vec![(LAST.to_vec(), json(&last))], delete, ..Batch::default() }).await;
    }

    async fn note(&self, batch: Batch) {
        if let Err(error) = self.metadata.commit(Space::CONTROL, GROUP, batch).await {
            tracing::warn!(%error, "where the scrub is can not be remembered");
        }
    }

    async fn remembered<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, ObjectError> {
        let Some(raw) = self.metadata.get(Space::CONTROL, key).await? else { return Ok(None) };
        let parsed = serde_json::from_slice(&raw);
        parsed.map(Some).map_err(|error| StorageError::Damaged(format!("what is remembered of scrubs: {error}")).into())
    }
}

fn json(record: &impl Serialize) -> bytes::Bytes {
    serde_json::to_vec(record).expect("structs of texts and numbers, which JSON can hold").into()
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
