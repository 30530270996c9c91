//! `commonhold admin user`.

use ::admin::AdminClient;
use ::admin::user::{CreateUser, SetEmail, SetPassword, SuspendUser, UserDetail, UserView};
use clap::Subcommand;
use identity::UserStatus;
use types::UserName;

use super::{CliError, key, role};
use crate::cli::input::secret_from_stdin;
use crate::cli::output::{Output, Table};

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a person known.
    Create {
        /// Their login name.
        name: UserName,
        /// Where mail reaches them.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Read their password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the people.
    List,
    /// Show one, with roles and keys.
    Show {
        /// Who.
        name: UserName,
    },
    /// Let neither password nor keys of theirs work any more. Roles, keys and buckets stay.
    Disable {
        /// Who.
        name: UserName,
    },
    /// Let them work again.
    Enable {
        /// Who.
        name: UserName,
    },
    /// Let nothing of theirs work, in any tenancy, until they are reactivated.
    Suspend {
        /// Who.
        name: UserName,
        /// Why; they read it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lift a suspension. Roles that expired meanwhile are granted for 30 days.
    Reactivate {
        /// Who.
        name: UserName,
    },
    /// Set their password, read from standard input.
    SetPassword {
        /// Whose.
        name: UserName,
    },
    /// Set where mail reaches them.
    SetEmail {
        /// Whom.
        name: UserName,
        /// The address; nowhere without it.
        email: Option<String>,
    },
    /// Delete one, with roles and keys. Buckets and objects stay.
    Delete {
        /// Who.
        name: UserName,
    },
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Create { name, email, password_stdin } => {
            let password = if password_stdin { Some(secret_from_stdin("password")?) } else { None };
            let user = client.create_user(&CreateUser { name, email, password }).await?;
            output
                .print(&user, |u| format!("Made user {0}. Next: commonhold admin role grant TENANCY {0} USER", u.name))
        }
        Verb::List => output.print_list(client.list_users().await?, table),
        Verb::Show { name } => output.print(&client.show_user(&name).await?, details),
        Verb::Disable { name } => {
            output.print(&client.disable_user(&name).await?, |u| format!("Disabled user {}.", u.name))
        }
        Verb::Enable { name } => {
            output.print(&client.enable_user(&name).await?, |u| format!("Enabled user {}.", u.name))
        }
        Verb::Suspend { name, reason } => {
            let suspended = client.suspend_user(&name, &SuspendUser { reason }).await?;
            output.print(&suspended, |s| format!("Suspended user {}: nothing of theirs works.", s.user))
        }
        Verb::Reactivate { name } => {
            output.print(&client.reactivate_user(&name).await?, |_| format!("User {name} is active again."))
        }
        Verb::SetPassword { name } => {
            let set = SetPassword { password: secret_from_stdin("password")? };
            output.print(&client.set_password(&name, &set).await?, |u| format!("User {} has a new password.", u.name))
        }
        Verb::SetEmail { name, email } => {
            let changed = client.set_email(&name, &SetEmail { email }).await?;
            output.print(&changed, |u| match &u.email {
                Some(email) => format!("Mail reaches {} at {email}.", u.name),
                None => format!("Mail does not reach {}.", u.name),
            })
        }
        Verb::Delete { name } => output.print(&client.delete_user(&name).await?, |_| format!("Deleted user {name}.")),
    }
}

fn table(users: &[UserView]) -> Table {
    let mut table = Table::new(&["NAME", "STATUS", "CREATED", "EMAIL"]);
    for u in users {
        let email = u.email.clone().unwrap_or_default();
        table.row([u.name.to_string(), status(u.status).to_owned(), u.created.to_string(), email]);
    }
    table
}

fn details(detail: &UserDetail) -> String {
    let user = &detail.user;
    let mut table = Table::new(&[]);
    table.row(["Name".to_owned(), user.name.to_string()]);
    table.row(["Email".to_owned(), user.email.clone().unwrap_or_default()]);
    table.row(["Status".to_owned(), status(user.status).to_owned()]);
    table.row(["Created".to_owned(), user.created.to_string()]);
    if let Some(s) = &detail.suspension {
        table.row(["Suspended".to_owned(), format!("since {} by {}: {}", s.at, s.by, s.reason)]);
    }
    format!("{table}\n\n{}\n\n{}", role::table(&detail.roles), key::table(&detail.keys))
}

const fn status(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "active",
        UserStatus::Disabled => "disabled",
    }
}
