//! The commands that `cargo xtask test` runs.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::tally::{Report, Tally};
use super::tools::Tools;
use crate::command::cargo;
use crate::workspace::Workspace;

/// One command, and how its output is counted.
pub(super) struct Step {
    command: Command,
    report: Report,
}

/// `cargo test` over all crates. Goes on after a failing crate, so that one run shows every failure.
pub(super) fn rust_tests(workspace: &Workspace) -> Step {
    let mut command = cargo(workspace);
    command.args(["test", "--workspace", "--no-fail-fast"]);
    Step { command, report: Report::Cargo }
}

/// The program that the clients talk to, as `cargo test` builds it too.
pub(super) fn build_server(workspace: &Workspace) -> Step {
    let mut command = cargo(workspace);
    command.args(["build", "--package", "server"]);
    Step { command, report: Report::None }
}

/// pytest over `tests/clients`, with the installed clients first in `PATH`.
pub(super) fn client_tests(
    workspace: &Workspace,
    tools: &Tools,
    python: &Path,
    screenshots: &Path,
    options: &[&str],
) -> Step {
    let mut command = Command::new(python);
    command
        .args(["-m", "pytest", "-p", "no:cacheprovider", "-ra", "--color=no", "--durations=10"])
        .args(options)
        .current_dir(workspace.path("tests/clients"))
        .env("PATH", tools.search_path())
        .env(super::screenshots::VARIABLE, screenshots)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COMMONHOLD_BIN", workspace.target_folder().join("debug/commonhold"));
    Step { command, report: Report::Pytest }
}

/// `tests/crash`: the server killed under load.
pub(super) fn crash_test(workspace: &Workspace, python: &Path, options: &[&str]) -> Step {
    let mut command = Command::new(python);
    command
        .arg(workspace.path("tests/crash/crash.py"))
        .args(options)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COMMONHOLD_BIN", workspace.target_folder().join("debug/commonhold"));
    Step { command, report: Report::None }
}

impl Step {
    /// Runs it, streaming its output, and adds its counts. False where the command reports failure.
    ///
    /// # Errors
    /// Where the command cannot be run at all.
    pub(super) fn run(&mut self, tally: &mut Tally) -> Result<bool, String> {
        let name = format!("{:?}", self.command.get_program());
        let broken = |error: std::io::Error| format!("{name}: {error}");
        let mut child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(broken)?;
        for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).split(b'\n')) {
            let line = line.map_err(broken)?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.count(self.report, &line);
        }
        let status = child.wait().map_err(broken)?;
        Ok(status.success())
    }
}
