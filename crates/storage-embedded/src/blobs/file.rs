//! Files of large blobs: the content from the beginning on, so that offsets need no arithmetic; then the checksum of
//! each 64 KiB block; then a footer.

use std::io;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use crc_fast::Digest;
use storage::StorageError;
use types::BlobId;

use super::buffers::Buffer;
use crate::crc::{Combine, combine, crc64, digest};
use crate::disk::File;
use crate::error::{damaged, from_io};
use crate::log::format::u64_at;

/// The unit of checksums, in bytes.
pub(crate) const BLOCK_BYTES: u64 = 64 * 1024;
/// The length of the footer in bytes.
pub(crate) const FOOTER_BYTES: u64 = 64;
/// The directory of all blobs.
pub(crate) const DIRECTORY: &str = "blobs";

const MAGIC: [u8; 8] = *b"CMHLBLOB";
const VERSION: u32 = 1;
const CRC_BYTES: u64 = 8;

static WHOLE_BLOCK: LazyLock<Combine> = LazyLock::new(|| Combine::new(BLOCK_BYTES));

/// The directory that a blob's file is in.
pub(crate) fn directory(id: BlobId) -> String {
    format!("{DIRECTORY}/{:02x}", id.0[0])
}

/// The path of a blob's file.
pub(crate) fn path(id: BlobId) -> String {
    format!("{DIRECTORY}/{:02x}/{id}", id.0[0])
}

/// The length of the file of a blob of `length` bytes.
pub(crate) fn file_length(length: u64) -> u64 {
    length + length.div_ceil(BLOCK_BYTES) * CRC_BYTES + FOOTER_BYTES
}

/// What a finished file has at its end, as it is gathered while the content is written.
pub(crate) struct Checksums {
    /// Of the blocks that are whole.
    content: u64,
    block: Digest,
    block_filled: u64,
    length: u64,
    table: Vec<u8>,
}

impl Checksums {
    pub(crate) fn new() -> Self {
        Self { content: crc64(b""), block: digest(), block_filled: 0, length: 0, table: Vec::new() }
    }

    /// Takes in the next bytes of the content.
    pub(crate) fn update(&mut self, mut piece: &[u8]) {
        self.length += piece.len() as u64;
        while !piece.is_empty() {
            let room = usize::try_from(BLOCK_BYTES - self.block_filled).unwrap_or(usize::MAX).min(piece.len());
            let (head, rest) = piece.split_at(room);
            self.block.update(head);
            self.block_filled += head.len() as u64;
            if self.block_filled == BLOCK_BYTES {
                let crc = self.end_block();
                self.content = WHOLE_BLOCK.with(self.content, crc);
            }
            piece = rest;
        }
    }

    fn end_block(&mut self) -> u64 {
        let crc = self.block.finalize_reset();
        self.table.extend_from_slice(&crc.to_le_bytes());
        self.block_filled = 0;
        crc
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Answers the checksum of the content, and what follows the content in the file.
    pub(crate) fn finish(mut self) -> (u64, Vec<u8>) {
        let last = self.block_filled;
        let content = if last > 0 { combine(self.content, self.end_block(), last) } else { self.content };
        let mut footer = [0; FOOTER_BYTES as usize];
        footer[..8].copy_from_slice(&MAGIC);
        footer[8..12].copy_from_slice(&VERSION.to_le_bytes());
        footer[12..16].copy_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
        footer[16..24].copy_from_slice(&self.length.to_le_bytes());
        footer[24..32].copy_from_slice(&content.to_le_bytes());
        footer[32..40].copy_from_slice(&crc64(&self.table).to_le_bytes());
        let crc = crc64(&footer[..56]);
        footer[56..].copy_from_slice(&crc.to_le_bytes());
        let mut end = self.table;
        end.extend_from_slice(&footer);
        (content, end)
    }
}

/// What is wrong with the footer of a file that should hold a blob of `length` bytes with the checksum `content`.
///
/// # Errors
/// Where the file can not be read.
pub(crate) fn flaw_of_footer(file: &dyn File, length: u64, content: u64) -> io::Result<Option<String>> {
    let expected = file_length(length);
    let found = file.len()?;
    if found != expected {
        return Ok(Some(format!("its file has {found} bytes and should have {expected}")));
    }
    let mut footer = [0; FOOTER_BYTES as usize];
    file.read_exact_at(&mut footer, expected - FOOTER_BYTES)?;
    let whole = footer[..8] == MAGIC && u64_at(&footer, 56) == crc64(&footer[..56]);
    if !whole || (u64_at(&footer, 16), u64_at(&footer, 24)) != (length, content) {
        return Ok(Some("the footer of its file does not verify".to_owned()));
    }
    let mut table = vec![0; to_usize(length.div_ceil(BLOCK_BYTES) * CRC_BYTES)];
    file.read_exact_at(&mut table, length)?;
    Ok((u64_at(&footer, 32) != crc64(&table)).then(|| "the checksums in its file do not verify".to_owned()))
}

/// A blob's file, open for reading.
#[derive(Clone)]
pub(crate) struct BlobFile {
    pub(crate) id: BlobId,
    pub(crate) file: std::sync::Arc<dyn File>,
    pub(crate) length: u64,
}

/// Whether a read may wait for the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waiting {
    /// It may.
    Allowed,
    /// It answers `None` instead.
    Forbidden,
}

impl BlobFile {
    /// The bytes `range` of the content, verified.
    pub(crate) fn read(&self, range: Range<u64>, waiting: Waiting) -> Result<Option<Bytes>, StorageError> {
        let first = range.start / BLOCK_BYTES;
        let start = first * BLOCK_BYTES;
        let end = range.end.next_multiple_of(BLOCK_BYTES).min(self.length);
        let blocks = (end - start).div_ceil(BLOCK_BYTES);
        let Some(table) = self.read_plain(self.length + first * CRC_BYTES, blocks * CRC_BYTES, waiting)? else {
            return Ok(None);
        };
        let Some(data) = self.read_plain(start, end - start, waiting)? else { return Ok(None) };
        let contents = data.as_ref().chunks(BLOCK_BYTES as usize);
        for (number, (block, crc)) in contents.zip(table.as_ref().as_chunks::<8>().0).enumerate() {
            if crc64(block) != u64::from_le_bytes(*crc) {
                let place = start + number as u64 * BLOCK_BYTES;
                return Err(damaged(format!("blob {} does not verify at byte {place}", self.id)));
            }
        }
        let skip = to_usize(range.start - start);
        Ok(Some(data.freeze().slice(skip..skip + to_usize(range.end - range.start))))
    }

    fn read_plain(&self, offset: u64, length: u64, waiting: Waiting) -> Result<Option<Buffer>, StorageError> {
        let mut data = Buffer::new(to_usize(length));
        let outcome = match waiting {
            Waiting::Forbidden => self.file.read_cached_at(data.as_mut(), offset),
            Waiting::Allowed => self.file.read_exact_at(data.as_mut(), offset).map(|()| true),
        };
        match outcome {
            Ok(done) => Ok(done.then_some(data)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(damaged(format!("the file of blob {} is too short", self.id)))
            }
            Err(error) => Err(from_io(&error)),
        }
    }
}

/// Lengths of single reads, which are small.
fn to_usize(length: u64) -> usize {
    usize::try_from(length).expect("reads are shorter than memory")
}
