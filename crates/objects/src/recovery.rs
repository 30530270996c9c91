//! What a crash or a failing device may leave behind, and how it is finished: deletes of buckets, completions and aborts
//! of uploads.

use tokio::sync::Notify;

use crate::keyspace::ALL_BUCKETS;
use crate::record::UploadState;
use crate::{Bucket, ObjectError, Objects};

/// Uploads of one round.
const ROUND: usize = 1000;

/// What [`Objects::recover`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// Deletes of buckets that were finished or taken back.
    pub buckets: usize,
    /// Completions and aborts that were finished or taken back.
    pub uploads: usize,
    /// What could not be finished; the log says why. It is tried again next time.
    pub failed: usize,
}

/// Whether something was left half done since it was last asked.
#[derive(Default)]
pub(crate) struct Interrupted(Notify);

impl Interrupted {
    /// Something is left for [`Objects::recover`].
    pub(crate) fn tell(&self) {
        self.0.notify_one();
    }
}

impl Objects {
    /// Waits until a request of this process has left something half done, which nobody sees until [`Self::recover`] has
    /// finished it. One waits at a time.
    pub async fn interrupted(&self) {
        self.interrupted.0.notified().await;
    }

    /// Finishes what was broken off, in all buckets. To be run at start, and harmless at any time. It reads each bucket's
    /// uploads, and never its objects.
    ///
    /// # Errors
    /// The engine's, where the buckets can not be listed.
    pub async fn recover(&self) -> Result<Recovered, ObjectError> {
        let mut recovered = Recovered::default();
        let (from, to) = ALL_BUCKETS;
        for record in self.scan_buckets(from.to_vec(), to).await? {
            let bucket = &record.bucket;
            let outcome = if record.deleting {
                self.finish_interrupted_delete(bucket).await.map(|()| recovered.buckets += 1)
            } else {
                self.finish_interrupted(bucket).await.map(|uploads| recovered.uploads += uploads)
            };
            if let Err(error) = outcome {
                recovered.failed += 1;
                tracing::warn!(tenancy = %bucket.tenancy, bucket = %bucket.name, %error, "recovery failed");
            }
        }
        Ok(recovered)
    }

    /// Finishes the completions and aborts of a bucket that were broken off; answers how many there were.
    pub(crate) async fn finish_interrupted(&self, bucket: &Bucket) -> Result<usize, ObjectError> {
        let mut finished = 0;
        loop {
            let interrupted = |record: &crate::record::UploadRecord| record.state != UploadState::Open;
            let round = self.uploads_where(bucket, ROUND, interrupted).await?;
            for upload in &round {
                self.finish_upload(upload).await?;
            }
            finished += round.len();
            if round.len() < ROUND {
                return Ok(finished);
            }
        }
    }
}
