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

use crate::Verdict;
use crate::workspace::Workspace;
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
pub(crate) fn run(workspace: &Workspace, scope: Scope<'_>) -> Verdict {
    let mut tally = Tally::default();
    let verdict = match failed_steps(workspace, scope, &mut tally) {
        Ok(failed) if failed.is_empty() => Verdict::Passed,
        Ok(failed) => {
            println!("failed: {}", failed.join(", "));
            Verdict::Failed
        }
        Err(reason) => {
            println!("{reason}");
            Verdict::Failed
        }
    };
    println!("{tally}");
    verdict
}

/// Runs the steps; the names of those in which a test failed, or why one could not run.
fn failed_steps(workspace: &Workspace, scope: Scope<'_>, tally: &mut Tally) -> Result<Vec<&'static str>, String> {
    let mut failed = Vec::new();
    if !matches!(scope, Scope::Clients(_)) && !steps::rust_tests(workspace).run(tally)? {
        failed.push("the Rust tests");
    }
    let options = match scope {
        Scope::Rust => return Ok(failed),
        Scope::All => &[],
        Scope::Clients(options) => options,
    };
    if !run_clients(workspace, options, tally)? {
        failed.push("the client tests");
    }
    Ok(failed)
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
    steps::client_tests(workspace, &tools, python, options).run(tally)
}
