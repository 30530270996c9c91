//! `commonhold admin role`.

use ::admin::AdminClient;
use ::admin::role::{GrantRole, RenewRole, RevokeRole, RoleFilter, RoleView, Validity};
use clap::Subcommand;
use policy::Role;
use types::{TenancyName, Timestamp, UserName};

use super::CliError;
use super::term::{Until, now};
use crate::cli::output::{Output, Table};

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Grant a role.
    Grant {
        /// Where.
        tenancy: TenancyName,
        /// To whom.
        user: UserName,
        /// USER, DEPUTY or MANAGER.
        role: Role,
        /// Until when; for good without it.
        #[command(flatten)]
        until: Until,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        by: Option<UserName>,
    },
    /// Grant a role for longer.
    Renew {
        /// Where.
        tenancy: TenancyName,
        /// To whom.
        user: UserName,
        /// Which; the strongest one that the person has without it.
        role: Option<Role>,
        /// Until when; for good without it.
        #[command(flatten)]
        until: Until,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        by: Option<UserName>,
    },
    /// Take a role away, or all that the person has in the tenancy.
    Revoke {
        /// Where.
        tenancy: TenancyName,
        /// From whom.
        user: UserName,
        /// Which.
        role: Option<Role>,
        /// Why; the person reads it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        by: Option<UserName>,
    },
    /// Show every grant of a person in a tenancy.
    History {
        /// Where.
        tenancy: TenancyName,
        /// Whose.
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
        Verb::Grant { tenancy, user, role, until, reason, by } => {
            let grant = GrantRole { role, expires: until.moment(now()), user: by, reason };
            let granted = client.grant_role(&tenancy, &user, &grant).await?;
            output.print(&granted, |r| format!("{} is {} in {} now.", r.user, r.role, r.tenancy))
        }
        Verb::Renew { tenancy, user, role, until, by } => {
            let renew = RenewRole { role, expires: until.moment(now()), user: by };
            let renewed = client.renew_role(&tenancy, &user, &renew).await?;
            output
                .print(&renewed, |r| format!("{} is {} in {} until {}.", r.user, r.role, r.tenancy, expiry(r.expires)))
        }
        Verb::Revoke { tenancy, user, role, reason, by } => {
            let revoked = client.revoke_role(&tenancy, &user, &RevokeRole { role, reason, user: by }).await?;
            let roles: Vec<_> = revoked.items.iter().map(|r| r.role.name()).collect();
            let roles = roles.join(" and ");
            output.print(&revoked.items, |_| format!("{user} is {roles} in {tenancy} no more."))
        }
        Verb::History { tenancy, user } => output.print_list(client.role_history(&tenancy, &user).await?, history),
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

fn history(roles: &[RoleView]) -> Table {
    let mut table = Table::new(&["NUMBER", "ROLE", "GRANTED", "EXPIRES", "STATE", "BY", "REASON"]);
    for r in roles {
        let state = format!("{:?}", r.state).to_lowercase();
        let number = r.number.to_string();
        table.row([
            number,
            r.role.to_string(),
            r.granted.to_string(),
            expiry(r.expires),
            state,
            r.by.clone(),
            r.reason.clone(),
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
