//! `cargo xtask test`: every test there is, and what they need.
//!
//! In order: the Rust tests; the clients installed into the tools folder ([`tools`]); the server built; the client
//! tests of `tests/clients` run against it. Each step streams its output and is counted ([`tally`]); the last line
//! sums up as `N passed, N failed, N skipped`.
//!
//! A client that cannot be installed has its tests skipped aloud, except where `CI=true`: there nothing may be
//! skipped for want of a tool, so it fails.

mod steps;
mod tally;
mod tools;

use crate::workspace::Workspace;
use steps::Step;
use tally::Tally;

/// Which tests to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// All.
    All,
    /// Those of the crates.
    Rust,
    /// Those of the clients, with more options for pytest.
    Clients(&'a [&'a str]),
}

/// Runs the tests and prints the sum as the last line.
///
/// # Errors
/// Where a test failed or a step could not run; the message names the step.
pub(crate) fn run(workspace: &Workspace, scope: Scope<'_>) -> Result<(), String> {
    let mut tally = Tally::default();
    let outcome = run_steps(workspace, scope, &mut tally);
    if let Err(reason) = &outcome {
        println!("{reason}");
    }
    println!("{tally}");
    outcome.map_err(|_| "tests failed".to_owned())
}

fn run_steps(workspace: &Workspace, scope: Scope<'_>, tally: &mut Tally) -> Result<(), String> {
    let mut failed = Vec::new();
    if !matches!(scope, Scope::Clients(_)) && !steps::rust_tests(workspace).run(tally)? {
        failed.push("the Rust tests");
    }
    if !matches!(scope, Scope::Rust) {
        let options = if let Scope::Clients(options) = scope { options } else { &[] };
        if !run_clients(workspace, options, tally)? {
            failed.push("the client tests");
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn run_clients(workspace: &Workspace, options: &[&str], tally: &mut Tally) -> Result<bool, String> {
    let tools = tools::Tools::install(workspace)?;
    if !steps::build_server(workspace).run(tally)? {
        return Err("the server does not build".to_owned());
    }
    let Some(python) = tools.python() else {
        println!("skipped: all client tests, since there is no Python environment to run them in");
        tally.add_skipped(1);
        return Ok(true);
    };
    Step::run(&mut steps::client_tests(workspace, &tools, python, options), tally)
}
