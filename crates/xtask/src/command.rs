//! Running other programs.

use std::process::{Command, Stdio};

use crate::workspace::Workspace;

/// Cargo, in the workspace.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    // Cargo names itself to what it runs.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace.path("."));
    command
}

/// Runs a command that shows what it does.
///
/// # Errors
/// Where it can not be run, or reports failure.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = format!("{command:?}");
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
}
