//! `commonhold admin mail`.

use ::admin::AdminClient;
use ::admin::mail::MailView;
use clap::Subcommand;
use notify::MailState;

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with mail.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the mails that wait, and those that could not be sent.
    Queue,
    /// Try all of them again now.
    Retry,
    /// Send a mail that says that mail works.
    Test {
        /// To this address.
        address: String,
    },
}

/// Does it.
///
/// # Errors
/// The server's, and what the mail server says.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Queue => output.print_list(client.mails().await?, table),
        Verb::Retry => {
            output.print(&client.retry_mails().await?, |retried| format!("{} mails are tried now.", retried.mails))
        }
        Verb::Test { address } => {
            let done = client.test_mail(&address).await?;
            output.print(&done, |_| format!("The mail server took a mail to {address}."))
        }
    }
}

fn table(mails: &[MailView]) -> Table {
    let mut table = Table::new(&["TO", "STATE", "SINCE", "DUE", "TRIED", "SUBJECT", "LAST ERROR"]);
    for mail in mails {
        let state = match mail.state {
            MailState::Queued => "queued",
            MailState::Dead => "dead",
        };
        table.row([
            mail.to.clone(),
            state.to_owned(),
            mail.created.to_string(),
            mail.due.to_string(),
            mail.attempts.to_string(),
            mail.subject.clone(),
            mail.last_error.clone(),
        ]);
    }
    table
}
