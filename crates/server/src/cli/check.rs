//! `commonhold check`: whether the structure of a store that no server uses is whole.

use std::sync::Arc;

use ::admin::maintenance::Report;
use clap::Args;
use objects::inspect::WrongCounters;
use storage::maintenance::{Maintenance, Progress};

use super::output::Output;
use super::{CliError, Context, long_task, runtime};
use crate::config::Config;
use crate::store::Offline;

/// What to do with what is found, and how to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Set counters of usage that are wrong to what the records say. Nothing else is changed.
    #[arg(long)]
    repair: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Looks at the log, the index, the files, every record, the counters, and the chain of the audit log.
///
/// # Errors
/// Where a server runs, the store can not be opened, or something is damaged.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let output = Output::of(arguments.json);
    let counters = if arguments.repair { WrongCounters::Correct } else { WrongCounters::Tell };
    let report = runtime::for_client()?.block_on(check(&context.load()?, counters))?;
    long_task::print(&report, output, &format!("Checked: {}", long_task::looked_at(&report)))
}

async fn check(config: &Config, counters: WrongCounters) -> Result<Report, CliError> {
    let store = Offline::open(config).await?;
    let progress = Arc::new(Progress::unpaced());
    let (engine, watched) = (Arc::clone(&store.engine), Arc::clone(&progress));
    let work = async {
        let verified = tokio::task::spawn_blocking(move || engine.verify(&watched)).await;
        let verified = verified.map_err(CliError::failed)?.map_err(CliError::failed)?;
        let mut inspected = store.objects.check(&progress, counters).await.map_err(CliError::failed)?;
        inspected.bytes += verified.log_bytes;
        for damage in verified.damages.listed {
            inspected.damages.add(damage.what, damage.blob);
        }
        let audited = audit::verify(&*store.metadata, None).await.map_err(CliError::failed)?;
        for fault in audited.faults {
            inspected.damages.add(format!("audit log: {fault}"), None);
        }
        Ok(Report::from(inspected))
    };
    let report = long_task::done_here("Checking", &progress, work).await;
    store.close().await;
    long_task::unless_stopped(&progress, report)
}
