//! What a store's directory has from the beginning: the format file, and the directories of segments and blobs.

use std::io;

use types::Entropy;

use crate::blobs::file;
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::log::format::Salt;
use crate::log::segments;

/// The first line of the format file.
const FORMAT: &str = "commonhold-embedded 1";

/// Reads the format file, or lays out an empty directory. The file is written last, so a store has it or is empty.
pub(crate) fn read_or_make_format(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<Salt, OpenError> {
    match disk.open("format", OpenMode::Read) {
        Ok(format) => {
            let mut text = vec![0; usize::try_from(format.len()?).unwrap_or(0).min(1024)];
            format.read_exact_at(&mut text, 0)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let mut lines = text.lines();
            let found = lines.next().unwrap_or_default();
            if found != FORMAT {
                return Err(OpenError::Format { found: found.to_owned(), expected: FORMAT.to_owned() });
            }
            let mut salt = Salt::default();
            hex::decode_to_slice(lines.next().unwrap_or_default(), &mut salt)
                .map_err(|error| OpenError::Damaged(format!("the format file: {error}")))?;
            Ok(salt)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_format(disk, entropy),
        Err(error) => Err(error.into()),
    }
}

fn make_format(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<Salt, OpenError> {
    if disk.list(segments::DIRECTORY).is_ok_and(|names| !names.is_empty()) {
        return Err(OpenError::Damaged("there is a log, and the format file is missing".to_owned()));
    }
    disk.make_dir(segments::DIRECTORY)?;
    disk.make_dir(file::DIRECTORY)?;
    for first in 0..=u8::MAX {
        disk.make_dir(&format!("{}/{first:02x}", file::DIRECTORY))?;
    }
    disk.sync_dir(file::DIRECTORY)?;
    let mut salt = Salt::default();
    entropy.fill(&mut salt);
    match disk.remove("format.new") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let format = disk.open("format.new", OpenMode::CreateNew)?;
    format.write_at(format!("{FORMAT}\n{}\n", hex::encode(salt)).as_bytes(), 0)?;
    format.sync_data()?;
    disk.rename("format.new", "format")?;
    disk.sync_dir("")?;
    Ok(salt)
}
