//! Whether the structure of a store is whole: the log's records, the index, and the files that it names.
//!
//! It reads the log whole, every table of the index, and of large blobs their length, footer and checksums. The content
//! of large blobs is verified by reading them, block by block; that is the caller's.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use storage::StorageError;
use storage::maintenance::{Progress, Verified};
use types::BlobId;

use crate::blobs::file;
use crate::blobs::place::Place;
use crate::blobs::reader::find;
use crate::disk::OpenMode;
use crate::error::from_io;
use crate::index::{decode_i64, decode_place, keys};
use crate::log::reading::{SegmentReader, read_header};
use crate::log::segments::{Facts, path};
use crate::store::Shared;

/// Looks at everything. Segments and blobs may come and go meanwhile.
///
/// # Errors
/// Where the device fails; what is damaged is in the answer.
pub(crate) fn verify(shared: &Shared, progress: &Progress) -> Result<Verified, StorageError> {
    let mut verified = Verified::default();
    verify_log(shared, progress, &mut verified)?;
    verify_index(shared, progress, &mut verified)?;
    count_orphans(shared, progress, &mut verified)?;
    for damage in &verified.damages.listed {
        tracing::error!(what = damage.what, "damage was found");
    }
    metrics::counter!("commonhold_storage_damaged_total").increment(verified.damages.count);
    Ok(verified)
}

fn verify_log(shared: &Shared, progress: &Progress, verified: &mut Verified) -> Result<(), StorageError> {
    let segments = shared.segments.all();
    progress.expect(segments.iter().map(|(_, facts)| facts.used).sum());
    let mut before: Option<(u64, u64)> = None;
    for (segment, facts) in segments.into_iter().filter(|(_, facts)| facts.used > 0) {
        if progress.is_stopped() {
            return Ok(());
        }
        let walked = match walk(shared, segment, facts, u64::MAX) {
            // It died meanwhile, and its records with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                verified.damages.add(format!("{} is shorter than what was written", path(segment)), None);
                continue;
            }
            walked => walked.map_err(|error| from_io(&error))?,
        };
        verified.log_bytes += facts.used;
        match walked {
            Err(what) => verified.damages.add(what, None),
            Ok(walked) => {
                if let Some((_, next)) = before.filter(|(last, next)| last + 1 == segment && *next != walked.first) {
                    let lost = format!("records {next} to {} before {} are missing", walked.first - 1, path(segment));
                    verified.damages.add(lost, None);
                }
                before = Some((segment, walked.next));
            }
        }
        progress.advance_blocking(facts.used);
    }
    Ok(())
}

/// The records of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Walked {
    /// The first one.
    pub(crate) first: u64,
    /// The one after the last.
    pub(crate) next: u64,
    /// Where the last one ends.
    pub(crate) end: u64,
}

/// Goes through the whole groups of a segment, up to the one that ends with record `until`. What follows in place of a
/// group, and is none, is told in words.
///
/// # Errors
/// The device's.
pub(crate) fn walk(shared: &Shared, segment: u64, facts: Facts, until: u64) -> io::Result<Result<Walked, String>> {
    let file = shared.disk.open(&path(segment), OpenMode::Read)?;
    let Some(header) = read_header(&*file, segment)? else {
        return Ok(Err(format!("the header of {} does not verify", path(segment))));
    };
    let mut records = SegmentReader::new(file, &shared.framer, facts.used);
    let mut next = header.first;
    while next <= until
        && let Some(group) = records.next_group(next)?
    {
        next += group.len() as u64;
    }
    let end = records.at();
    if next <= until && !records.is_blank()? {
        return Ok(Err(format!("record {next} in {} does not verify", path(segment))));
    }
    Ok(Ok(Walked { first: header.first, next, end }))
}

/// What is summed up while the index is read.
#[derive(Default)]
struct Sums {
    /// Bytes of bodies in each segment, by the places of blobs.
    live: BTreeMap<u64, u64>,
    /// The same, as the index remembers it.
    remembered: BTreeMap<u64, u64>,
}

fn verify_index(shared: &Shared, progress: &Progress, verified: &mut Verified) -> Result<(), StorageError> {
    // What the snapshot names stays while it is looked at.
    let _stay = shared.segments.stay();
    let _pin = shared.retirement.pin();
    let view = shared.index.view();
    let segments: BTreeMap<u64, Facts> = shared.segments.all().into_iter().collect();
    let mut sums = Sums::default();
    let walked = shared.index.for_each(view, |key, value| {
        verified.keys += 1;
        if progress.is_stopped() {
            return ControlFlow::Break(Ok(()));
        }
        match verify_entry(shared, &segments, key, value, &mut sums, verified) {
            Ok(()) => ControlFlow::Continue(()),
            Err(StorageError::Damaged(what)) => {
                verified.damages.add(what, None);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(Err(error)),
        }
    });
    match walked {
        Ok(ControlFlow::Continue(())) => {}
        Ok(ControlFlow::Break(outcome)) => return outcome,
        Err(StorageError::Damaged(what)) => {
            verified.damages.add(what, None);
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    for segment in segments.keys() {
        let [live, remembered] = [&sums.live, &sums.remembered].map(|sums| sums.get(segment).copied().unwrap_or(0));
        if live != remembered {
            let what = format!("{} has {live} live bytes and counts {remembered}", path(*segment));
            verified.damages.add(what, None);
        }
    }
    Ok(())
}

fn verify_entry(
    shared: &Shared,
    segments: &BTreeMap<u64, Facts>,
    key: &[u8],
    value: &[u8],
    sums: &mut Sums,
    verified: &mut Verified,
) -> Result<(), StorageError> {
    match keys::kind(key) {
        Some(keys::Range::Segments) => {
            sums.remembered.insert(keys::number_of(key)?, decode_i64(value)?.unsigned_abs());
        }
        Some(range @ (keys::Range::Blobs | keys::Range::Retired)) => {
            let (id, place) = (keys::blob_of(key)?, decode_place(value)?);
            if let Place::Packed { segment, length, .. } = place {
                *sums.live.entry(segment).or_insert(0) += u64::from(length);
            }
            // The bytes of a retired blob are going or gone.
            if matches!(range, keys::Range::Blobs) {
                verified.blobs += 1;
                if let Some(flaw) = flaw_of_place(shared, segments, id, place)? {
                    verified.damages.add(format!("blob {id}: {flaw}"), Some(id));
                }
            }
        }
        Some(keys::Range::Closed) | None => {}
    }
    Ok(())
}

fn flaw_of_place(
    shared: &Shared,
    segments: &BTreeMap<u64, Facts>,
    id: BlobId,
    place: Place,
) -> Result<Option<String>, StorageError> {
    match place {
        Place::Packed { segment, offset, length, .. } => {
            let used = segments.get(&segment).map(|facts| facts.used);
            let end = u64::from(offset) + u64::from(length);
            Ok(used.is_none_or(|used| end > used).then(|| format!("{} does not hold it", path(segment))))
        }
        Place::File { length, crc64 } => match shared.disk.open(&file::path(id), OpenMode::Read) {
            Ok(file) => file::flaw_of_footer(&*file, length, crc64).map_err(|error| from_io(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some("its file is missing".to_owned())),
            Err(error) => Err(from_io(&error)),
        },
    }
}

/// Files that no blob has. A blob that is being made has one too, and is none of them.
fn count_orphans(shared: &Shared, progress: &Progress, verified: &mut Verified) -> Result<(), StorageError> {
    for first in 0..=u8::MAX {
        if progress.is_stopped() {
            return Ok(());
        }
        let names = shared.disk.list(&format!("{}/{first:02x}", file::DIRECTORY)).map_err(|error| from_io(&error))?;
        for id in names.iter().filter_map(|name| name.parse::<BlobId>().ok()) {
            // First whether it is being made: what is kept meanwhile is found by the second look.
            let is_orphan = shared.making.get(id).is_none() && matches!(find(shared, id), Ok(None));
            verified.orphans += u64::from(is_orphan);
        }
    }
    Ok(())
}
