//! Sequential writing and reading of one file.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Advice, fadvise};
use types::{Entropy as _, SeededEntropy};

use crate::error::BenchError;

/// The file's length: that of the large objects of the other measurements.
const FILE_BYTES: u64 = 1 << 30;
/// The bytes of one write or read.
const PIECE_BYTES: usize = 1 << 20;
const NAME: &str = "bench-sequential";

/// Bytes a second of writing, fdatasync included, and of reading what the page cache was told to forget.
///
/// # Errors
/// The device's.
pub fn sequential(folder: &Path) -> Result<(f64, f64), BenchError> {
    fs::create_dir_all(folder).map_err(BenchError::io(format!("folder {}", folder.display())))?;
    let path = folder.join(NAME);
    let rates = write_and_read(&path);
    let removed = fs::remove_file(&path);
    let rates = rates.map_err(BenchError::io("sequential file"))?;
    removed.map_err(BenchError::io("sequential file"))?;
    Ok(rates)
}

fn write_and_read(path: &Path) -> std::io::Result<(f64, f64)> {
    let mut piece = vec![0; PIECE_BYTES];
    SeededEntropy::new(1).fill(&mut piece);
    let mut file = create(path)?;
    let start = Instant::now();
    for _ in 0..FILE_BYTES / PIECE_BYTES as u64 {
        file.write_all(&piece)?;
    }
    file.sync_data()?;
    let write = FILE_BYTES as f64 / start.elapsed().as_secs_f64();
    fadvise(&file, 0, None, Advice::DontNeed)?;
    let start = Instant::now();
    for number in 0..FILE_BYTES / PIECE_BYTES as u64 {
        file.read_exact_at(&mut piece, number * PIECE_BYTES as u64)?;
    }
    Ok((write, FILE_BYTES as f64 / start.elapsed().as_secs_f64()))
}

/// An empty file to write and read.
pub(crate) fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}
