//! `cargo xtask test`: every test there is, and what they need.
//!
//! In order: the programs and clients that tests need installed ([`tools`]); the Rust tests; the server built; the client
//! tests of `tests/clients` run against it; the server killed under load, again and again (`tests/crash`). Each step
//! streams its output and is counted ([`tally`]); pictures of pages are kept ([`screenshots`]); the last line sums up as `N passed, N failed, N skipped`.
//!
//! A client that cannot be installed has its tests skipped aloud, except where `CI=true`: there nothing may be
//! skipped for want of a tool, so it fails.

mod screenshots;
mod steps;
mod tally;
mod tools;

use crate::Verdict;
use crate::workspace::Workspace;
use tally::Tally;

/// How long the crash test of a whole run is: about a minute.
const CRASH_OPTIONS: [&str; 2] = ["--rounds", "12"];

/// Which tests to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// All.
    All,
    /// Those of the crates.
    Rust,
    /// Those of the clients, with more options for pytest.
    Clients(&'a [&'a str]),
    /// The crash test, with its options.
    Crash(&'a [&'a str]),
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
    tools::install_debian_programs()?;
    if matches!(scope, Scope::All | Scope::Rust) && !steps::rust_tests(workspace).run(tally)? {
        failed.push("the Rust tests");
    }
    let (clients, crash) = match scope {
        Scope::Rust => return Ok(failed),
        Scope::All => (Some(&[][..]), Some(&CRASH_OPTIONS[..])),
        Scope::Clients(options) => (Some(options), None),
        Scope::Crash(options) => (None, Some(options)),
    };
    let tools = tools::Tools::install(workspace)?;
    if !steps::build_server(workspace).run(tally)? {
        return Err("the server does not build".to_owned());
    }
    let Some(python) = tools.python() else {
        println!("skipped: all tests with clients, since there is no Python environment to run them in");
        tally.add_skipped(1);
        return Ok(failed);
    };
    if let Some(options) = clients {
        let screenshots = screenshots::cleared_folder(workspace)?;
        if !steps::client_tests(workspace, &tools, python, &screenshots, options).run(tally)? {
            failed.push("the client tests");
        }
        println!("pictures of the portal's pages: {}", screenshots.display());
    }
    if let Some(options) = crash {
        let passed = steps::crash_test(workspace, python, options).run(tally)?;
        tally.add_one(passed);
        if !passed {
            failed.push("the crash test");
        }
    }
    Ok(failed)
}
