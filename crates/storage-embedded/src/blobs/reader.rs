//! Reads blobs, and hands on nothing that does not verify.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use storage::bounds::check_range;
use storage::{ByteStream, StorageError};
use tokio::task::JoinHandle;
use types::BlobId;

use super::buffers::BUFFER_BYTES;
use super::file::{BLOCK_BYTES, BlobFile, Waiting, path};
use super::place::Place;
use crate::crc::crc64;
use crate::disk::{File, OpenMode};
use crate::error::{damaged, from_io};
use crate::index::{decode_place, keys};
use crate::store::Shared;

/// A range up to this many bytes comes as one piece, at once where the page cache has it.
const SMALL_READ_BYTES: u64 = 256 << 10;
/// The bytes of one piece of a larger range. One is read ahead.
const PIECE_BYTES: u64 = 512 << 10;
/// How often a blob that moved while it was looked for is looked for again.
const ATTEMPTS: usize = 4;

/// The bytes `range` of a blob that is kept, or retired and not yet deleted.
pub(crate) async fn read(shared: &Shared, id: BlobId, range: Range<u64>) -> Result<ByteStream, StorageError> {
    for _ in 0..ATTEMPTS {
        let place = find(shared, id)?.ok_or(StorageError::NoSuchBlob(id))?;
        check_range(&range, place.info(id).length)?;
        if range.is_empty() {
            return Ok(ByteStream::empty());
        }
        let found = match place {
            Place::Packed { segment, offset, length, crc64 } => {
                let body = read_packed(shared, id, segment, offset, length, crc64).await?;
                body.map(|body| ByteStream::from(body.slice(small(range.start)..small(range.end))))
            }
            Place::File { length, .. } => read_file(shared, id, length, range.clone()).await?,
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    if !shared.index.is_kept(id)? {
        // Retired, and being deleted: the reader has no pin.
        return Err(StorageError::NoSuchBlob(id));
    }
    Err(damaged(format!("blob {id} is kept and its bytes are missing")))
}

/// Where a blob is, kept or retired.
pub(crate) fn find(shared: &Shared, id: BlobId) -> Result<Option<Place>, StorageError> {
    // One snapshot for both keys: a blob that is retired meanwhile is under one of them.
    let snapshot = shared.index.snapshot();
    for key in [keys::blob(id), keys::retired(id)] {
        if let Some(place) = shared.index.get(&snapshot, &key)? {
            return decode_place(&place).map(Some);
        }
    }
    Ok(None)
}

/// `None` where the segment is gone: the body has moved.
async fn read_packed(
    shared: &Shared,
    id: BlobId,
    segment: u64,
    offset: u32,
    length: u32,
    expected: u64,
) -> Result<Option<Bytes>, StorageError> {
    let Some(file) = shared.segments.file(segment).map_err(|error| from_io(&error))? else { return Ok(None) };
    let mut body = vec![0; length as usize];
    let offset = u64::from(offset);
    if !file.read_cached_at(&mut body, offset).map_err(|error| from_io(&error))? {
        body = read_waiting(file, body, offset).await?;
    }
    if crc64(&body) != expected {
        return Err(damaged(format!("blob {id} does not verify in segment {segment:016x}")));
    }
    Ok(Some(body.into()))
}

async fn read_waiting(file: Arc<dyn File>, mut body: Vec<u8>, offset: u64) -> Result<Vec<u8>, StorageError> {
    let read = tokio::task::spawn_blocking(move || match file.read_exact_at(&mut body, offset) {
        Ok(()) => Ok(body),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(damaged("a segment of the log is too short".to_owned()))
        }
        Err(error) => Err(from_io(&error)),
    });
    joined(read).await
}

/// `None` where the file is gone: the blob was deleted meanwhile.
async fn read_file(
    shared: &Shared,
    id: BlobId,
    length: u64,
    range: Range<u64>,
) -> Result<Option<ByteStream>, StorageError> {
    let file = match shared.disk.open(&path(id), OpenMode::Read) {
        Ok(file) => BlobFile { id, file, length },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(from_io(&error)),
    };
    if range.end - range.start > SMALL_READ_BYTES {
        return Ok(Some(stream_file(file, range)));
    }
    if let Some(bytes) = file.read(range.clone(), Waiting::Forbidden)? {
        return Ok(Some(bytes.into()));
    }
    let bytes = joined(spawn_read(file, range)).await?;
    Ok(Some(bytes.into()))
}

fn spawn_read(file: BlobFile, range: Range<u64>) -> JoinHandle<Result<Bytes, StorageError>> {
    tokio::task::spawn_blocking(move || {
        let id = file.id;
        file.read(range, Waiting::Allowed)?.ok_or_else(|| damaged(format!("blob {id} can not be read")))
    })
}

async fn joined<T>(task: JoinHandle<Result<T, StorageError>>) -> Result<T, StorageError> {
    task.await.unwrap_or_else(|error| Err(StorageError::Io(error.to_string())))
}

/// Pieces that end at multiples of [`PIECE_BYTES`], so that no block is read twice.
fn stream_file(file: BlobFile, range: Range<u64>) -> ByteStream {
    const {
        assert!(PIECE_BYTES.is_multiple_of(BLOCK_BYTES));
        assert!(PIECE_BYTES + BLOCK_BYTES <= BUFFER_BYTES as u64);
    };
    let length = range.end - range.start;
    let state = ReadAhead { file, next: range.start, end: range.end, ahead: None };
    ByteStream::new(
        length,
        stream::unfold(state, |mut state| async move {
            let task = state.ahead.take().or_else(|| state.start())?;
            state.ahead = state.start();
            let piece = joined(task).await;
            if piece.is_err() {
                state.ahead = None;
                state.next = state.end;
            }
            Some((piece, state))
        }),
    )
}

struct ReadAhead {
    file: BlobFile,
    next: u64,
    end: u64,
    ahead: Option<JoinHandle<Result<Bytes, StorageError>>>,
}

impl ReadAhead {
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes, StorageError>>> {
        if self.next >= self.end {
            return None;
        }
        let end = (self.next + 1).next_multiple_of(PIECE_BYTES).min(self.end);
        let task = spawn_read(self.file.clone(), self.next..end);
        self.next = end;
        Some(task)
    }
}

/// Offsets in packed bodies, which are small.
fn small(offset: u64) -> usize {
    usize::try_from(offset).expect("packed bodies are shorter than 4 GiB")
}
