//! A copy of a store as of one moment, while it serves.
//!
//! The moment is a snapshot of the index. Its pairs go into one file ([`dump`]); the segments of the log that hold
//! bodies which the snapshot names, and the newest one, cut after the snapshot's last record, are copied under names
//! with their lengths; so are the files of large blobs. None of those ever changes, so a later backup into the same
//! directory copies what is new. The manifest ([`manifest`]) is replaced last, and what only the one before named is
//! removed after that: a backup that is broken off leaves the one before whole. `docs/format/backup.md` has the bytes.

pub(crate) mod dump;
pub(crate) mod manifest;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use storage::StorageError;
use storage::maintenance::{BackedUp, Damages, Progress};
use types::BlobId;

use self::dump::{DumpReader, DumpWriter};
use self::manifest::Manifest;
use crate::blobs::file::{self, BLOCK_BYTES, BlobFile, Checksums, Waiting};
use crate::blobs::place::Place;
use crate::check::walk;
use crate::crc::digest;
use crate::disk::{Disk, File, OpenMode, RealDisk};
use crate::error::{damaged, from_io};
use crate::index::{decode_place, keys};
use crate::log::reading::read_header;
use crate::log::segments::{DIRECTORY as LOG, Facts, path};
use crate::store::Shared;

/// Which store a directory is, or is a backup of.
pub(crate) const FORMAT_FILE: &str = "format";
/// What the names of unfinished files end with.
const DRAFT: &str = ".new";
/// The bytes of a blob's file that are copied at a time.
const COPY_BYTES: u64 = 8 * BLOCK_BYTES;
/// The bytes of any other file that are copied at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Makes or renews the backup in `directory`.
///
/// # Errors
/// As [`storage::maintenance::Maintenance::backup`].
pub(crate) fn backup(shared: &Shared, directory: &Path, progress: &Progress) -> Result<BackedUp, StorageError> {
    let target = RealDisk::new(directory).map_err(|error| from_io(&error))?;
    let before = prepare(shared, &target)?;
    let _lock = target.lock("lock").map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StorageError::Io("another backup is being made there".to_owned()),
        _ => from_io(&error),
    })?;
    let mut run = Run { shared, target: &target, progress, done: BackedUp::default(), manifest: Manifest::default() };
    // What the snapshot names stays until it is copied.
    let stay = shared.segments.stay();
    let pin = shared.retirement.pin();
    let live = run.dump()?;
    run.segments(&live, &before)?;
    drop(stay);
    run.blobs()?;
    drop(pin);
    run.stop_if_asked()?;
    run.manifest.write(&target).map_err(|error| from_io(&error))?;
    run.remove_unnamed()?;
    Ok(run.done)
}

/// Sees to it that the directory is a backup of this store, or can become one.
fn prepare(shared: &Shared, target: &dyn Disk) -> Result<Manifest, StorageError> {
    let io = |error: io::Error| from_io(&error);
    let own = read_whole(&*shared.disk, FORMAT_FILE).map_err(io)?;
    match read_whole(target, FORMAT_FILE) {
        Ok(found) if found == own => {}
        Ok(_) => return Err(StorageError::Io("the directory holds a backup of another store".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !target.list("").map_err(io)?.is_empty() {
                return Err(StorageError::Io("the directory is neither empty nor a backup".to_owned()));
            }
            write_whole(target, FORMAT_FILE, &own).map_err(io)?;
        }
        Err(error) => return Err(from_io(&error)),
    }
    target.make_dir(LOG).map_err(io)?;
    target.make_dir(file::DIRECTORY).map_err(io)?;
    for first in 0..=u8::MAX {
        target.make_dir(&blob_directory(first)).map_err(io)?;
    }
    target.sync_dir(file::DIRECTORY).and_then(|()| target.sync_dir("")).map_err(io)?;
    Ok(Manifest::read(target).map_err(io)?.unwrap_or_default())
}

struct Run<'a> {
    shared: &'a Shared,
    target: &'a RealDisk,
    progress: &'a Progress,
    done: BackedUp,
    manifest: Manifest,
}

impl Run<'_> {
    fn stop_if_asked(&self) -> Result<(), StorageError> {
        if self.progress.is_stopped() { Err(StorageError::Io("it was stopped".to_owned())) } else { Ok(()) }
    }

    /// Writes the index; answers which segments have bodies that it names.
    fn dump(&mut self) -> Result<BTreeSet<u64>, StorageError> {
        let view = self.shared.index.view();
        let applied = self.shared.index.last_record(&view)?;
        self.manifest.sequence = applied;
        let name = format!("index-{applied:016x}");
        let draft = format!("{name}{DRAFT}");
        remove_if_there(self.target, &draft).map_err(|error| from_io(&error))?;
        let mut writer = DumpWriter::create(self.target, &draft).map_err(|error| from_io(&error))?;
        let mut live = BTreeSet::new();
        let manifest = &mut self.manifest;
        let walked = self.shared.index.for_each(view, |key, value| {
            let noted = note_pair(key, value, &mut live, manifest);
            match noted.and_then(|()| writer.pair(key, value).map_err(|error| from_io(&error))) {
                Ok(()) if self.progress.is_stopped() => ControlFlow::Break(StorageError::Io("stopped".to_owned())),
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        })?;
        if let ControlFlow::Break(error) = walked {
            return Err(error);
        }
        let (length, crc) = writer.finish().map_err(|error| from_io(&error))?;
        let renamed = self.target.rename(&draft, &name).and_then(|()| self.target.sync_dir(""));
        renamed.map_err(|error| from_io(&error))?;
        self.copied(length);
        self.manifest.files.insert(name.clone(), (length, crc));
        self.manifest.index = name;
        self.progress.expect(self.manifest.blob_bytes);
        Ok(live)
    }

    fn copied(&mut self, bytes: u64) {
        self.done.sequence = self.manifest.sequence;
        self.done.copied_files += 1;
        self.done.copied_bytes += bytes;
    }

    /// Copies the segments that the snapshot needs: those with bodies, and the one that the log ends in.
    fn segments(&mut self, live: &BTreeSet<u64>, before: &Manifest) -> Result<(), StorageError> {
        let written = self.shared.segments.all().into_iter().filter(|(_, facts)| facts.used > 0);
        let written: BTreeMap<u64, Facts> = written.collect();
        let last = self.last_segment(&written)?;
        let needed: Vec<_> =
            written.iter().filter(|(number, _)| live.contains(number) || Some(**number) == last).collect();
        self.progress.expect(needed.iter().map(|(_, facts)| facts.used).sum());
        for (segment, facts) in needed {
            self.stop_if_asked()?;
            let until = if Some(*segment) == last { self.manifest.sequence } else { u64::MAX };
            self.segment(*segment, *facts, until, before)?;
            self.progress.advance_blocking(facts.used);
        }
        self.target.sync_dir(LOG).map_err(|error| from_io(&error))
    }

    /// The segment with the snapshot's last record; `None` in a store that never had one.
    fn last_segment(&self, written: &BTreeMap<u64, Facts>) -> Result<Option<u64>, StorageError> {
        for segment in written.keys().rev() {
            let file = self.shared.disk.open(&path(*segment), OpenMode::Read);
            let header = file.and_then(|file| read_header(&*file, *segment)).map_err(|error| from_io(&error))?;
            let header = header.ok_or_else(|| damaged(format!("the header of {} does not verify", path(*segment))))?;
            if header.first <= self.manifest.sequence {
                return Ok(Some(*segment));
            }
        }
        Ok(None)
    }

    fn segment(&mut self, segment: u64, facts: Facts, until: u64, before: &Manifest) -> Result<(), StorageError> {
        let sealed = format!("{LOG}/{segment:016x}-{:x}", facts.used);
        if let Some(known) = before.files.get(&sealed).filter(|_| until == u64::MAX)
            && length_of(self.target, &sealed)? == Some(known.0)
        {
            self.manifest.files.insert(sealed, *known);
            self.done.reused_files += 1;
            return Ok(());
        }
        let io = |error: io::Error| from_io(&error);
        let length = match walk(self.shared, segment, facts, until).map_err(io)? {
            Ok(walked) => walked.end,
            // What is damaged is copied as it is: what else is in it is whole.
            Err(what) => {
                self.done.damages.add(what, None);
                facts.used
            }
        };
        let file = self.shared.disk.open(&path(segment), OpenMode::Read).map_err(io)?;
        let name = format!("{LOG}/{segment:016x}-{length:x}");
        let copied = |to: Option<&dyn File>| Ok((length, copy(&*file, length, to, |_| ())?));
        if let Some(known) = before.files.get(&name)
            && length_of(self.target, &name)? == Some(length)
            && copied(None).map_err(io)? == *known
        {
            self.manifest.files.insert(name, *known);
            self.done.reused_files += 1;
            return Ok(());
        }
        let facts = write_draft(self.target, &name, |draft| copied(Some(draft))).map_err(io)?;
        self.copied(length);
        self.manifest.files.insert(name, facts);
        Ok(())
    }

    /// Copies the files of large blobs. The dump has them in the order of directories.
    fn blobs(&mut self) -> Result<(), StorageError> {
        let mut dump = DumpReader::open(self.target, &self.manifest.index).map_err(|error| from_io(&error))?;
        let mut dirty = None;
        while let Some((key, value)) = dump.next_pair().map_err(|error| from_io(&error))? {
            let Some((id, length, crc64)) = file_in(&key, &value)? else { continue };
            self.stop_if_asked()?;
            if length_of(self.target, &file::path(id))? == Some(file::file_length(length)) {
                self.done.reused_files += 1;
                self.progress.advance(length);
                continue;
            }
            if dirty.is_some_and(|first| first != id.0[0]) {
                self.sync_blobs(dirty.take())?;
            }
            match copy_blob(&*self.shared.disk, self.target, id, length, crc64, self.progress) {
                Ok(()) => {
                    self.copied(length);
                    dirty = Some(id.0[0]);
                }
                Err(StorageError::Damaged(what)) => note(&mut self.done.damages, id, &what),
                Err(error) => return Err(error),
            }
        }
        self.sync_blobs(dirty)
    }

    fn sync_blobs(&self, first: Option<u8>) -> Result<(), StorageError> {
        let Some(first) = first else { return Ok(()) };
        self.target.sync_dir(&blob_directory(first)).map_err(|error| from_io(&error))
    }

    /// Removes what the manifest does not name.
    fn remove_unnamed(&mut self) -> Result<(), StorageError> {
        let io = |error: io::Error| from_io(&error);
        for name in self.target.list(LOG).map_err(io)? {
            let name = format!("{LOG}/{name}");
            if !self.manifest.files.contains_key(&name) {
                self.remove(&name)?;
            }
        }
        for name in self.target.list("").map_err(io)? {
            if name.starts_with("index-") && name != self.manifest.index {
                self.remove(&name)?;
            }
        }
        let mut dump = DumpReader::open(self.target, &self.manifest.index).map_err(io)?;
        let mut next = next_file(&mut dump)?;
        for first in 0..=u8::MAX {
            let directory = blob_directory(first);
            let mut named = BTreeSet::new();
            while let Some(id) = next.filter(|id| id.0[0] == first) {
                named.insert(id);
                next = next_file(&mut dump)?;
            }
            for name in self.target.list(&directory).map_err(io)? {
                if name.parse().map_or(true, |id| !named.contains(&id)) {
                    self.remove(&format!("{directory}/{name}"))?;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        self.done.removed_files += 1;
        remove_if_there(self.target, name).map_err(|error| from_io(&error))
    }
}

fn note_pair(key: &[u8], value: &[u8], live: &mut BTreeSet<u64>, manifest: &mut Manifest) -> Result<(), StorageError> {
    if let Some((_, length, _)) = file_in(key, value)? {
        manifest.blobs += 1;
        manifest.blob_bytes += length;
    }
    if matches!(keys::kind(key), Some(keys::Range::Blobs))
        && let Place::Packed { segment, .. } = decode_place(value)?
    {
        live.insert(segment);
    }
    Ok(())
}

fn note(damages: &mut Damages, id: BlobId, what: &str) {
    tracing::error!(%id, what, "a blob can not be copied whole");
    damages.add(format!("blob {id}: {what}"), Some(id));
}

/// The large blob that a pair of an index keeps: its name, length and checksum.
pub(crate) fn file_in(key: &[u8], value: &[u8]) -> Result<Option<(BlobId, u64, u64)>, StorageError> {
    if !matches!(keys::kind(key), Some(keys::Range::Blobs)) {
        return Ok(None);
    }
    match decode_place(value)? {
        Place::File { length, crc64 } => Ok(Some((keys::blob_of(key)?, length, crc64))),
        Place::Packed { .. } => Ok(None),
    }
}

fn next_file(dump: &mut DumpReader) -> Result<Option<BlobId>, StorageError> {
    while let Some((key, value)) = dump.next_pair().map_err(|error| from_io(&error))? {
        if let Some((id, ..)) = file_in(&key, &value)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Copies the file of a blob, and verifies what it copies. The copy's name is durable with its directory.
///
/// # Errors
/// [`StorageError::Damaged`] where the blob is not whole; there is no copy then.
pub(crate) fn copy_blob(
    from: &dyn Disk,
    to: &dyn Disk,
    id: BlobId,
    length: u64,
    crc64: u64,
    progress: &Progress,
) -> Result<(), StorageError> {
    let path = file::path(id);
    let source = match from.open(&path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(format!("the file of blob {id} is missing")));
        }
        source => source.map_err(|error| from_io(&error))?,
    };
    if let Some(flaw) = file::flaw_of_footer(&*source, length, crc64).map_err(|error| from_io(&error))? {
        return Err(damaged(format!("blob {id}: {flaw}")));
    }
    let source = BlobFile { id, file: source, length };
    let draft = format!("{path}{DRAFT}");
    remove_if_there(to, &draft).map_err(|error| from_io(&error))?;
    let copy = to.open(&draft, OpenMode::CreateNew).map_err(|error| from_io(&error))?;
    let mut checksums = Checksums::new();
    let mut at = 0;
    while at < length {
        let end = (at + COPY_BYTES).min(length);
        let piece = source.read(at..end, Waiting::Allowed)?.unwrap_or_default();
        checksums.update(&piece);
        copy.write_at(&piece, at).map_err(|error| from_io(&error))?;
        progress.advance_blocking(end - at);
        at = end;
    }
    let (content, end) = checksums.finish();
    if content != crc64 {
        return Err(damaged(format!("blob {id} does not have the checksum that it was kept with")));
    }
    let copied = copy.write_at(&end, length).and_then(|()| copy.sync_data()).and_then(|()| to.rename(&draft, &path));
    copied.map_err(|error| from_io(&error))
}

/// The length of a file; `None` where there is none.
fn length_of(disk: &dyn Disk, path: &str) -> Result<Option<u64>, StorageError> {
    match disk.open(path, OpenMode::Read).and_then(|file| file.len()) {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(from_io(&error)),
    }
}

/// The directory of the blobs whose names begin with this byte.
pub(crate) fn blob_directory(first: u8) -> String {
    format!("{}/{first:02x}", file::DIRECTORY)
}

pub(crate) fn read_whole(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path, OpenMode::Read)?;
    let mut data = vec![0; usize::try_from(file.len()?).map_err(|_| io::ErrorKind::InvalidData)?];
    file.read_exact_at(&mut data, 0)?;
    Ok(data)
}

/// Writes a file that is there whole or not at all. Its name is durable with its directory.
pub(crate) fn write_whole(disk: &dyn Disk, path: &str, data: &[u8]) -> io::Result<()> {
    write_draft(disk, path, |file| file.write_at(data, 0))
}

/// Has `write` write a file that is there whole or not at all; answers what it does. Its name is durable with its directory.
fn write_draft<T>(disk: &dyn Disk, path: &str, write: impl FnOnce(&dyn File) -> io::Result<T>) -> io::Result<T> {
    let draft = format!("{path}{DRAFT}");
    remove_if_there(disk, &draft)?;
    let file = disk.open(&draft, OpenMode::CreateNew)?;
    let written = write(&*file)?;
    file.sync_data()?;
    disk.rename(&draft, path)?;
    Ok(written)
}

/// Reads the first `length` bytes of a file, and writes them to `copy` where one is wanted; answers their checksum.
/// `passed` hears of every piece.
pub(crate) fn copy(file: &dyn File, length: u64, copy: Option<&dyn File>, passed: impl Fn(u64)) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE_BYTES];
    let (mut at, mut crc) = (0, digest());
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let piece = &mut buffer[..count];
        file.read_exact_at(piece, at)?;
        crc.update(piece);
        if let Some(copy) = copy {
            copy.write_at(piece, at)?;
        }
        at += count as u64;
        passed(count as u64);
    }
    Ok(crc.finalize())
}

pub(crate) fn remove_if_there(disk: &dyn Disk, path: &str) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Shared by the directory's owner and whoever reads it.
pub(crate) fn on(directory: &Path) -> io::Result<Arc<RealDisk>> {
    RealDisk::new(directory).map(Arc::new)
}
