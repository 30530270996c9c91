//! `commonhold admin session`.

use ::admin::AdminClient;
use clap::Subcommand;
use types::UserName;

use super::CliError;
use crate::cli::output::Output;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// End all sessions (temporary credentials) that a person has so far. Their keys go on working and can make new
    /// ones; deleting a key ends those that were made with it.
    Revoke {
        /// Whose.
        user: UserName,
    },
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Revoke { user } => output.print(&client.end_sessions(&user).await?, |ended| {
            format!("Ended the sessions of {} that were made up to {}.", ended.user, ended.until)
        }),
    }
}
