//! `commonhold scrub`: reads every byte, by the running server or, where none runs, by this process.

use std::path::PathBuf;
use std::sync::Arc;

use ::admin::AdminClient;
use ::admin::maintenance::Report;
use clap::Args;
use storage::maintenance::{Maintenance, Progress};

use super::output::Output;
use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::store::Offline;

/// Where, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server's administration socket; without it, the one that the configuration says.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Reads everything once.
///
/// # Errors
/// Where it can not be read, or something is damaged.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let output = Output::of(arguments.json);
    let config = context.load()?;
    let client = AdminClient::new(arguments.socket.unwrap_or_else(|| config.admin_socket_path()));
    let report = runtime::for_client()?.block_on(async {
        match client.start_scrub().await.map_err(CliError::from) {
            Ok(_) => long_task::done_by_server("Scrubbing", &client).await,
            Err(CliError::Unreachable(_)) => here(&config).await,
            Err(error) => Err(error),
        }
    })?;
    long_task::print(&report, output, &format!("Scrubbed: {}", long_task::looked_at(&report)))
}

async fn here(config: &Config) -> Result<Report, CliError> {
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let engine = Arc::clone(&store.engine) as Arc<dyn Maintenance>;
    let work = background::jobs::scrub(&store.objects, &engine, &progress);
    let inspected = long_task::done_here("Scrubbing", &progress, work).await;
    drop(engine);
    store.close().await;
    long_task::unless_stopped(&progress, inspected.map(Report::from).map_err(CliError::failed))
}
