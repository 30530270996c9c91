//! The command line: one file a noun.

mod admin;
mod backup;
mod bench;
mod check;
mod config;
mod demo;
mod import;
mod input;
mod long_task;
mod output;
mod restore;
mod runtime;
mod scrub;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, Environment};

/// Exit codes, as `--help` says them.
const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 it failed; 2 the command or the configuration is wrong; 3 no server answers.";

/// A self-hosted, multi-tenant, S3-compatible object store.
#[derive(Debug, Parser)]
#[command(name = "commonhold", version, about, after_help = EXIT_CODES)]
struct Arguments {
    /// The configuration file; without one, the defaults hold.
    #[arg(long, global = true, value_name = "FILE", env = "COMMONHOLD_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what happens without a command, too).
    Serve,
    /// Make a tenancy with a key and a dataset to try, and print what clients need; starts a server where none runs.
    Demo(demo::Arguments),
    /// Administer the running server.
    Admin(admin::Arguments),
    /// Drive an S3 endpoint with load, and measure what this machine could do at best.
    Bench(bench::Arguments),
    /// Copy the store as of one moment, while it serves; into the directory of an earlier backup, what is new.
    Backup(backup::Arguments),
    /// Make a data directory from a backup.
    Restore(restore::Arguments),
    /// Bring here what another store has.
    Import {
        #[command(subcommand)]
        verb: import::Verb,
    },
    /// Read every byte of the store, while it serves, and name the objects that are damaged.
    Scrub(scrub::Arguments),
    /// Look whether the structure of a store is whole that no server uses.
    Check(check::Arguments),
    /// Check, show or explain the configuration.
    Config {
        #[command(subcommand)]
        verb: config::Verb,
    },
}

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No server answers.
    #[error("{0}")]
    Unreachable(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
    /// Whoever read standard output has read enough, as `head` does. That is no failure, and nobody is told.
    #[error("nobody reads the output any more")]
    ReaderGone,
}

impl CliError {
    /// It failed, for this reason.
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    const fn code(&self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed(_) => 1,
            Self::Config(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}

/// What every command knows.
#[derive(Debug)]
pub(crate) struct Context {
    file: Option<PathBuf>,
    environment: Environment,
}

impl Context {
    /// The configuration in effect.
    ///
    /// # Errors
    /// The first mistake in it.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        crate::config::load(self.file.as_deref(), &self.environment)
    }

    /// How this program was called, with what leads further commands to the same server.
    pub(crate) fn program(&self) -> String {
        let name = std::env::args().next().unwrap_or_else(|| "commonhold".to_owned());
        match &self.file {
            Some(file) => format!("{name} --config {}", file.display()),
            None => name,
        }
    }
}

/// Does what the command line asks.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Variables that are not UTF-8 are none of ours.
    let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let file = arguments.config.filter(|file| !file.as_os_str().is_empty());
    let context = Context { file, environment: environment.collect() };
    let result = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&context),
        Command::Demo(arguments) => demo::run(&arguments, &context),
        Command::Admin(arguments) => admin::run(arguments, &context),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Backup(arguments) => backup::run(arguments, &context),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Import { verb } => import::run(verb, &context),
        Command::Scrub(arguments) => scrub::run(arguments, &context),
        Command::Check(arguments) => check::run(&arguments, &context),
        Command::Config { verb } => config::run(verb, &context),
    };
    match result {
        Ok(()) | Err(CliError::ReaderGone) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("commonhold: {error}");
            ExitCode::from(error.code())
        }
    }
}
