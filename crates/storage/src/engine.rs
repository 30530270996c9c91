//! The pair of contracts that one engine keeps, as callers hold it.

use std::fmt;
use std::sync::Arc;

use crate::{Blobs, Metadata};

/// One engine behind its two contracts. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    /// Keys and values.
    pub metadata: Arc<dyn Metadata>,
    /// Write-once byte strings, kept and retired by batches of `metadata`.
    pub blobs: Arc<dyn Blobs>,
}

impl Engine {
    /// Both contracts of `store`.
    pub fn new<S: Metadata + Blobs>(store: Arc<S>) -> Self {
        Self { metadata: Arc::clone(&store) as Arc<dyn Metadata>, blobs: store }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}
