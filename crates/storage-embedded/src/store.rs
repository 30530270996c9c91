//! The store as callers hold it: opening, closing, and both contracts.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use parking_lot::{Mutex, MutexGuard};
use storage::bounds::{check_batch, check_counter_name, name_taken};
use storage::{
    Batch, BlobInfo, BlobWriter, Blobs, ByteStream, CommitError, Metadata, Moment, NewBlob, Pin, Space, Stamp,
    StorageError, limits,
};
use tokio::sync::Semaphore;
use types::{BlobId, Entropy};

use crate::blobs::making::Making;
use crate::blobs::place::Place;
use crate::blobs::retirement::Retirement;
use crate::blobs::writer::{EmbeddedWriter, blocking};
use crate::blobs::{file, reader};
use crate::committer::{self, Committer};
use crate::crc::crc64;
use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::OpenError;
use crate::index::{Index, Pairs, keys};
use crate::layout::read_or_make_format;
use crate::log::format::Framer;
use crate::log::recovery::recover;
use crate::log::segments::Segments;
use crate::log::writer::LogWriter;
use crate::options::Options;
use crate::reclaim;
use crate::steps::Steps;
use crate::threads::Pace;
use crate::threads::keeper::{self, Keeper};
use crate::threads::preparer::Preparer;
use crate::threads::queue::{Change, Queue, gone};
use crate::threads::traffic::Traffic;

/// The bytes of batches that may wait for the committer, in KiB. Beyond it callers wait.
const QUEUE_KIB: u32 = 64 * 1024;
/// The longest segment, in bytes: offsets in it are 32 bits wide, with room for a group.
const SEGMENT_BYTES: u64 = 2 << 30;
/// The largest inline limit, in bytes: bodies are read whole to be verified.
const INLINE_BYTES: usize = 1 << 20;

/// The engine. Dropping it ends its threads; [`Self::close`] also flushes the index, so that the next opening is quick.
pub struct EmbeddedStore {
    pub(crate) shared: Arc<Shared>,
    in_flight: Semaphore,
    committer: Arc<Mutex<Committer>>,
    pace: Pace,
    threads: Mutex<Vec<(&'static str, JoinHandle<()>)>>,
    _lock: DiskLock,
}

/// What the threads and the callers share.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) index: Index,
    pub(crate) segments: Arc<Segments>,
    pub(crate) making: Making,
    pub(crate) retirement: Arc<Retirement>,
    pub(crate) queue: Queue,
    pub(crate) traffic: Traffic,
    pub(crate) preparer: Arc<Preparer>,
    pub(crate) keeper: Keeper,
    pub(crate) framer: Framer,
    failure: OnceLock<String>,
}

impl Shared {
    /// Why no more writes are taken, if so.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Takes no more writes. The first reason stays.
    pub(crate) fn fail(&self, failure: String) {
        tracing::error!(failure, "the store takes no more writes");
        metrics::gauge!("commonhold_storage_read_only").set(1.0);
        let _ = self.failure.set(failure);
    }
}

impl EmbeddedStore {
    /// Opens the store in a directory of the operating system, or makes it there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_directory(path: &Path, options: Options, entropy: &dyn Entropy) -> Result<Arc<Self>, OpenError> {
        let disk = RealDisk::new(path)?;
        Self::open(Arc::new(disk), &path.join("index"), options, entropy)
    }

    /// Opens the store on `disk`, or makes it there. The index does its own input and output, in the directory `index`
    /// of the operating system; it may lag behind the disk, and may be lost while the log still has everything.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        disk: Arc<dyn Disk>,
        index: &Path,
        options: Options,
        entropy: &dyn Entropy,
    ) -> Result<Arc<Self>, OpenError> {
        let (store, framer) = Self::lay_open(disk, index, options, entropy, Pace::Threads)?;
        store.start_threads(framer)?;
        Ok(store)
    }

    /// Opens the store as [`Self::open`] does, but without threads: nothing is committed, prepared, flushed or
    /// reclaimed unless the holder of the [`Steps`] does it. For simulations.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        index: &Path,
        options: Options,
        entropy: &dyn Entropy,
    ) -> Result<(Arc<Self>, Steps), OpenError> {
        let (store, framer) = Self::lay_open(disk, index, options, entropy, Pace::Steps)?;
        let steps = Steps::new(Arc::clone(&store.shared), Arc::clone(&store.committer), framer);
        Ok((store, steps))
    }

    fn lay_open(
        disk: Arc<dyn Disk>,
        index: &Path,
        options: Options,
        entropy: &dyn Entropy,
        pace: Pace,
    ) -> Result<(Arc<Self>, Framer), OpenError> {
        check_options(&options)?;
        let lock = disk.lock("lock").map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked,
            _ => OpenError::Io(error),
        })?;
        let framer = Framer::new(&read_or_make_format(&*disk, entropy)?);
        let index = Index::open(index, options.cache_bytes)?;
        let segments = Arc::new(Segments::new(Arc::clone(&disk)));
        let recovered = recover(&*disk, &index, &segments, &framer, &options)?;
        let closed = closed_spaces(&index)?;
        // Nobody has a pin now.
        let retired = index.retired()?;
        let retirement = Arc::new(Retirement::default());
        retirement.retire(retired.iter().copied().collect());
        let next = recovered.next_segment;
        let preparer = Preparer::new(Arc::clone(&disk), &options, next, pace);
        let preparer = Arc::new(preparer);
        let shared = Arc::new(Shared {
            disk,
            options,
            index,
            segments: Arc::clone(&segments),
            making: Making::default(),
            retirement,
            queue: Queue::default(),
            traffic: Traffic::default(),
            preparer: Arc::clone(&preparer),
            keeper: Keeper::default(),
            framer: framer.clone(),
            failure: OnceLock::new(),
        });
        let log = LogWriter::new(segments, preparer, recovered.next_sequence);
        let committer =
            Committer::new(Arc::clone(&shared), log, framer.clone(), closed, retired, recovered.replayed_bytes);
        let in_flight = Semaphore::new(QUEUE_KIB as usize);
        let committer = Arc::new(Mutex::new(committer));
        let store = Arc::new(Self { shared, in_flight, committer, pace, threads: Mutex::default(), _lock: lock });
        Ok((store, framer))
    }

    /// Ends all work in an orderly way: what was asked is done, the index is flushed, the threads end. Calls that come
    /// later fail with [`StorageError::ReadOnly`]; reads go on.
    ///
    /// # Errors
    /// Where the index can not be flushed. The log has everything then, too.
    pub async fn close(self: &Arc<Self>) -> Result<(), StorageError> {
        let store = Arc::clone(self);
        let closed = tokio::task::spawn_blocking(move || {
            store.stop();
            store.shared.index.flush()
        });
        closed.await.unwrap_or_else(|error| Err(StorageError::Io(error.to_string())))
    }

    /// Where one can not be started, the drop of the store ends the others.
    fn start_threads(&self, framer: Framer) -> io::Result<()> {
        let [preparing, committing, keeping, reclaiming] = [(); 4].map(|()| Arc::clone(&self.shared));
        let [for_committing, for_keeping] = [(); 2].map(|()| Arc::clone(&self.committer));
        let works: [(&'static str, Work); 4] = [
            ("preparer", Box::new(move || preparing.preparer.run())),
            ("committer", Box::new(move || committer::run(&committing, &for_committing))),
            ("keeper", Box::new(move || keeper::run(&keeping, &for_keeping))),
            ("reclaimer", Box::new(move || reclaim::run(&reclaiming, &framer))),
        ];
        for (name, work) in works {
            let thread = std::thread::Builder::new().name(format!("storage-{name}")).spawn(work)?;
            self.threads.lock().push((name, thread));
        }
        Ok(())
    }

    fn stop(&self) {
        self.shared.retirement.stop();
        self.shared.queue.stop();
        let mut threads = std::mem::take(&mut *self.threads.lock());
        // The committer may still wait for a segment, so the preparer is the last to end.
        for name in ["reclaimer", "committer", "keeper", "preparer"] {
            match name {
                "keeper" => self.shared.keeper.stop(),
                "preparer" => self.shared.preparer.stop(),
                _ => {}
            }
            for (_, thread) in threads.extract_if(.., |(other, _)| *other == name) {
                if thread.join().is_err() {
                    tracing::error!(name, "a thread of the store panicked");
                }
            }
        }
    }

    async fn change(&self, bytes: usize, change: Change) -> Result<bool, CommitError> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(QUEUE_KIB).min(QUEUE_KIB);
        let _permit = self.in_flight.acquire_many(kib).await.map_err(|_| gone())?;
        let answer = match self.committer_for_one() {
            Some(mut committer) => {
                let answer = self.shared.queue.put(change);
                committer.step();
                answer
            }
            None => self.shared.queue.send(change),
        };
        answer.await.unwrap_or_else(|_| match self.shared.failure() {
            Some(failure) => Err(CommitError::Unknown(failure.to_owned())),
            None => Err(gone().into()),
        })
    }

    /// The committer, for a caller who is alone ([`Traffic`]).
    fn committer_for_one(&self) -> Option<MutexGuard<'_, Committer>> {
        let may_commit = self.pace == Pace::Threads && self.shared.traffic.lets_caller_block();
        if may_commit { self.committer.try_lock() } else { None }
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a thread does.
type Work = Box<dyn FnOnce() + Send>;

fn check_options(options: &Options) -> Result<(), OpenError> {
    if options.segment_bytes > SEGMENT_BYTES {
        return Err(OpenError::Options(format!("segment_bytes is above {SEGMENT_BYTES}")));
    }
    if options.inline_bytes > INLINE_BYTES {
        return Err(OpenError::Options(format!("inline_bytes is above {INLINE_BYTES}")));
    }
    Ok(())
}

fn closed_spaces(index: &Index) -> Result<BTreeSet<Space>, StorageError> {
    index.all(keys::Range::Closed)?.iter().map(|(key, _)| keys::number_of(key).map(Space)).collect()
}

#[async_trait]
impl Metadata for EmbeddedStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.shared.traffic.read();
        let index = &self.shared.index;
        index.get(&index.snapshot(), &keys::pair(space, [key, b""]))
    }

    async fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.shared.traffic.read();
        let index = &self.shared.index;
        let (from, to) = keys::pairs(space, from, to);
        let pairs = index.range(&index.snapshot(), &from, &to, limit.min(limits::SCAN_KEYS))?;
        Ok(with_own_keys(pairs))
    }

    async fn scan_both(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.shared.traffic.read();
        let index = &self.shared.index;
        let pairs = index.range_both(&index.snapshot(), space, (from, to), limit.min(limits::SCAN_KEYS))?;
        Ok(with_own_keys(pairs))
    }

    fn moment(&self) -> Option<Moment> {
        Some(Moment(self.shared.index.snapshot().seqno))
    }

    fn stamp(&self, space: Space) -> Option<Stamp> {
        self.shared.index.stamps().of(space)
    }

    async fn commit(&self, space: Space, group: &[u8], batch: Batch) -> Result<(), CommitError> {
        check_batch(group, &batch, self.shared.options.inline_bytes)?;
        let mut bytes = 0;
        let mut crcs = Vec::new();
        for blob in &batch.keep {
            if let NewBlob::Inline(_, body) = blob {
                crcs.push(crc64(body));
                bytes += body.len();
            }
        }
        bytes += batch.put.iter().map(|(_, value)| value.len()).sum::<usize>();
        let change = Change::Batch { space, group: group.to_vec(), batch, crcs };
        self.change(bytes, change).await.map(|_| ())
    }

    async fn counters(&self, names: &[Vec<u8>]) -> Result<Vec<i64>, StorageError> {
        let keys = names.iter().map(|name| check_counter_name(name).map(|()| keys::counter(name)));
        self.shared.index.numbers(&keys.collect::<Result<Vec<_>, _>>()?)
    }

    async fn close(&self, space: Space, from: &[u8], to: Option<&[u8]>) -> Result<bool, StorageError> {
        let change = Change::Close { space, from: from.to_vec(), to: to.map(<[u8]>::to_vec) };
        self.change(0, change).await.map_err(internal)
    }

    async fn erase(&self, space: Space) -> Result<(), StorageError> {
        let index = &self.shared.index;
        if index.get(&index.snapshot(), &keys::closed(space))?.is_none() {
            return Err(StorageError::Bounds(format!("space {space} is not closed")));
        }
        loop {
            let page = self.scan(space, b"", None, limits::SCAN_KEYS).await?;
            if page.is_empty() {
                return Ok(());
            }
            let keys = page.into_iter().map(|(key, _)| key).collect();
            self.change(0, Change::Erase { space, keys }).await.map_err(internal)?;
        }
    }
}

/// Pairs of the index with the keys that callers gave them.
fn with_own_keys(mut pairs: Pairs) -> Pairs {
    for (key, _) in &mut pairs {
        key.advance(keys::PAIR_PREFIX_BYTES);
    }
    pairs
}

/// Changes without expectations only fail as the engine does.
fn internal(error: CommitError) -> StorageError {
    match error {
        CommitError::Storage(error) => error,
        other => StorageError::Io(other.to_string()),
    }
}

#[async_trait]
impl Blobs for EmbeddedStore {
    fn inline_limit(&self) -> usize {
        self.shared.options.inline_bytes
    }

    async fn create(&self, id: BlobId, expected: Option<u64>) -> Result<Box<dyn BlobWriter>, StorageError> {
        let shared = &self.shared;
        if let Some(failure) = shared.failure() {
            return Err(StorageError::ReadOnly(failure.to_owned()));
        }
        if !shared.preparer.has_room(expected.unwrap_or(0)) {
            return Err(StorageError::Full);
        }
        self.reserve(id)?;
        Ok(Box::new(EmbeddedWriter::new(Arc::clone(shared), id, expected)))
    }

    async fn link(&self, from: BlobId, to: BlobId) -> Result<BlobInfo, StorageError> {
        let place = reader::find(&self.shared, from)?.ok_or(StorageError::NoSuchBlob(from))?;
        self.reserve(to)?;
        let linked = match place {
            Place::Packed { length, crc64, .. } => self.link_packed(from, to, length, crc64).await,
            Place::File { length, crc64 } => self.link_file(from, to, length, crc64).await,
        };
        if linked.is_err() {
            self.shared.retirement.discard(&[to]);
        }
        linked
    }

    fn pin(&self) -> Pin {
        self.shared.retirement.pin()
    }

    async fn read(&self, id: BlobId, range: Range<u64>) -> Result<ByteStream, StorageError> {
        self.shared.traffic.read();
        reader::read(&self.shared, id, range).await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobInfo>, StorageError> {
        let blobs = self.shared.index.kept(after, limit.min(limits::SCAN_KEYS))?;
        Ok(blobs.into_iter().map(|(id, place)| place.info(id)).collect())
    }
}

impl EmbeddedStore {
    /// Takes a name for a blob that is being made.
    fn reserve(&self, id: BlobId) -> Result<(), StorageError> {
        if !self.shared.making.reserve(id) {
            return Err(name_taken(id));
        }
        // After the reservation, so that a blob which is kept meanwhile is seen in one place or the other.
        let taken = reader::find(&self.shared, id);
        if !matches!(taken, Ok(None)) {
            self.shared.making.forget(&[id]);
            return taken.and(Err(name_taken(id)));
        }
        Ok(())
    }

    /// A packed body is copied: it is small.
    async fn link_packed(&self, from: BlobId, to: BlobId, length: u32, crc64: u64) -> Result<BlobInfo, StorageError> {
        let body = self.read(from, 0..u64::from(length)).await?.collect().await?;
        if self.shared.making.finish_body(to, &body, crc64) {
            return Ok(BlobInfo { id: to, length: u64::from(length), crc64 });
        }
        let mut writer = EmbeddedWriter::new(Arc::clone(&self.shared), to, Some(u64::from(length)));
        writer.write(body).await?;
        Box::new(writer).finish().await
    }

    async fn link_file(&self, from: BlobId, to: BlobId, length: u64, crc64: u64) -> Result<BlobInfo, StorageError> {
        let disk = Arc::clone(&self.shared.disk);
        let linked = blocking(move || match link_over_orphan(&*disk, &file::path(from), &file::path(to)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
            Ok(()) => disk.sync_dir(&file::directory(to)).map(|()| true),
        });
        if !linked.await? {
            return Err(StorageError::NoSuchBlob(from));
        }
        self.shared.making.finish_file(to, length, crc64);
        Ok(BlobInfo { id: to, length, crc64 })
    }
}

/// Links, where nobody has the name `to`: a file of that name was left by a crash and is not removed yet.
fn link_over_orphan(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    match disk.link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(to)?;
            disk.link(from, to)
        }
        outcome => outcome,
    }
}
