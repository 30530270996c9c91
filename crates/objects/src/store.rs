//! [`Objects`]: the store, as its operations see it.

use std::sync::Arc;

use access::{ActionType, BucketTarget, Grant};
use identity::Quotas;
use storage::{Blobs, Metadata, Space, Stamp};
use types::{Clock, Entropy};

use crate::buckets::Buckets;
use crate::digest::Together;
use crate::locks::Locks;
use crate::recovery::Interrupted;

/// The objects of every tenancy. Cheap to clone; clones are the same store.
///
/// One process at a time may have a store on an engine: bucket records are held in memory.
#[derive(Clone)]
pub struct Objects {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) locks: Arc<Locks>,
    pub(crate) interrupted: Arc<Interrupted>,
    pub(crate) quotas: Quotas,
    pub(crate) together: Together,
}

impl Objects {
    /// The store on one engine's two contracts.
    pub fn new(
        metadata: Arc<dyn Metadata>,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (buckets, locks) = (Arc::new(Buckets::default()), Arc::new(Locks::new()));
        let (interrupted, quotas, together) = (Arc::default(), Quotas::default(), Together::default());
        Self { metadata, blobs, clock, entropy, buckets, locks, interrupted, quotas, together }
    }

    /// A mark of what a bucket holds at this moment, by which whoever kept what was read of it knows whether that is
    /// still so. The contract is that of [`Metadata::stamp`].
    pub fn stamp<A: ActionType<Target = BucketTarget>>(&self, grant: &Grant<A>) -> Option<Stamp> {
        self.metadata.stamp(Space(grant.bucket().bucket_id))
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}
