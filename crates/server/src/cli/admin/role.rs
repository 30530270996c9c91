//! `commonhold admin role`.

use ::admin::AdminClient;
use ::admin::date::parse_date;
use ::admin::role::{GrantRole, RoleFilter, RoleView, Validity};
use clap::Subcommand;
use policy::Role;
use types::{TenancyName, Timestamp, UserName};

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Grant a role, in place of the one that the person has in the tenancy.
    Grant {
        /// Where.
        tenancy: TenancyName,
        /// To whom.
        user: UserName,
        /// USER, DEPUTY or MANAGER.
        role: Role,
        /// Until when, such as 2027-01-31; for good without it.
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        expires: Option<Timestamp>,
    },
    /// Take a role away.
    Revoke {
        /// Where.
        tenancy: TenancyName,
        /// From whom.
        user: UserName,
    },
    /// List the roles, in all or in one tenancy.
    List {
        /// Those in this tenancy.
        tenancy: Option<TenancyName>,
        /// Those of this person.
        #[arg(long, value_name = "USER")]
        user: Option<UserName>,
    },
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Grant { tenancy, user, role, expires } => {
            let granted = client.grant_role(&tenancy, &user, &GrantRole { role, expires }).await?;
            output.print(&granted, |r| format!("{} is {} in {} now.", r.user, r.role, r.tenancy))
        }
        Verb::Revoke { tenancy, user } => {
            let done = client.revoke_role(&tenancy, &user).await?;
            output.print(&done, |_| format!("{user} has no role in {tenancy} any more."))
        }
        Verb::List { tenancy, user } => {
            output.print_list(client.list_roles(&RoleFilter { tenancy, user }).await?, table)
        }
    }
}

/// Roles in columns.
pub(super) fn table(roles: &[RoleView]) -> Table {
    let mut table = Table::new(&["TENANCY", "USER", "ROLE", "GRANTED", "EXPIRES", "STATUS"]);
    for r in roles {
        table.row([
            r.tenancy.to_string(),
            r.user.to_string(),
            r.role.to_string(),
            r.granted.to_string(),
            expiry(r.expires),
            validity(r.validity).to_owned(),
        ]);
    }
    table
}

/// An expiry in words.
pub(super) fn expiry(expires: Option<Timestamp>) -> String {
    expires.map_or_else(|| "never".to_owned(), |expires| expires.to_string())
}

/// Whether something counts, in words.
pub(super) const fn validity(validity: Validity) -> &'static str {
    match validity {
        Validity::Active => "active",
        Validity::Expired => "expired",
    }
}
