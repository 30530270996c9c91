//! `commonhold restore`: a data directory from a backup.

use std::path::PathBuf;
use std::sync::Arc;

use ::admin::maintenance::Report;
use clap::Args;
use storage::maintenance::Progress;
use storage_embedded::{RestoreError, Restored, restore};

use super::output::Output;
use super::{CliError, long_task, runtime};
use crate::process;
use crate::store::ENGINE_FOLDER;

/// From where, where to, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The directory of a backup.
    backup: PathBuf,
    /// The data directory to make. It may hold a master key, and no store.
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Makes it.
///
/// # Errors
/// Where something is in the way, or the backup is not whole.
pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    process::keep_files_private();
    let output = Output::of(arguments.json);
    let progress = Arc::new(Progress::unpaced());
    let (from, to, watched) = (arguments.backup.clone(), arguments.data_dir.join(ENGINE_FOLDER), Arc::clone(&progress));
    let restored: Result<Restored, RestoreError> = runtime::for_client()?.block_on(async {
        let work = tokio::task::spawn_blocking(move || restore(&from, &to, &watched));
        long_task::done_here("Restoring", &progress, work).await.map_err(CliError::failed)
    })?;
    let Restored { files, bytes, damages, .. } = restored.map_err(|error| match error {
        RestoreError::Occupied => {
            CliError::Failed(format!("{} holds a store already; nothing is overwritten", arguments.data_dir.display()))
        }
        error => CliError::failed(error),
    })?;
    let report = Report { copied_files: files, copied_bytes: bytes, ..Report::default() }.damaged(damages);
    let key = arguments.data_dir.join("master.key");
    let reminder = if key.exists() {
        String::new()
    } else {
        format!("\nPut your copy of the master key at {} before the first start.", key.display())
    };
    let summary = format!("Restored to {}: {}{reminder}", arguments.data_dir.display(), long_task::copied(&report));
    long_task::print(&report, output, &summary)
}
