//! `commonhold admin key`.

use ::admin::AdminClient;
use ::admin::date::parse_date;
use ::admin::key::{CreateKey, CreatedKey, KeyFilter, KeyView};
use clap::Subcommand;
use serde::Serialize;
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

use super::CliError;
use super::role::{expiry, validity};
use crate::cli::input::secret_from_stdin;
use crate::cli::output::{Output, Table};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a key, or take over one that exists. Its secret is shown this once.
    Create {
        /// The tenancy that it is for.
        #[arg(long, value_name = "TENANCY")]
        tenancy: TenancyName,
        /// Whose it is; they need a role in the tenancy.
        #[arg(long, value_name = "USER")]
        user: UserName,
        /// What its owner calls it.
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// Until when it works, such as 2027-01-31; for good without it.
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        expires: Option<Timestamp>,
        /// The id of a key that exists: 3 to 128 of A-Za-z0-9 . _ -
        #[arg(long, value_name = "ID", requires = "secret_stdin")]
        access_key: Option<AccessKeyId>,
        /// Read the secret of the key that exists from standard input.
        #[arg(long, requires = "access_key")]
        secret_stdin: bool,
    },
    /// List the keys, without their secrets.
    List {
        /// Those for this tenancy.
        #[arg(long, value_name = "TENANCY")]
        tenancy: Option<TenancyName>,
        /// Those of this person.
        #[arg(long, value_name = "USER")]
        user: Option<UserName>,
    },
    /// Delete a key.
    Delete {
        /// Its id.
        access_key: AccessKeyId,
    },
}

/// A new key in JSON: flat, with the names that clients' configurations have.
#[derive(Serialize)]
struct KeyWithSecret<'a> {
    #[serde(flatten)]
    key: &'a KeyView,
    secret_key: &'a str,
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Create { tenancy, user, description, expires, access_key, secret_stdin } => {
            let secret = if secret_stdin { Some(secret_from_stdin("secret")?) } else { None };
            let new = CreateKey { tenancy, user, description, expires, access_key, secret };
            let CreatedKey { key, secret } = client.create_key(&new).await?;
            output.print(&KeyWithSecret { key: &key, secret_key: secret.expose() }, |made| {
                let mut table = Table::new(&[]);
                table.row(["Access key".to_owned(), made.key.access_key.to_string()]);
                table.row(["Secret key".to_owned(), made.secret_key.to_owned()]);
                format!("{table}\nThe secret is not shown again.")
            })
        }
        Verb::List { tenancy, user } => output.print_list(client.list_keys(&KeyFilter { tenancy, user }).await?, table),
        Verb::Delete { access_key } => {
            output.print(&client.delete_key(&access_key).await?, |_| format!("Deleted key {access_key}."))
        }
    }
}

/// Keys in columns.
pub(super) fn table(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&["ACCESS KEY", "TENANCY", "OWNER", "CREATED", "EXPIRES", "STATUS", "DESCRIPTION"]);
    for k in keys {
        table.row([
            k.access_key.to_string(),
            k.tenancy.to_string(),
            k.owner.to_string(),
            k.created.to_string(),
            expiry(k.expires),
            validity(k.validity).to_owned(),
            k.description.clone(),
        ]);
    }
    table
}
