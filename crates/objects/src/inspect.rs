//! Whether what is stored is whole: every record of every bucket, the blobs it names, and the counters.
//!
//! A check reads no content; it compares what records name with what there is, and sums up what the counters say, so
//! nobody may write meanwhile. A scrub ([`crate::scrub`]) reads every byte, while the store serves. Both name the object
//! of what they find.

use std::collections::BTreeMap;

use identity::bucket_counter;
use storage::maintenance::{Damages, Progress};
use storage::{Batch, Blobs, Bounded, Space, StorageError, limits};
use types::{BlobId, UserName};

use crate::commit::not_committed;
use crate::keyspace::{ALL_BUCKETS, KeyNames, OBJECTS, Place, UPLOADS, UploadNames};
use crate::record::{Content, HeadRecord, MarkerRecord, PartRecord, UploadRecord, UploadState, VersionRecord, decode};
use crate::usage::{COUNTED, Counted, Counters, Place as VersionPlace, UsageChange};
use crate::walk::{Sides, Walk, object_key};
use crate::{Bucket, ObjectError, Objects};

/// Damages that scrubs found.
pub const SCRUB_DAMAGES: &str = "commonhold_scrub_damages_total";

/// What was looked at, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inspected {
    /// Buckets.
    pub buckets: u64,
    /// Versions, delete markers included.
    pub versions: u64,
    /// Blobs that records name.
    pub blobs: u64,
    /// Bytes of content that were read.
    pub bytes: u64,
    /// What is wrong; each text starts with the object's tenancy, bucket and key, where it is one's.
    pub damages: Damages,
    /// Counters that were wrong and are right now.
    pub corrected: Damages,
}

/// What becomes of counters that are wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WrongCounters {
    /// They are found as damage.
    Tell,
    /// They are set to the sums of what there is, if every record could be read.
    Correct,
}

/// The group of the commits that set counters right, which have no keys.
const CORRECTIONS: &[u8] = b"corrections/";

/// A record of a bucket, whichever it is.
pub(crate) enum Entry {
    Version(VersionRecord),
    Marker,
    Upload(UploadRecord),
    Part(PartRecord),
}

/// A blob that a record names, and how long it must be.
pub(crate) type NamedBlob = (BlobId, u64);

/// The parts of an upload that are a version's already: its completion was broken off before their records went.
struct TakenOver {
    names: UploadNames,
    parts: Vec<u16>,
}

impl TakenOver {
    fn has(&self, name: &[u8]) -> bool {
        let number = name.strip_prefix(self.names.group()).and_then(|_| self.names.part_number(name).ok());
        number.is_some_and(|number| self.parts.binary_search(&number).is_ok())
    }
}

impl Objects {
    /// Looks whether every blob that a record names is there, whether every blob that is there is named, and whether
    /// the counters are the sums of what there is.
    ///
    /// # Errors
    /// Where the buckets can not be read. What is wrong is in the answer.
    pub async fn check(&self, progress: &Progress, counters: WrongCounters) -> Result<Inspected, ObjectError> {
        let mut inspected = Inspected::default();
        let mut counters = counters;
        let mut sums = BTreeMap::new();
        let (from, to) = ALL_BUCKETS;
        for record in self.scan_buckets(from.to_vec(), to).await? {
            let bucket = &record.bucket;
            inspected.buckets += 1;
            *sums.entry(bucket_counter(&bucket.tenancy)).or_insert(0) += 1;
            begin_at_zero(&mut sums, bucket);
            let (mut taken_over, mut upload_owner) = (None, None);
            let mut walk = self.walk_all(bucket);
            while let Some((name, raw)) = walk.next().await? {
                if progress.is_stopped() {
                    return Ok(inspected);
                }
                let entry = match entry(&name, &raw) {
                    Ok(entry) => entry,
                    Err(error) => {
                        found(&mut inspected, format!("{}: {error}", object_name(bucket, &name)), None);
                        // Nobody knows how much it stands for.
                        counters = WrongCounters::Tell;
                        continue;
                    }
                };
                match &entry {
                    Entry::Upload(upload) => {
                        taken_over = self.taken_over(bucket, &name, upload).await?;
                        upload_owner = upload.owner.clone();
                    }
                    // Its version counts and names the same.
                    Entry::Part(_) if taken_over.as_ref().is_some_and(|taken| taken.has(&name)) => continue,
                    Entry::Part(_) | Entry::Version(_) | Entry::Marker => {}
                }
                add_up(usage_of(bucket, &name, &entry, upload_owner.as_ref())?, &mut sums);
                self.check_blobs((bucket, &name), entry, &mut inspected).await?;
            }
        }
        self.check_counters(sums, counters, &mut inspected).await?;
        let kept = self.count_blobs().await?;
        if kept != inspected.blobs {
            let what = format!("{kept} blobs are kept, and records name {}", inspected.blobs);
            found(&mut inspected, what, None);
        }
        Ok(inspected)
    }

    /// The parts of an upload that are a version's already.
    async fn taken_over(
        &self,
        bucket: &Bucket,
        name: &[u8],
        upload: &UploadRecord,
    ) -> Result<Option<TakenOver>, ObjectError> {
        let (UploadState::Completing(intent) | UploadState::Completed(intent)) = &upload.state else {
            return Ok(None);
        };
        let place = Place::parse(name)?;
        let Some(id) = place.upload() else { return Ok(None) };
        let key = object_key(&place.key()?)?;
        let is_version = self.metadata.get(bucket.space(), &KeyNames::new(&key).marker(id)).await?.is_some();
        let taken_over = || TakenOver { names: UploadNames::new(&key, id), parts: intent.parts.clone() };
        Ok(is_version.then(taken_over))
    }

    async fn check_blobs(
        &self,
        (bucket, name): (&Bucket, &[u8]),
        entry: Entry,
        inspected: &mut Inspected,
    ) -> Result<(), ObjectError> {
        let blobs = match self.named_blobs(entry).await {
            Ok((versions, blobs)) => {
                inspected.versions += versions;
                blobs
            }
            Err(error @ (StorageError::Damaged(_) | StorageError::NoSuchBlob(_) | StorageError::Bounds(_))) => {
                found(inspected, format!("{}: {error}", object_name(bucket, name)), None);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for (blob, length) in blobs {
            inspected.blobs += 1;
            let flaw = match length_of(&*self.blobs, blob).await? {
                None => format!("blob {blob} is missing"),
                Some(there) if there != length => format!("blob {blob} has {there} bytes and should have {length}"),
                Some(_) => continue,
            };
            found(inspected, format!("{}: {flaw}", object_name(bucket, name)), Some(blob));
        }
        Ok(())
    }

    async fn check_counters(
        &self,
        sums: BTreeMap<Vec<u8>, i64>,
        wrong: WrongCounters,
        found_in: &mut Inspected,
    ) -> Result<(), ObjectError> {
        for (name, sum) in sums {
            let counted = self.metadata.counters(std::slice::from_ref(&name)).await?.first().copied().unwrap_or(0);
            if counted == sum {
                continue;
            }
            let what = format!("counter {} says {counted}, and there are {sum}", String::from_utf8_lossy(&name));
            match wrong {
                WrongCounters::Tell => found(found_in, what, None),
                WrongCounters::Correct => {
                    let count = vec![Bounded { name, delta: sum - counted, at_most: None }];
                    let batch = Batch { count, ..Batch::default() };
                    self.metadata.commit(Space::CONTROL, CORRECTIONS, batch).await.map_err(not_committed)?;
                    tracing::warn!(what, "a counter was set right");
                    found_in.corrected.add(what, None);
                }
            }
        }
        Ok(())
    }

    async fn count_blobs(&self) -> Result<u64, ObjectError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.blobs.list(after, limits::SCAN_KEYS).await?;
            let Some(last) = page.last() else { return Ok(count) };
            count += page.len() as u64;
            after = Some(last.id);
        }
    }

    /// All records of a bucket, those of a key together.
    pub(crate) fn walk_all(&self, bucket: &Bucket) -> Walk<'_> {
        let range = (vec![OBJECTS], vec![UPLOADS + 1]);
        Walk::new(&*self.metadata, bucket.space(), Sides::Both, range, limits::SCAN_KEYS)
    }

    /// How many versions an entry is, and the blobs that it names.
    pub(crate) async fn named_blobs(&self, entry: Entry) -> Result<(u64, Vec<NamedBlob>), StorageError> {
        let version = match entry {
            Entry::Marker | Entry::Upload(_) => return Ok((0, Vec::new())),
            Entry::Part(part) => return Ok((0, part.blob.map(|blob| (blob, part.size)).into_iter().collect())),
            Entry::Version(version) => version,
        };
        let Some(object) = version.object() else { return Ok((1, Vec::new())) };
        let blobs = match &object.content {
            Content::Empty => Vec::new(),
            Content::Blob(blob) => vec![(*blob, object.size)],
            Content::Parts(map) => {
                let mut blobs = vec![(map.blob, map.bytes())];
                let mut start = 0;
                for line in map.all(&*self.blobs).await? {
                    blobs.extend(line.blob.map(|blob| (blob, line.end.saturating_sub(start))));
                    start = line.end;
                }
                if start != object.size {
                    let what = format!("its parts have {start} bytes and it has {}", object.size);
                    return Err(StorageError::Damaged(what));
                }
                blobs
            }
        };
        Ok((1, blobs))
    }
}

pub(crate) fn found(inspected: &mut Inspected, what: String, blob: Option<BlobId>) {
    tracing::error!(what, "damage was found");
    metrics::counter!(SCRUB_DAMAGES).increment(1);
    inspected.damages.add(what, blob);
}

pub(crate) fn entry(name: &[u8], raw: &[u8]) -> Result<Entry, StorageError> {
    let place = Place::parse(name)?;
    Ok(match name.first() {
        Some(&UPLOADS) if place.upload().is_some() => Entry::Upload(decode(raw)?),
        Some(&UPLOADS) => Entry::Part(decode(raw)?),
        _ if place.is_marker() => {
            decode::<MarkerRecord>(raw)?;
            Entry::Marker
        }
        _ if place.is_older() => Entry::Version(decode(raw)?),
        _ => Entry::Version(decode::<HeadRecord>(raw)?.version),
    })
}

/// What an entry adds to the counters; `upload_owner` is whose upload a part belongs to.
fn usage_of<'a>(
    bucket: &'a Bucket,
    name: &[u8],
    entry: &Entry,
    upload_owner: Option<&UserName>,
) -> Result<UsageChange<'a>, StorageError> {
    let mut usage = UsageChange::in_bucket(bucket);
    match entry {
        Entry::Version(version) => {
            usage.add(version, Counted::NotYet);
            if Place::parse(name)?.is_older() {
                usage.becomes(version, VersionPlace::Older);
            }
        }
        Entry::Part(part) => usage.add_part(upload_owner, part.size),
        Entry::Marker | Entry::Upload(_) => {}
    }
    Ok(usage)
}

/// The counters of a bucket, its tenancy and its owner are compared also where they are 0.
fn begin_at_zero(sums: &mut BTreeMap<Vec<u8>, i64>, bucket: &Bucket) {
    let owner = Counters::User(&bucket.tenancy, &bucket.owner);
    for of in [Counters::Bucket(bucket.space()), Counters::Tenancy(&bucket.tenancy), owner] {
        for name in COUNTED {
            sums.entry(of.name(name)).or_insert(0);
        }
    }
}

fn add_up(usage: UsageChange<'_>, sums: &mut BTreeMap<Vec<u8>, i64>) {
    for change in usage.into_count() {
        *sums.entry(change.name).or_insert(0) += change.delta;
    }
}

/// An object as people name it.
pub(crate) fn object_name(bucket: &Bucket, name: &[u8]) -> String {
    let place = Place::parse(name);
    let key = place.as_ref().ok().and_then(|place| place.key().ok()).unwrap_or_else(|| hex::encode(name).into());
    let rest = place.map(|place| String::from_utf8_lossy(place.rest()).into_owned()).unwrap_or_default();
    let which = match (name.first(), rest.strip_prefix('v')) {
        (Some(&UPLOADS), _) => " (a part of an upload)".to_owned(),
        (_, Some(version)) => format!(" (version {version})"),
        _ => String::new(),
    };
    format!("{}/{}/{key}{which}", bucket.tenancy, bucket.name)
}

/// The length of a kept blob; `None` where there is none of this name.
async fn length_of(blobs: &dyn Blobs, id: BlobId) -> Result<Option<u64>, StorageError> {
    let before = u128::from_be_bytes(id.0).checked_sub(1).map(|before| BlobId(before.to_be_bytes()));
    let next = blobs.list(before, 1).await?;
    Ok(next.first().filter(|info| info.id == id).map(|info| info.length))
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
