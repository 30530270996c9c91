//! `commonhold backup`: a copy of the store as of one moment, by the running server or, where none runs, by this
//! process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::admin::maintenance::{BackupRequest, Report};
use clap::Args;
use storage::maintenance::{Maintenance, Progress};

use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::process;
use crate::serve::absolute;
use crate::store::Offline;

/// What the bar says.
const DOING: &str = "Backing up";

/// Where to, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// An empty directory, or the one of an earlier backup, to which what is new is added.
    directory: PathBuf,
    #[command(flatten)]
    options: long_task::Options,
}

/// Makes it.
///
/// # Errors
/// Where it can not be made, or something was damaged already.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    let directory = absolute(&arguments.directory);
    if directory.starts_with(absolute(&config.data_dir)) {
        return Err(CliError::Failed("a backup in the data directory itself is none: choose another place".to_owned()));
    }
    let client = arguments.options.client(&config);
    let report = runtime::for_client()?.block_on(async {
        let asked = client.start_backup(&BackupRequest { directory: directory.clone() }).await;
        long_task::by_server_or_here(DOING, &client, asked, here(&config, &directory)).await
    })?;
    let summary = format!(
        "Backed up to {}: {}\nThe master key is not in it: keep a copy of {} elsewhere.",
        directory.display(),
        long_task::copied(&report),
        config.master_key_path().display()
    );
    long_task::print(&report, arguments.options.output(), &summary)
}

async fn here(config: &Config, directory: &Path) -> Result<Report, CliError> {
    process::keep_files_private();
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let (engine, watched, to) = (Arc::clone(&store.engine), Arc::clone(&progress), directory.to_owned());
    let work = tokio::task::spawn_blocking(move || engine.backup(&to, &watched));
    let made = long_task::done_here(DOING, &progress, work).await;
    store.close().await;
    Ok(made.map_err(CliError::failed)?.map_err(CliError::failed)?.into())
}
