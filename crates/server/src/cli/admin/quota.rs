//! `commonhold admin quota`.

use std::str::FromStr;

use ::admin::AdminClient;
use ::admin::date::parse_date;
use ::admin::quota::{OverrideQuota, QuotaView, SetQuota};
use ::admin::size::{SizeError, format_size, parse_size};
use clap::{Args, Subcommand};
use identity::QuotaScope;
use identity::quota::Limits;
use policy::QuotaState;
use types::{BucketName, TenancyName, Timestamp, UserName};

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with quotas.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the quotas of a tenancy and what is used of them.
    Show {
        /// Which tenancy.
        tenancy: TenancyName,
    },
    /// Set limits and action; what is not given stays.
    Set {
        #[command(flatten)]
        scope: Scope,
        /// How much there may be, such as 10TiB; "none" for no limit.
        #[arg(long, value_name = "SIZE")]
        bytes: Option<Bytes>,
        /// How many objects there may be, older versions counted; "none" for no limit.
        #[arg(long, value_name = "NUMBER")]
        objects: Option<Number>,
        /// From how much on it is told of.
        #[arg(long, value_name = "SIZE")]
        soft_bytes: Option<Bytes>,
        /// From how many objects on it is told of.
        #[arg(long, value_name = "NUMBER")]
        soft_objects: Option<Number>,
        /// What follows at the limit: notify, read-and-delete, read-only or lockout.
        #[arg(long)]
        action: Option<QuotaState>,
    },
    /// Let another action follow for a while.
    Override {
        #[command(flatten)]
        scope: Scope,
        /// Which: notify, read-and-delete, read-only or lockout.
        #[arg(long)]
        action: QuotaState,
        /// Until when.
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        until: Timestamp,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Take every limit and the override away.
    Clear {
        #[command(flatten)]
        scope: Scope,
    },
}

/// Whose quota.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    /// In which tenancy; its own without --bucket and --owner.
    tenancy: TenancyName,
    /// That of this bucket.
    #[arg(long, conflicts_with = "owner")]
    bucket: Option<BucketName>,
    /// That of this person, whichever bucket they write to.
    #[arg(long, value_name = "USER")]
    owner: Option<UserName>,
}

/// A size, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(Option<u64>);

impl FromStr for Bytes {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        if text == "none" { Ok(Self(None)) } else { parse_size(text).map(|bytes| Self(Some(bytes))) }
    }
}

/// A number, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(Option<u64>);

impl FromStr for Number {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|number| Self(Some(number))) }
    }
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    let (scope, set) = match verb {
        Verb::Show { tenancy } => return output.print_list(client.quotas(&tenancy).await?, table),
        Verb::Set { scope, bytes, objects, soft_bytes, soft_objects, action } => {
            let set = SetQuota {
                bytes: bytes.map(|limit| limit.0),
                objects: objects.map(|limit| limit.0),
                soft_bytes: soft_bytes.map(|limit| limit.0),
                soft_objects: soft_objects.map(|limit| limit.0),
                action,
                ..SetQuota::default()
            };
            (scope, set)
        }
        Verb::Override { scope, action, until, reason } => {
            let overridden = Some(Some(OverrideQuota { action, until, reason }));
            (scope, SetQuota { overridden, ..SetQuota::default() })
        }
        Verb::Clear { scope } => {
            let none = Some(None);
            let cleared =
                SetQuota { bytes: none, objects: none, soft_bytes: none, soft_objects: none, ..SetQuota::default() };
            (scope, SetQuota { overridden: Some(None), ..cleared })
        }
    };
    let Scope { tenancy, bucket, owner } = scope;
    let quota = client.set_quota(&tenancy, &SetQuota { bucket, owner, ..set }).await?;
    output.print(&quota, |quota| table(std::slice::from_ref(quota)).to_string())
}

fn table(quotas: &[QuotaView]) -> Table {
    let mut table = Table::new(&["QUOTA ON", "SIZE", "OBJECTS", "SOFT", "HARD", "ACTION", "REACHED"]);
    for quota in quotas {
        let scope = match &quota.scope {
            QuotaScope::Tenancy => "tenancy".to_owned(),
            QuotaScope::Bucket(bucket) => format!("bucket {bucket}"),
            QuotaScope::Owner(user) => format!("owner {user}"),
        };
        let until = quota.overridden.as_ref().filter(|_| quota.action_now != quota.action);
        let action = until.map_or_else(
            || quota.action.to_string(),
            |other| format!("{} until {}, then {}", other.action, other.until, quota.action),
        );
        let reached = match (quota.soft_reached, quota.hard_reached) {
            (_, true) => "hard",
            (true, false) => "soft",
            (false, false) => "no",
        };
        let (size, objects) = (format_size(quota.bytes), quota.objects.to_string());
        table.row([scope, size, objects, limits(quota.soft), limits(quota.hard), action, reached.to_owned()]);
    }
    table
}

fn limits(limits: Limits) -> String {
    let bytes = limits.bytes.map(format_size);
    let objects = limits.objects.map(|objects| format!("{objects} objects"));
    let both: Vec<String> = bytes.into_iter().chain(objects).collect();
    if both.is_empty() { "none".to_owned() } else { both.join(", ") }
}
