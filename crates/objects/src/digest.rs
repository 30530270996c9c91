//! MD5 and checksums of content, in one pass.
//!
//! A small body is hashed where it is received, with others if there are any ([`SmallBodies`]). A large one is cut into
//! runs that wait in a short queue for a thread of those for blocking work, while the connection's task receives the next:
//! MD5 is what bounds a large body, so it should wait for neither the socket nor the task. The thread hashes what is there
//! and goes, so slow clients hold none.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use storage::StorageError;
use tokio::sync::Notify;
use types::{Checksum, ChecksumAlgorithm, ChecksumHasher, Md5};

use crate::small_bodies::{SMALL_BYTES, SmallBodies};

/// Bodies up to this size are hashed by the task that receives them: some 1.6 milliseconds of MD5.
const INLINE_BYTES: usize = 1 << 20;
/// The bytes of a run, once a body is larger.
const RUN_BYTES: usize = 256 << 10;
/// The most runs that wait: enough for a thread to be always busy, and less than 1 MiB of each upload.
const WAITING_RUNS: usize = 3;

/// The hashes of a body.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Digest {
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: Vec<Checksum>,
}

impl Digest {
    /// The checksum by this algorithm, if it was asked for.
    pub(crate) fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<Checksum> {
        self.checksums.iter().find(|checksum| checksum.algorithm == algorithm).copied()
    }
}

/// Hashes a body piece by piece.
pub(crate) struct Hashing {
    queue: Arc<Queue>,
    /// The next run.
    run: Vec<Bytes>,
    run_bytes: usize,
    /// The length at which the next run is whole.
    whole_bytes: usize,
}

impl Hashing {
    /// Nothing hashed yet; `algorithms` are computed beside MD5.
    pub(crate) fn new(algorithms: &[ChecksumAlgorithm]) -> Self {
        let checksums = algorithms.iter().map(|algorithm| ChecksumHasher::new(*algorithm)).collect();
        let hashers = Place::Here(Box::new(Hashers { md5: Md5::default(), checksums }));
        let state = Mutex::new(State { runs: VecDeque::new(), hashers });
        let queue = Arc::new(Queue { state, changed: Notify::new() });
        Self { queue, run: Vec::new(), run_bytes: 0, whole_bytes: INLINE_BYTES }
    }

    /// Takes in `piece`. Waits while [`WAITING_RUNS`] wait already, so memory stays bounded.
    pub(crate) async fn update(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.run_bytes += piece.len();
        self.run.push(piece);
        if self.run_bytes > self.whole_bytes {
            (self.run_bytes, self.whole_bytes) = (0, RUN_BYTES);
            self.queue.push(std::mem::take(&mut self.run)).await?;
        }
        Ok(())
    }

    /// The hashes of all that was taken in.
    pub(crate) async fn finish(self, small_bodies: &SmallBodies) -> Result<Digest, StorageError> {
        let mut hashers = self.queue.take_hashers().await?;
        let is_all = self.whole_bytes == INLINE_BYTES;
        if let [body] = self.run.as_slice()
            && is_all
            && body.len() <= SMALL_BYTES
        {
            hashers.checksums.iter_mut().for_each(|checksum| checksum.update(body));
            let md5 = small_bodies.md5(body.clone()).await;
            return Ok(Digest { md5, checksums: finished(hashers.checksums) });
        }
        hashers.update(&self.run);
        Ok(hashers.finish())
    }
}

/// Runs on their way from the task that receives to a thread that hashes. There is one of either.
struct Queue {
    state: Mutex<State>,
    /// A run was taken, or the hashers came back.
    changed: Notify,
}

struct State {
    runs: VecDeque<Vec<Bytes>>,
    hashers: Place,
}

/// Where the hashers are.
enum Place {
    /// Here: no run waits.
    Here(Box<Hashers>),
    /// With a thread, which brings them back once no run waits.
    AtWork,
    /// A thread ended with them.
    Lost,
}

impl State {
    /// Takes the hashers, if they are here, for a thread or for good.
    fn take(&mut self) -> Result<Option<Box<Hashers>>, StorageError> {
        match std::mem::replace(&mut self.hashers, Place::AtWork) {
            Place::Here(hashers) => Ok(Some(hashers)),
            Place::AtWork => Ok(None),
            Place::Lost => {
                self.hashers = Place::Lost;
                Err(StorageError::Io("hashing was broken off".to_owned()))
            }
        }
    }
}

impl Queue {
    async fn push(self: &Arc<Self>, run: Vec<Bytes>) -> Result<(), StorageError> {
        let mut run = Some(run);
        loop {
            {
                let mut state = self.state.lock();
                let hashers = state.take()?;
                if state.runs.len() < WAITING_RUNS {
                    state.runs.extend(run.take());
                }
                if let Some(hashers) = hashers {
                    let work = Work { queue: Arc::clone(self), hashers: Some(hashers) };
                    tokio::task::spawn_blocking(move || work.run());
                }
            }
            if run.is_none() {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }

    async fn take_hashers(&self) -> Result<Box<Hashers>, StorageError> {
        loop {
            let taken = self.state.lock().take()?;
            if let Some(hashers) = taken {
                return Ok(hashers);
            }
            self.changed.notified().await;
        }
    }
}

/// What a thread does. Wherever it ends, the hashers come back or are known to be lost.
struct Work {
    queue: Arc<Queue>,
    hashers: Option<Box<Hashers>>,
}

impl Work {
    fn run(mut self) {
        while let Some(run) = self.next() {
            self.queue.changed.notify_one();
            self.hashers.iter_mut().for_each(|hashers| hashers.update(&run));
        }
    }

    /// The next run; the hashers are back where there is none.
    fn next(&mut self) -> Option<Vec<Bytes>> {
        let mut state = self.queue.state.lock();
        let run = state.runs.pop_front();
        if run.is_none() {
            state.hashers = self.hashers.take().map_or(Place::Lost, Place::Here);
        }
        run
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.hashers.is_some() {
            self.queue.state.lock().hashers = Place::Lost;
        }
        self.queue.changed.notify_one();
    }
}

struct Hashers {
    md5: Md5,
    checksums: Vec<ChecksumHasher>,
}

impl Hashers {
    fn update(&mut self, pieces: &[Bytes]) {
        for piece in pieces {
            self.md5.update(piece);
            self.checksums.iter_mut().for_each(|checksum| checksum.update(piece));
        }
    }

    fn finish(self) -> Digest {
        Digest { md5: self.md5.finish(), checksums: finished(self.checksums) }
    }
}

fn finished(checksums: Vec<ChecksumHasher>) -> Vec<Checksum> {
    checksums.into_iter().map(ChecksumHasher::finish).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use types::{Checksum, ChecksumAlgorithm, Md5};

    use super::{Hashing, Place, SmallBodies, WAITING_RUNS, Work};

    #[tokio::test]
    async fn a_thread_that_never_runs_is_an_error_and_no_wait() {
        let mut hashing = Hashing::new(&[]);
        let hashers = hashing.queue.state.lock().take().unwrap();
        drop(Work { queue: hashing.queue.clone(), hashers });
        hashing.update(Bytes::from(vec![0; (1 << 20) + 1])).await.expect_err("the hashers are lost");
        hashing.finish(&SmallBodies::default()).await.expect_err("the hashers are lost");
    }

    #[tokio::test]
    async fn no_more_than_the_bound_waits() {
        let mut hashing = Hashing::new(&[]);
        let hashers = hashing.queue.state.lock().take().unwrap();
        let piece = || Bytes::from(vec![0; (1 << 20) + 1]);
        for _ in 0..WAITING_RUNS {
            hashing.update(piece()).await.unwrap();
        }
        let (work, queue) = (Work { queue: hashing.queue.clone(), hashers }, hashing.queue.clone());
        let pushed = tokio::spawn(async move {
            hashing.update(piece()).await.unwrap();
            hashing.finish(&SmallBodies::default()).await.unwrap()
        });
        tokio::task::yield_now().await;
        assert!(!pushed.is_finished() && queue.state.lock().runs.len() == WAITING_RUNS);
        tokio::task::spawn_blocking(move || work.run()).await.unwrap();
        let digest = pushed.await.unwrap();
        assert_eq!(digest.md5, Md5::of(&vec![0; (WAITING_RUNS + 1) * ((1 << 20) + 1)]));
        assert!(matches!(queue.state.lock().hashers, Place::AtWork));
    }

    #[tokio::test]
    async fn bodies_of_any_size_in_pieces_of_any_size_hash_alike() {
        for (length, piece) in
            [(0, 1), (1, 1), (1000, 7), (1 << 20, 65_536), ((1 << 20) + 1, 65_536), (9_000_000, 333_333)]
        {
            let body: Vec<u8> = (0..length).map(|at: usize| (at * 31 % 251) as u8).collect();
            let mut hashing = Hashing::new(&ChecksumAlgorithm::ALL);
            for piece in body.chunks(piece) {
                hashing.update(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            let digest = hashing.finish(&SmallBodies::default()).await.unwrap();
            assert_eq!(digest.md5, Md5::of(&body), "{length}");
            for algorithm in ChecksumAlgorithm::ALL {
                assert_eq!(digest.checksum(algorithm), Some(Checksum::of(algorithm, &body)), "{length}");
            }
        }
    }
}
