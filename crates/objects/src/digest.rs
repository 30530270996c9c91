//! MD5 and checksums of content, in one pass.
//!
//! A small body is hashed where it is received. The pieces of a large one are gathered into runs that the threads for
//! blocking work hash one after another, while the connection's task receives the next run. A thread is taken only when
//! there is a whole run to hash, so slow clients hold none.

use bytes::Bytes;
use md5::{Digest as _, Md5};
use storage::StorageError;
use tokio::task::JoinHandle;
use types::{Checksum, ChecksumAlgorithm, ChecksumHasher};

/// Bodies up to this size are hashed by the task that receives them: some two milliseconds of MD5.
const INLINE_BYTES: usize = 1 << 20;

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
    /// The hashers, unless `running` has them.
    idle: Option<Hashers>,
    running: Option<JoinHandle<Hashers>>,
    /// The next run.
    run: Vec<Bytes>,
    run_bytes: usize,
}

impl Hashing {
    /// Nothing hashed yet; `algorithms` are computed beside MD5.
    pub(crate) fn new(algorithms: &[ChecksumAlgorithm]) -> Self {
        let checksums = algorithms.iter().map(|algorithm| ChecksumHasher::new(*algorithm)).collect();
        Self { idle: Some(Hashers { md5: Md5::new(), checksums }), running: None, run: Vec::new(), run_bytes: 0 }
    }

    /// Takes in `piece`. Waits while a run before the last one is being hashed, so memory stays bounded.
    pub(crate) async fn update(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.run_bytes += piece.len();
        self.run.push(piece);
        if self.run_bytes > INLINE_BYTES {
            self.start_run().await?;
        }
        Ok(())
    }

    /// The hashes of all that was taken in.
    pub(crate) async fn finish(mut self) -> Result<Digest, StorageError> {
        if self.running.is_some() && self.run_bytes > 0 {
            self.start_run().await?;
        }
        let mut hashers = self.hashers().await?;
        hashers.update(&self.run);
        Ok(hashers.finish())
    }

    async fn start_run(&mut self) -> Result<(), StorageError> {
        let mut hashers = self.hashers().await?;
        let run = std::mem::take(&mut self.run);
        self.run_bytes = 0;
        self.running = Some(tokio::task::spawn_blocking(move || {
            hashers.update(&run);
            hashers
        }));
        Ok(())
    }

    async fn hashers(&mut self) -> Result<Hashers, StorageError> {
        let lost = || StorageError::Io("hashing was broken off".to_owned());
        match self.running.take() {
            Some(running) => running.await.map_err(|_| lost()),
            None => self.idle.take().ok_or_else(lost),
        }
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
        let checksums = self.checksums.into_iter().map(ChecksumHasher::finish).collect();
        Digest { md5: self.md5.finalize().into(), checksums }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use md5::{Digest as _, Md5};
    use types::{Checksum, ChecksumAlgorithm};

    use super::Hashing;

    #[tokio::test]
    async fn bodies_of_any_size_in_pieces_of_any_size_hash_alike() {
        for (length, piece) in
            [(0, 1), (1, 1), (1000, 7), (1 << 20, 65_536), ((1 << 20) + 1, 65_536), (5_000_000, 333_333)]
        {
            let body: Vec<u8> = (0..length).map(|at: usize| (at * 31 % 251) as u8).collect();
            let mut hashing = Hashing::new(&ChecksumAlgorithm::ALL);
            for piece in body.chunks(piece) {
                hashing.update(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            let digest = hashing.finish().await.unwrap();
            assert_eq!(digest.md5, <[u8; 16]>::from(Md5::digest(&body)), "{length}");
            for algorithm in ChecksumAlgorithm::ALL {
                assert_eq!(digest.checksum(algorithm), Some(Checksum::of(algorithm, &body)), "{length}");
            }
        }
    }
}
