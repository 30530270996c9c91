//! `commonhold admin key`.

use ::admin::AdminClient;
use ::admin::date::parse_date;
use ::admin::key::{CreateKey, CreatedKey, KeyFilter, KeyView};
use clap::Subcommand;
use policy::{IpNetwork, KeyAccess, KeyScope, KeyTarget};
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
        /// Let it read and list only.
        #[arg(long)]
        read_only: bool,
        /// Let it reach only this bucket, or the keys in it that begin with PREFIX. In the bucket's name * and ? stand for
        /// any characters and any one. May be given several times.
        #[arg(long, value_name = "BUCKET[/PREFIX]")]
        bucket: Vec<KeyTarget>,
        /// Let it be used only from this address or range, such as 192.0.2.0/24. May be given several times.
        #[arg(long, value_name = "ADDRESS[/BITS]")]
        source: Vec<IpNetwork>,
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
    /// Show a key, without its secret.
    Show {
        /// Its id.
        access_key: AccessKeyId,
    },
    /// Delete a key, and end the sessions that were made with it.
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
        Verb::Create { tenancy, user, description, expires, read_only, bucket, source, access_key, secret_stdin } => {
            let secret = if secret_stdin { Some(secret_from_stdin("secret")?) } else { None };
            let access = if read_only { KeyAccess::ReadOnly } else { KeyAccess::ReadWrite };
            let scope = KeyScope { access, targets: bucket, sources: source };
            let new = CreateKey { tenancy, user, description, expires, scope, access_key, secret };
            let CreatedKey { key, secret } = client.create_key(&new).await?;
            output.print(&KeyWithSecret { key: &key, secret_key: secret.expose() }, |made| {
                let mut table = Table::new(&[]);
                table.row(["Access key".to_owned(), made.key.access_key.to_string()]);
                table.row(["Secret key".to_owned(), made.secret_key.to_owned()]);
                if !made.key.scope.is_unbounded() {
                    table.row(["Narrowed to".to_owned(), narrowed(made.key)]);
                }
                format!("{table}\nThe secret is not shown again.")
            })
        }
        Verb::List { tenancy, user } => output.print_list(client.list_keys(&KeyFilter { tenancy, user }).await?, table),
        Verb::Show { access_key } => output.print(&client.key(&access_key).await?, details),
        Verb::Delete { access_key } => {
            output.print(&client.delete_key(&access_key).await?, |_| format!("Deleted key {access_key}."))
        }
    }
}

/// Keys in columns.
pub(super) fn table(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&[
        "ACCESS KEY",
        "TENANCY",
        "OWNER",
        "CREATED",
        "EXPIRES",
        "STATUS",
        "LAST USED",
        "NARROWED TO",
        "DESCRIPTION",
    ]);
    for k in keys {
        table.row([
            k.access_key.to_string(),
            k.tenancy.to_string(),
            k.owner.to_string(),
            k.created.to_string(),
            expiry(k.expires),
            validity(k.validity).to_owned(),
            k.last_use.as_ref().map_or_else(|| "never".to_owned(), |last_use| last_use.at.to_string()),
            narrowed(k),
            k.description.clone(),
        ]);
    }
    table
}

fn details(key: &KeyView) -> String {
    let mut table = Table::new(&[]);
    let last_use = key.last_use.as_ref().map_or_else(
        || "never".to_owned(),
        |last_use| format!("{}, {} from {}", last_use.at, last_use.operation, last_use.source),
    );
    for (name, value) in [
        ("Access key", key.access_key.to_string()),
        ("Tenancy", key.tenancy.to_string()),
        ("Owner", key.owner.to_string()),
        ("Description", key.description.clone()),
        ("Created", key.created.to_string()),
        ("Expires", expiry(key.expires)),
        ("Status", validity(key.validity).to_owned()),
        ("Narrowed to", narrowed(key)),
        ("Last used", last_use),
    ] {
        table.row([name.to_owned(), value]);
    }
    table.to_string()
}

fn narrowed(key: &KeyView) -> String {
    if key.scope.is_unbounded() { String::new() } else { key.scope.to_string() }
}
