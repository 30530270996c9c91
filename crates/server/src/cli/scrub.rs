//! `commonhold scrub`: reads every byte, by the running server or, where none runs, by this process.

use std::sync::Arc;

use ::admin::AdminClient;
use ::admin::maintenance::{PassView, Report, ScrubView};
use ::admin::size::format_size;
use clap::Args;
use objects::scrub::PassOf;
use storage::maintenance::{Maintenance, Progress};

use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::store::Offline;

/// What the bar says.
const DOING: &str = "Scrubbing";

/// Where, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only tell how the store was scrubbed.
    #[arg(long)]
    status: bool,
    #[command(flatten)]
    options: long_task::Options,
}

/// Reads everything once, or tells when that was done.
///
/// # Errors
/// Where it can not be read, or something is damaged.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    let client = arguments.options.client(&config);
    if arguments.status {
        let view = runtime::for_client()?.block_on(status(&client, &config))?;
        return arguments.options.output().print(&view, told);
    }
    let report = runtime::for_client()?.block_on(async {
        let asked = client.start_scrub().await;
        long_task::by_server_or_here(DOING, &client, asked, Box::pin(here(&config))).await
    })?;
    long_task::print(&report, arguments.options.output(), &format!("Scrubbed: {}", long_task::looked_at(&report)))
}

async fn status(client: &AdminClient, config: &Config) -> Result<ScrubView, CliError> {
    match client.scrubs().await.map_err(CliError::from) {
        Err(CliError::Unreachable(_)) => {}
        answered => return answered,
    }
    let store = Offline::open(config).await?;
    let status = store.objects.scrub_status().await;
    store.close().await;
    Ok(status.map_err(CliError::failed)?.into())
}

fn told(view: &ScrubView) -> String {
    let pass = |pass: &PassView| {
        let (size, damages) = (format_size(pass.read_bytes), pass.damage_count);
        let ended = pass.ended.map(|ended| format!(", ended {ended}")).unwrap_or_default();
        format!("began {}{ended}: {size} read, {damages} damages", pass.started)
    };
    let last = view.last.as_ref().map_or_else(|| "none yet".to_owned(), pass);
    let under_way = view.under_way.as_ref().map(|under_way| format!("\nUnder way: {}", pass(under_way)));
    format!("Last whole scrub: {last}{}", under_way.unwrap_or_default())
}

async fn here(config: &Config) -> Result<Report, CliError> {
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let engine = Arc::clone(&store.engine) as Arc<dyn Maintenance>;
    let work = background::jobs::scrub(&store.objects, &engine, PassOf::Operator, &progress);
    let inspected = long_task::done_here(DOING, &progress, work).await;
    drop(engine);
    store.close().await;
    long_task::unless_stopped(&progress, inspected.map(Report::from).map_err(CliError::failed))
}
