//! The manifest of a backup: which files it consists of, with their checksums. A backup without one is unfinished.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use crate::crc::crc64;
use crate::disk::{Disk, OpenMode};

/// Its name in the backup.
pub(crate) const NAME: &str = "manifest";
/// Its first line.
const FORMAT: &str = "commonhold-backup 1";
/// The longest one that is read, in bytes: a line for each segment of the log, 64 MiB of data each.
const MANIFEST_BYTES: u64 = 1 << 30;

/// What a backup consists of, besides the files of large blobs, which its index names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Manifest {
    /// The last record of the store that it has.
    pub(crate) sequence: u64,
    /// The name of its index.
    pub(crate) index: String,
    /// Length and checksum of each file: the index, and the segments of the log.
    pub(crate) files: BTreeMap<String, (u64, u64)>,
    /// How many large blobs it has.
    pub(crate) blobs: u64,
    /// The bytes of their content.
    pub(crate) blob_bytes: u64,
}

impl Manifest {
    /// The manifest of the backup on `disk`; `None` where there is none.
    ///
    /// # Errors
    /// `InvalidData` where it is none of this format, or does not verify.
    pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<Self>> {
        let file = match disk.open(NAME, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.len()?;
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the manifest of the backup does not verify");
        if length > MANIFEST_BYTES {
            return Err(invalid());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| invalid())?];
        file.read_exact_at(&mut bytes, 0)?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        Self::parse(&text).map(Some).ok_or_else(invalid)
    }

    fn parse(text: &str) -> Option<Self> {
        let body_end = text.rfind("checksum ")?;
        let (body, end) = text.split_at(body_end);
        if end != format!("checksum {:016x}\n", crc64(body.as_bytes())) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != FORMAT {
            return None;
        }
        let mut manifest = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["sequence", sequence] => manifest.sequence = sequence.parse().ok()?,
                ["index", name] => manifest.index = (*name).to_owned(),
                ["file", name, length, crc] => {
                    let facts = (length.parse().ok()?, u64::from_str_radix(crc, 16).ok()?);
                    manifest.files.insert((*name).to_owned(), facts);
                }
                ["blobs", count, bytes] => {
                    (manifest.blobs, manifest.blob_bytes) = (count.parse().ok()?, bytes.parse().ok()?);
                }
                _ => return None,
            }
        }
        manifest.files.contains_key(&manifest.index).then_some(manifest)
    }

    /// Replaces the manifest on `disk`, durably.
    ///
    /// # Errors
    /// Those of the operating system; the one before is there then.
    pub(crate) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut text = format!("{FORMAT}\nsequence {}\nindex {}\n", self.sequence, self.index);
        for (name, (length, crc)) in &self.files {
            // Writing to a string does not fail.
            let _ = writeln!(text, "file {name} {length} {crc:016x}");
        }
        let _ = writeln!(text, "blobs {} {}", self.blobs, self.blob_bytes);
        let crc = crc64(text.as_bytes());
        let _ = writeln!(text, "checksum {crc:016x}");
        let draft = format!("{NAME}.new");
        super::remove_if_there(disk, &draft)?;
        let file = disk.open(&draft, OpenMode::CreateNew)?;
        file.write_at(text.as_bytes(), 0)?;
        file.sync_data()?;
        disk.rename(&draft, NAME)?;
        disk.sync_dir("")
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;
    use crate::disk::{Disk, MemoryDisk, OpenMode};

    #[test]
    fn manifests_survive_their_bytes_and_changed_ones_are_refused() {
        let disk = MemoryDisk::new();
        assert_eq!(Manifest::read(&disk).expect("readable"), None);
        let files = [("index-0".to_owned(), (5, u64::MAX)), ("log/1-40".to_owned(), (64, 1))].into();
        let manifest = Manifest { sequence: 9, index: "index-0".to_owned(), files, blobs: 2, blob_bytes: 1 << 40 };
        manifest.write(&disk).expect("written");
        manifest.write(&disk).expect("replaced");
        assert_eq!(Manifest::read(&disk).expect("readable"), Some(manifest));
        let length = disk.open(super::NAME, OpenMode::Read).and_then(|file| file.len()).expect("there");
        for offset in 0..length {
            disk.damage(super::NAME, offset, 1);
            assert!(Manifest::read(&disk).is_err(), "byte {offset}");
            disk.damage(super::NAME, offset, 1);
        }
    }
}
