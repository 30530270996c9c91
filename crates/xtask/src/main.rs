//! `cargo xtask`: work on the source tree that cargo itself has no word for.
//!
//! - `cargo xtask tidy` holds the tree against its own map and rules; each rule is a file in `tidy/`.
//! - `cargo xtask test` installs the clients that the tests need and runs every test; its steps are in `test_run/`.
//! - `cargo xtask crash` runs the crash test of `tests/crash` alone, for as long as wanted.
//! - `cargo xtask release` builds the program with a profile of itself.
//!
//! The first two run in CI by `.ci/run`.

mod command;
mod release;
mod test_run;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy                          check the tree against ARCHITECTURE.md and the rules of the house
  test                          install what the tests need, then run all of them
  test rust                     the Rust tests alone
  test clients [PYTEST OPTION]  the client tests alone, for instance: cargo xtask test clients -k rclone
  crash [--rounds N] [--seed S] kill the server under load, N times (200), and look at what it acknowledged
  release                       build the program as fast as it gets, in half an hour
";

/// What a command found. It has printed why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Passed,
    Failed,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::find();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&workspace),
        ["test"] => Ok(test_run::run(&workspace, test_run::Scope::All)),
        ["test", "rust"] => Ok(test_run::run(&workspace, test_run::Scope::Rust)),
        ["test", "clients", options @ ..] => Ok(test_run::run(&workspace, test_run::Scope::Clients(options))),
        ["crash", options @ ..] => Ok(test_run::run(&workspace, test_run::Scope::Crash(options))),
        ["release"] => release::run(&workspace),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
