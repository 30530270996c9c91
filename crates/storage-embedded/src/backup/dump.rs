//! The index of a backup: every pair of one snapshot, in the order of keys, one after another in one file.

use std::io;
use std::sync::Arc;

use crc_fast::Digest;

use crate::crc::digest;
use crate::disk::{Disk, File, OpenMode};

/// The bytes before a pair: the lengths of key and value.
const LENGTHS_BYTES: usize = 6;
/// The bytes that are written and read at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The longest pair that is believed: keys and values are far below it.
const PAIR_BYTES: usize = 4 << 20;

/// A dump that is being written.
pub(super) struct DumpWriter {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    length: u64,
    crc: Digest,
}

impl DumpWriter {
    pub(super) fn create(disk: &dyn Disk, path: &str) -> io::Result<Self> {
        let file = disk.open(path, OpenMode::CreateNew)?;
        Ok(Self { file, buffer: Vec::with_capacity(BUFFER_BYTES), length: 0, crc: digest() })
    }

    pub(super) fn pair(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let lengths = u16::try_from(key.len()).ok().zip(u32::try_from(value.len()).ok());
        let (key_length, value_length) = lengths.ok_or(io::ErrorKind::InvalidData)?;
        self.buffer.extend_from_slice(&key_length.to_le_bytes());
        self.buffer.extend_from_slice(&value_length.to_le_bytes());
        self.buffer.extend_from_slice(key);
        self.buffer.extend_from_slice(value);
        if self.buffer.len() >= BUFFER_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.length)?;
        self.crc.update(&self.buffer);
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes it durable; answers its length and checksum.
    pub(super) fn finish(mut self) -> io::Result<(u64, u64)> {
        self.write()?;
        self.file.sync_data()?;
        Ok((self.length, self.crc.finalize()))
    }
}

/// Reads a dump back, pair by pair.
pub(crate) struct DumpReader {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    /// Where in the buffer the next pair begins.
    at: usize,
    /// Where in the file the buffer ends.
    offset: u64,
    length: u64,
}

impl DumpReader {
    pub(crate) fn open(disk: &dyn Disk, path: &str) -> io::Result<Self> {
        let file = disk.open(path, OpenMode::Read)?;
        let length = file.len()?;
        Ok(Self { file, buffer: Vec::new(), at: 0, offset: 0, length })
    }

    /// The next pair; `None` at the end.
    pub(crate) fn next_pair(&mut self) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        if !self.fill(LENGTHS_BYTES)? {
            return if self.at == self.buffer.len() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let lengths = &self.buffer[self.at..self.at + LENGTHS_BYTES];
        let key = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
        let value = u32::from_le_bytes([lengths[2], lengths[3], lengths[4], lengths[5]]) as usize;
        let whole = LENGTHS_BYTES + key + value;
        if whole > PAIR_BYTES || !self.fill(whole)? {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let pair = &self.buffer[self.at + LENGTHS_BYTES..self.at + whole];
        let pair = (pair[..key].to_vec(), pair[key..].to_vec());
        self.at += whole;
        Ok(Some(pair))
    }

    /// Sees to it that `wanted` bytes are in the buffer; `false` where the file ends before.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.buffer.len() - self.at >= wanted {
            return Ok(true);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let more = usize::try_from(self.length - self.offset).unwrap_or(usize::MAX).min(BUFFER_BYTES.max(wanted));
        let start = self.buffer.len();
        self.buffer.resize(start + more, 0);
        self.file.read_exact_at(&mut self.buffer[start..], self.offset)?;
        self.offset += more as u64;
        Ok(self.buffer.len() >= wanted)
    }
}
