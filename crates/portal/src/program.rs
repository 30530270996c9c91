//! What the portal tells operators of the program that serves it.

use std::fmt;
use std::sync::Arc;

use background::JobRuns;
use storage::maintenance::Maintenance;
use types::Timestamp;

/// How full a disk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskSpace {
    /// Its size in bytes.
    pub total_bytes: u64,
    /// Bytes that the server can still use.
    pub free_bytes: u64,
}

/// Measures the disk that the data is on, or says why it can not.
pub type DiskGauge = Box<dyn Fn() -> Result<DiskSpace, String> + Send + Sync>;

/// The program: which it is, and where what it does can be looked at.
pub struct Program {
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// Where its data is.
    pub data_dir: String,
    /// The disk under it.
    pub disk: DiskGauge,
    /// The engine, as its operator sees it.
    pub engine: Arc<dyn Maintenance>,
    /// The jobs beside the requests.
    pub jobs: JobRuns,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("version", &self.version)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
