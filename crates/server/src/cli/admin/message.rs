//! `commonhold admin message`.

use ::admin::AdminClient;
use ::admin::message::SendMessage;
use clap::Subcommand;
use policy::Role;
use types::{TenancyName, UserName};

use super::CliError;
use crate::cli::output::Output;

/// What can be done with messages.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Write to the members of a tenancy: to all, to those of a role, or to some.
    Send {
        /// To whose members.
        tenancy: TenancyName,
        /// One line.
        #[arg(long, value_name = "TEXT")]
        subject: String,
        /// The text.
        #[arg(long, value_name = "TEXT")]
        body: String,
        /// To those who hold this role.
        #[arg(long)]
        role: Option<Role>,
        /// To this person; may be given several times.
        #[arg(long, value_name = "USER", conflicts_with = "role")]
        to: Vec<UserName>,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        user: Option<UserName>,
        /// Let answers go to who writes.
        #[arg(long, requires = "user")]
        reply_to_sender: bool,
    },
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    let Verb::Send { tenancy, subject, body, role, to, user, reply_to_sender } = verb;
    let message = SendMessage { user, role, to, subject, body, reply_to_sender };
    let done = client.send_message(&tenancy, &message).await?;
    output.print(&done, |_| format!("The message to members of {tenancy} is on its way."))
}
