//! Makes a store from a backup.
//!
//! Everything is verified against the manifest and the index of the backup while it is copied. The file that says that
//! a directory is a store is written last: what is broken off is none.

use std::io;
use std::path::Path;

use storage::StorageError;
use storage::maintenance::{Damages, Progress};

use crate::backup::dump::DumpReader;
use crate::backup::manifest::Manifest;
use crate::backup::{FORMAT_FILE, blob_directory, copy, copy_blob, file_in, on, read_whole, write_whole};
use crate::blobs::file;
use crate::disk::{Disk, File, OpenMode};
use crate::error::from_io;
use crate::index::Index;
use crate::log::segments::{DIRECTORY as LOG, path};

/// The memory in bytes for blocks of the index while it is built.
const CACHE_BYTES: u64 = 8 << 20;
/// The part of the index that is gathered in memory before it is written, in bytes.
const MEMTABLE_BYTES: u64 = 32 << 20;

/// A store could not be made from a backup. What was begun has no `format` file and can be removed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is no finished backup.
    #[error("the directory holds no finished backup: its manifest is missing")]
    NoBackup,
    /// Something is in the way.
    #[error("there is something already where the store is to be made; nothing is overwritten")]
    Occupied,
    /// The backup is not what it was.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The device, or the request to stop.
    #[error("{0}")]
    Failed(StorageError),
}

impl From<StorageError> for RestoreError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Damaged(what) => Self::Damaged(what),
            other => Self::Failed(other),
        }
    }
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Failed(from_io(&error)),
        }
    }
}

/// What a restored store has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restored {
    /// The last record.
    pub sequence: u64,
    /// Files that were copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that the backup does not have whole: the store it was made from did not either, or the backup was damaged
    /// since. The rest is restored.
    pub damages: Damages,
}

/// Makes the store in `to`, which must be empty or not there, from the backup in `from`.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(from: &Path, to: &Path, progress: &Progress) -> Result<Restored, RestoreError> {
    let source = on(from)?;
    let manifest = Manifest::read(&*source)?.ok_or(RestoreError::NoBackup)?;
    if to.exists() && !on(to)?.list("")?.is_empty() {
        return Err(RestoreError::Occupied);
    }
    let target = on(to)?;
    let file_bytes: u64 = manifest.files.values().map(|(length, _)| length).sum();
    progress.expect(file_bytes + manifest.blob_bytes);
    let mut restored = Restored { sequence: manifest.sequence, ..Restored::default() };
    target.make_dir(LOG)?;
    target.make_dir(file::DIRECTORY)?;
    for (name, facts) in &manifest.files {
        let to = segment_of(name).map(|segment| target.open(&path(segment), OpenMode::CreateNew)).transpose()?;
        if read_from(&*source, name, to.as_deref(), progress)? != *facts {
            return Err(RestoreError::Damaged(format!("{name} does not verify")));
        }
        if let Some(to) = to {
            to.sync_data()?;
            restored.files += 1;
            restored.bytes += facts.0;
        }
    }
    target.sync_dir(LOG)?;
    restore_blobs(&*source, &*target, &manifest, progress, &mut restored)?;
    let index = Index::open(&to.join("index"), CACHE_BYTES)?;
    let mut dump = DumpReader::open(&*source, &manifest.index)?;
    let pairs = std::iter::from_fn(|| dump.next_pair().map_err(RestoreError::from).transpose());
    index.fill(pairs, MEMTABLE_BYTES)?;
    drop(index);
    write_whole(&*target, FORMAT_FILE, &read_whole(&*source, FORMAT_FILE)?)?;
    target.sync_dir("")?;
    Ok(restored)
}

/// Reads a file of the backup, and writes it to `to` where a copy is wanted; answers its length and checksum.
fn read_from(
    source: &dyn Disk,
    name: &str,
    to: Option<&dyn File>,
    progress: &Progress,
) -> Result<(u64, u64), RestoreError> {
    let file = source.open(name, OpenMode::Read).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RestoreError::Damaged(format!("{name} is missing")),
        _ => error.into(),
    })?;
    let length = file.len()?;
    Ok((length, copy(&*file, length, to, |bytes| progress.advance_blocking(bytes))?))
}

/// The segment that a name in a backup stands for.
fn segment_of(name: &str) -> Option<u64> {
    let name = name.strip_prefix(LOG)?.strip_prefix('/')?;
    u64::from_str_radix(name.split_once('-')?.0, 16).ok()
}

fn restore_blobs(
    source: &dyn Disk,
    target: &dyn Disk,
    manifest: &Manifest,
    progress: &Progress,
    restored: &mut Restored,
) -> Result<(), RestoreError> {
    for first in 0..=u8::MAX {
        target.make_dir(&blob_directory(first))?;
    }
    let mut dump = DumpReader::open(source, &manifest.index)?;
    while let Some((key, value)) = dump.next_pair()? {
        let Some((id, length, crc64)) = file_in(&key, &value)? else { continue };
        if progress.is_stopped() {
            return Err(StorageError::Io("it was stopped".to_owned()).into());
        }
        match copy_blob(source, target, id, length, crc64, progress) {
            Ok(()) => {
                restored.files += 1;
                restored.bytes += length;
            }
            Err(StorageError::Damaged(what)) => restored.damages.add(what, Some(id)),
            Err(error) => return Err(error.into()),
        }
    }
    for first in 0..=u8::MAX {
        target.sync_dir(&blob_directory(first))?;
    }
    Ok(target.sync_dir(file::DIRECTORY)?)
}
