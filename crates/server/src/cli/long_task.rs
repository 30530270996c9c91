//! Commands that take long: by the running server or, where none runs, by this process; followed by a bar on the
//! terminal, with a report at the end.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::admin::maintenance::{Outcome, Report, Task};
use ::admin::size::format_size;
use ::admin::{AdminClient, ClientError};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use storage::maintenance::Progress;

use super::CliError;
use super::output::Output;
use crate::config::Config;

/// How often the bar moves.
const INTERVAL: Duration = Duration::from_millis(200);
/// The damages that people are shown; JSON has up to a thousand.
const SHOWN_DAMAGES: usize = 20;

/// Where the server is, and how to print what was done.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's administration socket; without it, the one that the configuration says.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// A client of the server that is meant.
    pub(crate) fn client(&self, config: &Config) -> AdminClient {
        AdminClient::new(self.socket.clone().unwrap_or_else(|| config.admin_socket_path()))
    }

    /// How to print.
    pub(crate) fn output(&self) -> Output {
        Output::of(self.json)
    }
}

/// Follows the work that the server of `client` was asked for with the answer `asked`. Where no server runs, does it
/// `here`.
///
/// # Errors
/// Why it could not be done.
pub(crate) async fn by_server_or_here<D>(
    what: &'static str,
    client: &AdminClient,
    asked: Result<D, ClientError>,
    here: impl Future<Output = Result<Report, CliError>>,
) -> Result<Report, CliError> {
    match asked.map_err(CliError::from) {
        Ok(_) => done_by_server(what, client).await,
        Err(CliError::Unreachable(_)) => here.await,
        Err(error) => Err(error),
    }
}

/// A bar on standard error, if that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(what: &'static str) -> Self {
        let template = "{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(0).with_style(style).with_message(what))
    }

    fn set(&self, (total, done): (u64, u64)) {
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows how far `work` is, which this process does. A signal stops it.
pub(crate) async fn done_here<T>(what: &'static str, progress: &Arc<Progress>, work: impl Future<Output = T>) -> T {
    let bar = Bar::new(what);
    let mut work = pin!(work);
    let mut signal = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = &mut signal, if !progress.is_stopped() => progress.stop(),
            () = tokio::time::sleep(INTERVAL) => bar.set(progress.bytes()),
        }
    }
}

/// Follows the work that the server was asked for, to its end. A signal stops it.
///
/// # Errors
/// Why it could not be done.
async fn done_by_server(what: &'static str, client: &AdminClient) -> Result<Report, CliError> {
    let bar = Bar::new(what);
    let mut signal = pin!(tokio::signal::ctrl_c());
    let mut is_stopping = false;
    loop {
        let Some(Task { total_bytes, done_bytes, outcome, .. }) = client.task().await? else {
            return Err(CliError::Failed("the server was restarted meanwhile".to_owned()));
        };
        bar.set((total_bytes, done_bytes));
        match outcome {
            Some(Outcome::Done(report)) => return Ok(report),
            Some(Outcome::Failed(error)) => return Err(CliError::Failed(error)),
            None => {}
        }
        tokio::select! {
            _ = &mut signal, if !is_stopping => {
                is_stopping = true;
                client.stop_task().await?;
            }
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// The result of work that may have been stopped: what it found until then is not the whole.
///
/// # Errors
/// Its own, or that it was stopped.
pub(crate) fn unless_stopped<T>(progress: &Progress, result: Result<T, CliError>) -> Result<T, CliError> {
    match result {
        Ok(_) if progress.is_stopped() => Err(CliError::Failed("it was stopped before its end".to_owned())),
        result => result,
    }
}

/// Prints what was found and done.
///
/// # Errors
/// Where there is damage, so that scripts see it by the exit code.
pub(crate) fn print(report: &Report, output: Output, summary: &str) -> Result<(), CliError> {
    output.print(report, |report| {
        let mut text = summary.to_owned();
        for counter in report.corrected.iter().take(SHOWN_DAMAGES) {
            text.push_str(&format!("\ncorrected: {}", counter.escape_debug()));
        }
        let more = report.corrected_count.saturating_sub(SHOWN_DAMAGES as u64);
        if more > 0 {
            text.push_str(&format!("\nand {more} more counters were corrected"));
        }
        for damage in report.damages.iter().take(SHOWN_DAMAGES) {
            text.push_str(&format!("\ndamaged: {}", damage.escape_debug()));
        }
        text
    })?;
    match report.damage_count {
        0 => Ok(()),
        count => Err(CliError::Failed(format!("{count} damages were found; docs/operations.md says what to do"))),
    }
}

/// What was looked at.
pub(crate) fn looked_at(report: &Report) -> String {
    let size = format_size(report.read_bytes);
    format!("{} buckets, {} versions, {} blobs, {size} read", report.buckets, report.versions, report.blobs)
}

/// What was copied.
pub(crate) fn copied(report: &Report) -> String {
    let (files, size) = (report.copied_files, format_size(report.copied_bytes));
    format!("{files} files copied ({size}), {} there already, {} removed", report.reused_files, report.removed_files)
}
