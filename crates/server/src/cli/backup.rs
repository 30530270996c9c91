//! `commonhold backup`: a copy of the store as of one moment, by the running server or, where none runs, by this
//! process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::admin::AdminClient;
use ::admin::maintenance::{BackupRequest, Report};
use clap::Args;
use storage::maintenance::{Maintenance, Progress};

use super::output::Output;
use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::process;
use crate::serve::absolute;
use crate::store::Offline;

/// Where to, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// An empty directory, or the one of an earlier backup, to which what is new is added.
    directory: PathBuf,
    /// The server's administration socket; without it, the one that the configuration says.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Makes it.
///
/// # Errors
/// Where it can not be made, or something was damaged already.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let output = Output::of(arguments.json);
    let config = context.load()?;
    let directory = absolute(&arguments.directory);
    if directory.starts_with(absolute(&config.data_dir)) {
        return Err(CliError::Failed("a backup in the data directory itself is none: choose another place".to_owned()));
    }
    let client = AdminClient::new(arguments.socket.unwrap_or_else(|| config.admin_socket_path()));
    let report = runtime::for_client()?.block_on(async {
        match client.start_backup(&BackupRequest { directory: directory.clone() }).await.map_err(CliError::from) {
            Ok(_) => long_task::done_by_server("Backing up", &client).await,
            Err(CliError::Unreachable(_)) => here(&config, &directory).await,
            Err(error) => Err(error),
        }
    })?;
    let summary = format!(
        "Backed up to {}: {}\nThe master key is not in it: keep a copy of {} elsewhere.",
        directory.display(),
        long_task::copied(&report),
        config.master_key_path().display()
    );
    long_task::print(&report, output, &summary)
}

async fn here(config: &Config, directory: &Path) -> Result<Report, CliError> {
    process::keep_files_private();
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let (engine, watched, to) = (Arc::clone(&store.engine), Arc::clone(&progress), directory.to_owned());
    let work = tokio::task::spawn_blocking(move || engine.backup(&to, &watched));
    let made = long_task::done_here("Backing up", &progress, work).await;
    store.close().await;
    Ok(made.map_err(CliError::failed)?.map_err(CliError::failed)?.into())
}
