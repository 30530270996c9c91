//! `commonhold admin user`.

use ::admin::AdminClient;
use ::admin::user::{CreateUser, UserDetail, UserView};
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
    format!("{table}\n\n{}\n\n{}", role::table(&detail.roles), key::table(&detail.keys))
}

const fn status(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "active",
        UserStatus::Disabled => "disabled",
    }
}
