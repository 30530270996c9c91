//! The program `commonhold`: configuration, composition, listeners, TLS, telemetry and the command line.
//!
//! [`cli`] reads what was asked. `serve` leads to [`serve`], which opens the [`store`], puts the services on it behind
//! [`listener`]s, and ends all of it in order. The administration commands talk to a running server over its socket
//! and share nothing else with it.

mod admin_socket;
mod banner;
mod cli;
mod config;
mod connection;
mod disk;
mod ldap;
mod listener;
mod mail;
mod master_key;
mod memory;
mod monitoring;
mod oidc;
mod portal;
mod process;
mod recipes;
mod routed;
mod s3;
mod serve;
mod store;
mod telemetry;
mod tls;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
