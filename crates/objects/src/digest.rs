//! MD5 and checksums of content, in one pass.
//!
//! Up to a mebibyte or so, a body is hashed by the task that receives it, a small one with others if there are any
//! ([`SmallBodies`]). A larger one is cut into runs, which other threads hash meanwhile ([`LargeBodies`]).

use std::sync::Arc;

use bytes::Bytes;
use storage::StorageError;
use types::{Checksum, ChecksumAlgorithm, ChecksumHasher, Md5};

use crate::large_bodies::{LargeBodies, LargeBody, Run};
use crate::small_bodies::{SMALL_BYTES, SmallBodies};

/// The bytes of a run, in which its last piece ends.
const RUN_BYTES: usize = 256 << 10;
/// Bodies of so many runs, and what fills none, are hashed by the task that receives them: some 2 milliseconds of MD5.
const INLINE_RUNS: usize = 4;

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

/// Where bodies of several uploads are hashed together.
#[derive(Clone, Default)]
pub(crate) struct Together {
    pub(crate) small: Arc<SmallBodies>,
    large: Arc<LargeBodies>,
}

/// Hashes a body piece by piece.
pub(crate) struct Hashing<'a> {
    algorithms: &'a [ChecksumAlgorithm],
    together: &'a Together,
    /// Once it is known to be large.
    large: Option<LargeBody>,
    /// Runs that are whole, while that is not known.
    runs: Vec<Run>,
    /// The next run.
    run: Run,
    run_bytes: usize,
}

impl<'a> Hashing<'a> {
    /// Nothing hashed yet; `algorithms` are computed beside MD5.
    pub(crate) const fn new(algorithms: &'a [ChecksumAlgorithm], together: &'a Together) -> Self {
        Self { algorithms, together, large: None, runs: Vec::new(), run: Vec::new(), run_bytes: 0 }
    }

    /// Takes in `piece`. Waits while too much of the body waits to be hashed, so memory stays bounded.
    pub(crate) async fn update(&mut self, piece: Bytes) -> Result<(), StorageError> {
        self.run_bytes += piece.len();
        self.run.push(piece);
        if self.run_bytes < RUN_BYTES {
            return Ok(());
        }
        self.run_bytes = 0;
        self.runs.push(std::mem::take(&mut self.run));
        if self.runs.len() > INLINE_RUNS {
            self.large = Some(self.together.large.begin(Hashers::new(self.algorithms)));
        }
        if let Some(large) = &self.large {
            for run in self.runs.drain(..) {
                large.push(run).await?;
            }
        }
        Ok(())
    }

    /// The hashes of all that was taken in.
    pub(crate) async fn finish(self) -> Result<Digest, StorageError> {
        if let Some(large) = self.large {
            large.push(self.run).await?;
            return Ok(large.end().await?.finish());
        }
        let mut hashers = Hashers::new(self.algorithms);
        if let ([], [body]) = (self.runs.as_slice(), self.run.as_slice())
            && body.len() <= SMALL_BYTES
        {
            hashers.checksums.iter_mut().for_each(|checksum| checksum.update(body));
            let md5 = self.together.small.md5(body.clone()).await;
            return Ok(Digest { md5, checksums: finished(hashers.checksums) });
        }
        self.runs.iter().chain([&self.run]).for_each(|run| hashers.update(run));
        Ok(hashers.finish())
    }
}

/// A body's hashes, so far.
#[derive(Debug)]
pub(crate) struct Hashers {
    md5: Md5,
    checksums: Vec<ChecksumHasher>,
}

impl Hashers {
    pub(crate) fn new(algorithms: &[ChecksumAlgorithm]) -> Self {
        let checksums = algorithms.iter().map(|algorithm| ChecksumHasher::new(*algorithm)).collect();
        Self { md5: Md5::default(), checksums }
    }

    fn update(&mut self, run: &Run) {
        Self::update_each(&mut [(self, run)]);
    }

    /// Takes into each its run, all of them side by side.
    pub(crate) fn update_each(each: &mut [(&mut Self, &Run)]) {
        for (hashers, run) in &mut *each {
            hashers.checksums.iter_mut().for_each(|checksum| run.iter().for_each(|piece| checksum.update(piece)));
        }
        let mut pairs: Vec<_> = each.iter_mut().map(|(hashers, run)| (&mut hashers.md5, run.as_slice())).collect();
        Md5::update_each(&mut pairs);
    }

    pub(crate) fn finish(self) -> Digest {
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

    use super::{Hashing, Together};

    #[tokio::test]
    async fn bodies_of_any_size_in_pieces_of_any_size_hash_alike() {
        let together = Together::default();
        for (length, piece) in
            [(0, 1), (1, 1), (1000, 7), (1 << 20, 65_536), ((5 << 18) + 1, 65_536), (9_000_000, 333_333)]
        {
            let body: Vec<u8> = (0..length).map(|at: usize| (at * 31 % 251) as u8).collect();
            let mut hashing = Hashing::new(&ChecksumAlgorithm::ALL, &together);
            for piece in body.chunks(piece) {
                hashing.update(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            let digest = hashing.finish().await.unwrap();
            assert_eq!(digest.md5, Md5::of(&body), "{length}");
            for algorithm in ChecksumAlgorithm::ALL {
                assert_eq!(digest.checksum(algorithm), Some(Checksum::of(algorithm, &body)), "{length}");
            }
        }
    }
}
