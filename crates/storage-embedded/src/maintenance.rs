//! What an operator asks of the engine.

use std::path::Path;

use storage::StorageError;
use storage::maintenance::{BackedUp, Maintenance, Progress, Verified};

use crate::{EmbeddedStore, backup, check};

impl Maintenance for EmbeddedStore {
    fn failure(&self) -> Option<String> {
        self.shared.failure().map(str::to_owned)
    }

    fn verify(&self, progress: &Progress) -> Result<Verified, StorageError> {
        check::verify(&self.shared, progress)
    }

    fn backup(&self, directory: &Path, progress: &Progress) -> Result<BackedUp, StorageError> {
        backup::backup(&self.shared, directory, progress)
    }
}
