//! `commonhold scrub`: reads every byte, by the running server or, where none runs, by this process.

use std::sync::Arc;

use ::admin::maintenance::Report;
use clap::Args;
use storage::maintenance::{Maintenance, Progress};

use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::store::Offline;

/// What the bar says.
const DOING: &str = "Scrubbing";

/// Where, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: long_task::Options,
}

/// Reads everything once.
///
/// # Errors
/// Where it can not be read, or something is damaged.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    let client = arguments.options.client(&config);
    let report = runtime::for_client()?.block_on(async {
        let asked = client.start_scrub().await;
        long_task::by_server_or_here(DOING, &client, asked, here(&config)).await
    })?;
    long_task::print(&report, arguments.options.output(), &format!("Scrubbed: {}", long_task::looked_at(&report)))
}

async fn here(config: &Config) -> Result<Report, CliError> {
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let engine = Arc::clone(&store.engine) as Arc<dyn Maintenance>;
    let work = background::jobs::scrub(&store.objects, &engine, &progress);
    let inspected = long_task::done_here(DOING, &progress, work).await;
    drop(engine);
    store.close().await;
    long_task::unless_stopped(&progress, inspected.map(Report::from).map_err(CliError::failed))
}
