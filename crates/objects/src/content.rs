//! The bytes of objects on their way in and out.
//!
//! On the way in, a small body is gathered and travels inside the commit; a large one streams into a blob of its own
//! while it is hashed. [`NewBlobs`] holds what was made until a commit keeps it. On the way out, a [`Pin`] taken before
//! the record was read goes with the stream, and the parts of a multipart object are opened as the stream reaches them.

use std::ops::Range;
use std::pin::Pin as StdPin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt as _};
use storage::{Batch, BlobWriter, Blobs, ByteStream, Metadata, NewBlob, Pin, Space, StorageError};
use types::{BlobId, Checksum, ChecksumAlgorithm};

use crate::digest::{Digest, Hashing};
use crate::multipart::MAX_PART_BYTES;
use crate::part_map::Line;
use crate::payload::Pieces;
use crate::record::{Content, PartMap};
use crate::{Claims, ObjectError, Objects, Payload};

/// The group of batches that only discard blobs; no key lies in it.
const DISCARD_GROUP: &[u8] = b"discard/";

/// Blobs that no record names yet. Those made durable are discarded with this value, unless a commit has them.
pub(crate) struct NewBlobs {
    metadata: Arc<dyn Metadata>,
    inline: Vec<(BlobId, Bytes)>,
    made: Vec<BlobId>,
    custody: Custody,
}

/// Who sees to blobs that were made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Custody {
    Ours,
    /// A commit that is under way, succeeded, or is in doubt.
    Commit,
}

impl NewBlobs {
    pub(crate) fn none(objects: &Objects) -> Self {
        Self { metadata: Arc::clone(&objects.metadata), inline: Vec::new(), made: Vec::new(), custody: Custody::Ours }
    }

    pub(crate) fn add_inline(&mut self, id: BlobId, body: Bytes) {
        self.inline.push((id, body));
    }

    pub(crate) fn add_made(&mut self, id: BlobId) {
        self.made.push(id);
    }

    /// What a batch is to keep. From now on the commit decides about the blobs, also when nobody waits for it any more.
    pub(crate) fn for_commit(&mut self) -> Vec<NewBlob> {
        self.custody = Custody::Commit;
        let inline = self.inline.iter().map(|(id, body)| NewBlob::Inline(*id, body.clone()));
        inline.chain(self.made.iter().copied().map(NewBlob::Made)).collect()
    }

    /// The commit did certainly not happen.
    pub(crate) fn take_back(&mut self) {
        self.custody = Custody::Ours;
    }
}

impl Drop for NewBlobs {
    fn drop(&mut self) {
        if self.custody == Custody::Commit || self.made.is_empty() {
            return;
        }
        let (metadata, retire) = (Arc::clone(&self.metadata), std::mem::take(&mut self.made));
        // Without a runtime the process is ending, and the engine reaps what nobody kept.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let batch = Batch { retire, ..Batch::default() };
                if let Err(error) = metadata.commit(Space::CONTROL, DISCARD_GROUP, batch).await {
                    tracing::warn!(%error, "blobs that nobody keeps were not discarded");
                }
            });
        }
    }
}

/// A body that was received whole and is what was claimed.
pub(crate) struct NewBody {
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    /// Its name; `None` where it is empty.
    pub(crate) blob: Option<BlobId>,
    pub(crate) blobs: NewBlobs,
}

impl NewBody {
    pub(crate) fn content(&self) -> Content {
        self.blob.map_or(Content::Empty, Content::Blob)
    }
}

impl Objects {
    /// Receives a body, computes `algorithms` and whatever the payload announces, and verifies all that is claimed.
    pub(crate) async fn receive(
        &self,
        payload: &mut dyn Payload,
        algorithms: &[ChecksumAlgorithm],
    ) -> Result<NewBody, ObjectError> {
        if payload.length().is_some_and(|length| length > MAX_PART_BYTES) {
            return Err(ObjectError::EntityTooLarge);
        }
        let mut hashed = algorithms.to_vec();
        hashed.extend(payload.checksum_algorithm().filter(|announced| !algorithms.contains(announced)));
        let streams = payload.length().is_some_and(|length| length > self.blobs.inline_limit() as u64);
        // The engine has this one of all that it streams to the device.
        let from_engine = streams && hashed.contains(&ChecksumAlgorithm::Crc64Nvme);
        if from_engine {
            hashed.retain(|algorithm| *algorithm != ChecksumAlgorithm::Crc64Nvme);
        }
        let mut hashing = Hashing::new(&hashed, &self.together);
        let mut sink = Sink::new(self, payload.length());
        let mut pieces = Pieces::of(payload);
        while let Some(piece) = pieces.next().await? {
            if sink.size + piece.len() as u64 > MAX_PART_BYTES {
                return Err(ObjectError::EntityTooLarge);
            }
            hashing.update(piece.clone()).await?;
            sink.write(piece).await?;
        }
        let mut digest = hashing.finish().await?;
        let size = sink.size;
        let Stored { blob, blobs, crc64 } = sink.finish().await?;
        digest.checksums.extend(crc64.filter(|_| from_engine));
        verify(&payload.claims(), &digest)?;
        Ok(NewBody { size, digest, blob, blobs })
    }

    /// Stores bytes that are at hand as the blob `id`.
    pub(crate) async fn store_small(&self, blobs: &mut NewBlobs, id: BlobId, body: Bytes) -> Result<(), StorageError> {
        if body.len() <= self.blobs.inline_limit() {
            blobs.add_inline(id, body);
            return Ok(());
        }
        let mut writer = self.blobs.create(id, Some(body.len() as u64)).await?;
        writer.write(body).await?;
        writer.finish().await?;
        blobs.add_made(id);
        Ok(())
    }

    /// Every blob that `content` names.
    pub(crate) async fn blobs_of(&self, content: &Content) -> Result<Vec<BlobId>, StorageError> {
        match content {
            Content::Empty => Ok(Vec::new()),
            Content::Blob(blob) => Ok(vec![*blob]),
            Content::Parts(map) => {
                let lines = map.all(&*self.blobs).await?;
                Ok(lines.iter().filter_map(|line| line.blob).chain([map.blob]).collect())
            }
        }
    }

    /// The bytes `range` of `content`. `pin` was taken before its record was read.
    pub(crate) async fn open(&self, pin: Pin, content: Content, range: Range<u64>) -> Result<ByteStream, StorageError> {
        if range.is_empty() {
            return Ok(ByteStream::empty());
        }
        match content {
            Content::Empty => Ok(ByteStream::empty()),
            Content::Blob(blob) => match self.blobs.read(blob, range).await?.into_ready() {
                Ok(bytes) => Ok(bytes.into()),
                Err(stream) => Ok(ByteStream::new(stream.length(), Pinned { stream, _pin: pin })),
            },
            Content::Parts(map) => {
                let slab = map.slab_at(range.start);
                let reader = PartReader {
                    blobs: Arc::clone(&self.blobs),
                    offset: map.slab_start(slab),
                    map,
                    next_slab: slab,
                    lines: Vec::new().into_iter(),
                    range: range.clone(),
                    current: None,
                    _pin: pin,
                };
                let pieces = stream::try_unfold(reader, |mut reader| async move {
                    Ok(reader.next().await?.map(|piece| (piece, reader)))
                });
                Ok(ByteStream::new(range.end - range.start, pieces))
            }
        }
    }
}

fn verify(claims: &Claims, digest: &Digest) -> Result<(), ObjectError> {
    if let Some(expected) = claims.md5.filter(|expected| *expected != digest.md5) {
        return Err(ObjectError::BadDigest { expected, computed: digest.md5 });
    }
    match claims.checksum {
        Some(claimed) if digest.checksum(claimed.algorithm) != Some(claimed) => {
            Err(ObjectError::BadChecksum { algorithm: claimed.algorithm })
        }
        _ => Ok(()),
    }
}

/// Gathers a body until it is too large to travel inside the commit, and from then on writes it to a blob.
struct Sink<'a> {
    objects: &'a Objects,
    size: u64,
    expected: Option<u64>,
    gathered: Vec<Bytes>,
    blob: Option<(BlobId, Box<dyn BlobWriter>)>,
}

impl<'a> Sink<'a> {
    fn new(objects: &'a Objects, expected: Option<u64>) -> Self {
        Self { objects, size: 0, expected, gathered: Vec::new(), blob: None }
    }

    async fn write(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.size += piece.len() as u64;
        if let Some((_, writer)) = &mut self.blob {
            return writer.write(piece).await;
        }
        self.gathered.push(piece);
        if self.size.max(self.expected.unwrap_or(0)) <= self.objects.blobs.inline_limit() as u64 {
            return Ok(());
        }
        let id = BlobId::random(&*self.objects.entropy);
        let mut writer = self.objects.blobs.create(id, self.expected).await?;
        for piece in self.gathered.drain(..) {
            writer.write(piece).await?;
        }
        self.blob = Some((id, writer));
        Ok(())
    }

    async fn finish(self) -> Result<Stored, StorageError> {
        let mut blobs = NewBlobs::none(self.objects);
        let (mut blob, mut crc64) = (None, None);
        if let Some((id, writer)) = self.blob {
            let info = writer.finish().await?;
            blobs.add_made(id);
            if info.length != self.size {
                return Err(StorageError::Damaged(format!("blob {id} is not as long as what was written")));
            }
            crc64 = Checksum::new(ChecksumAlgorithm::Crc64Nvme, &info.crc64.to_be_bytes());
            blob = Some(id);
        } else if self.size > 0 {
            let id = BlobId::random(&*self.objects.entropy);
            blobs.add_inline(id, joined(self.gathered));
            blob = Some(id);
        }
        Ok(Stored { blob, blobs, crc64 })
    }
}

/// A body that is on the device, or will be with the commit.
struct Stored {
    /// Its name; `None` where it is empty.
    blob: Option<BlobId>,
    blobs: NewBlobs,
    /// The engine's checksum of a body that is on the device.
    crc64: Option<Checksum>,
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}

/// A stream that keeps its blob readable.
struct Pinned {
    stream: ByteStream,
    _pin: Pin,
}

impl Stream for Pinned {
    type Item = Result<Bytes, StorageError>;

    fn poll_next(mut self: StdPin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(context)
    }
}

/// Reads a range of a multipart object, part by part.
struct PartReader {
    blobs: Arc<dyn Blobs>,
    map: PartMap,
    next_slab: usize,
    /// What is left of the slab being read.
    lines: std::vec::IntoIter<Line>,
    /// Where the next part starts in the object.
    offset: u64,
    /// What is wanted of the object.
    range: Range<u64>,
    current: Option<ByteStream>,
    _pin: Pin,
}

impl PartReader {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        loop {
            if let Some(part) = &mut self.current {
                if let Some(piece) = part.next().await {
                    return piece.map(Some);
                }
                self.current = None;
            }
            if self.offset >= self.range.end {
                return Ok(None);
            }
            match self.lines.next() {
                Some(line) => self.open(line).await?,
                None if self.next_slab < self.map.slabs() => {
                    self.lines = self.map.slab(&*self.blobs, self.next_slab).await?.into_iter();
                    self.next_slab += 1;
                }
                None => return Err(StorageError::Damaged(format!("the part map {} is too short", self.map.blob))),
            }
        }
    }

    async fn open(&mut self, line: Line) -> Result<(), StorageError> {
        let part = self.offset..line.end;
        self.offset = line.end;
        let wanted = self.range.start.max(part.start)..self.range.end.min(part.end);
        if let Some(blob) = line.blob.filter(|_| !wanted.is_empty()) {
            let range = wanted.start - part.start..wanted.end - part.start;
            self.current = Some(self.blobs.read(blob, range).await?);
        }
        Ok(())
    }
}
