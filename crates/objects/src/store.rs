//! [`Objects`]: the store, as its operations see it.

use std::sync::Arc;

use storage::{Blobs, Metadata};
use types::{Clock, Entropy};

use crate::buckets::Buckets;
use crate::locks::Locks;

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
        Self { metadata, blobs, clock, entropy, buckets, locks }
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}
