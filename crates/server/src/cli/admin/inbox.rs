//! `commonhold admin inbox`.

use ::admin::AdminClient;
use ::admin::inbox::{EntryView, InboxView};
use clap::Subcommand;
use identity::EventId;
use notify::MailPreference;
use types::UserName;

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with inboxes.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List what a person was told, or without one the operators, the newest first.
    List {
        /// The person.
        user: Option<UserName>,
    },
    /// Show an entry, and mark it as read.
    Read {
        /// Its id, from the list.
        id: EventId,
        /// Whose inbox it is in; without it, the operators'.
        #[arg(long)]
        user: Option<UserName>,
    },
    /// Delete an entry.
    Delete {
        /// Its id, from the list.
        id: EventId,
        /// Whose inbox it is in; without it, the operators'.
        #[arg(long)]
        user: Option<UserName>,
    },
    /// Say how a person wants mail, or without one the operators.
    Preferences {
        /// The person.
        user: Option<UserName>,
        /// As things happen (immediate), once a day (daily), or never (off).
        #[arg(long, value_name = "immediate|daily|off")]
        mail: MailPreference,
    },
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::List { user } => output.print(&client.inbox(user.as_ref()).await?, list),
        Verb::Read { id, user } => output.print(&client.read_inbox_entry(user.as_ref(), &id).await?, words),
        Verb::Delete { id, user } => {
            let done = client.delete_inbox_entry(user.as_ref(), &id).await?;
            output.print(&done, |_| format!("{id} is gone."))
        }
        Verb::Preferences { user, mail } => {
            let done = client.set_mail_preference(user.as_ref(), mail).await?;
            output.print(&done, |_| "It holds from now on.".to_owned())
        }
    }
}

fn list(inbox: &InboxView) -> String {
    let mut table = Table::new(&["ID", "WHEN", "READ", "SUBJECT"]);
    for entry in &inbox.entries {
        let read = if entry.read.is_some() { "yes" } else { "no" };
        table.row([entry.id.to_string(), entry.at.to_string(), read.to_owned(), entry.subject.clone()]);
    }
    format!("{table}\n{} unread", inbox.unread)
}

fn words(entry: &EntryView) -> String {
    // What somebody wrote must not rewrite the terminal.
    let body: String = entry.body.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    format!("{}\n{}\n\n{body}", entry.at, entry.subject)
}
