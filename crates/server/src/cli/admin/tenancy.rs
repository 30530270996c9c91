//! `commonhold admin tenancy`.

use std::str::FromStr;

use ::admin::AdminClient;
use ::admin::date::{DateError, parse_date};
use ::admin::size::{SizeError, format_size, parse_size};
use ::admin::tenancy::{CreateTenancy, SetTenancy, TenancyView};
use clap::{Args, Subcommand};
use identity::{Joining, Visibility};
use policy::DefaultPolicy;
use types::{TenancyName, Timestamp, UserName};

use super::CliError;
use crate::cli::output::{Output, Table, waiting};

/// What can be done with tenancies.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a tenancy.
    Create {
        /// Its name: lower-case letters, digits and '-'.
        name: TenancyName,
        /// Who is its first MANAGER.
        #[arg(long, value_name = "USER")]
        manager: Option<UserName>,
        #[command(flatten)]
        properties: Properties,
    },
    /// List the tenancies.
    List,
    /// Show one.
    Show {
        /// Which.
        name: TenancyName,
    },
    /// Change one; what is not given stays.
    Set {
        /// Which.
        name: TenancyName,
        #[command(flatten)]
        properties: Properties,
    },
    /// Delete one that holds no buckets, with its roles and keys.
    Delete {
        /// Which.
        name: TenancyName,
    },
}

/// What a tenancy has beside its name.
#[derive(Debug, Args)]
pub(crate) struct Properties {
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How much it may hold, such as 10TiB; "none" for no limit.
    #[arg(long, value_name = "SIZE")]
    quota: Option<Quota>,
    /// What members may do with buckets of others: "owner" nothing, "members" everything.
    #[arg(long, value_name = "owner|members")]
    default_policy: Option<DefaultPolicy>,
    /// A further host name that serves it; may be given several times, and replaces those from before.
    #[arg(long = "endpoint", value_name = "HOST")]
    endpoints: Vec<String>,
    /// What it is for, in one line.
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// The project that it belongs to.
    #[arg(long, value_name = "TEXT")]
    project: Option<String>,
    /// When it ends, such as 2027-01-31: from then on only its managers reach it; "never" for no end.
    #[arg(long, value_name = "DATE")]
    ends: Option<Ends>,
    /// "listed", or "hidden" from people who hold no role in it.
    #[arg(long, value_name = "listed|hidden")]
    visibility: Option<Visibility>,
    /// What becomes of a request for a role: "decided" by someone, "automatic" for a USER, or "closed".
    #[arg(long, value_name = "decided|automatic|closed")]
    joining: Option<Joining>,
}

/// A date, or never.
#[derive(Clone, Copy, Debug)]
struct Ends(Option<Timestamp>);

impl FromStr for Ends {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        if text == "never" { Ok(Self(None)) } else { parse_date(text).map(|date| Self(Some(date))) }
    }
}

/// A size, or none.
#[derive(Clone, Copy, Debug)]
struct Quota(Option<u64>);

impl FromStr for Quota {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        if text == "none" { Ok(Self(None)) } else { parse_size(text).map(|bytes| Self(Some(bytes))) }
    }
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Create { name, manager, properties } => {
            let new = CreateTenancy {
                name,
                description: properties.description.unwrap_or_default(),
                quota_bytes: properties.quota.and_then(|quota| quota.0),
                default_policy: properties.default_policy.unwrap_or_default(),
                endpoints: properties.endpoints,
                summary: properties.summary.unwrap_or_default(),
                project: properties.project.unwrap_or_default(),
                ends: properties.ends.and_then(|ends| ends.0),
                visibility: properties.visibility.unwrap_or_default(),
                joining: properties.joining.unwrap_or_default(),
                manager,
            };
            let tenancy = client.create_tenancy(&new).await?;
            output.print(&tenancy, |t| format!("Made tenancy {}.", t.name))
        }
        Verb::List => output.print_list(client.list_tenancies().await?, table),
        Verb::Show { name } => output.print(&client.show_tenancy(&name).await?, details),
        Verb::Set { name, properties } => {
            let set = SetTenancy {
                description: properties.description,
                quota_bytes: properties.quota.map(|quota| quota.0),
                default_policy: properties.default_policy,
                endpoints: Some(properties.endpoints).filter(|endpoints| !endpoints.is_empty()),
                summary: properties.summary,
                project: properties.project,
                ends: properties.ends.map(|ends| ends.0.map_or_else(String::new, |date| date.to_string())),
                visibility: properties.visibility,
                joining: properties.joining,
            };
            output.print(&client.set_tenancy(&name, &set).await?, details)
        }
        Verb::Delete { name } => {
            let done = waiting("Deleting the tenancy", client.delete_tenancy(&name)).await?;
            output.print(&done, |_| format!("Deleted tenancy {name}."))
        }
    }
}

fn table(tenancies: &[TenancyView]) -> Table {
    let mut table = Table::new(&["NAME", "QUOTA", "DEFAULT POLICY", "CREATED", "DESCRIPTION"]);
    for t in tenancies {
        table.row([
            t.name.to_string(),
            quota(t.quota_bytes),
            t.default_policy.name().to_owned(),
            t.created.to_string(),
            t.description.clone(),
        ]);
    }
    table
}

fn details(t: &TenancyView) -> String {
    let mut table = Table::new(&[]);
    table.row(["Name".to_owned(), t.name.to_string()]);
    table.row(["Description".to_owned(), t.description.clone()]);
    table.row(["Quota".to_owned(), quota(t.quota_bytes)]);
    table.row(["Default policy".to_owned(), t.default_policy.name().to_owned()]);
    table.row(["Endpoints".to_owned(), t.endpoints.join(", ")]);
    table.row(["Created".to_owned(), t.created.to_string()]);
    table.row(["Summary".to_owned(), t.summary.clone()]);
    table.row(["Project".to_owned(), t.project.clone()]);
    table.row(["Ends".to_owned(), t.ends.map_or_else(|| "never".to_owned(), |ends| ends.to_string())]);
    table.row(["Visibility".to_owned(), t.visibility.to_string()]);
    table.row(["Joining".to_owned(), t.joining.to_string()]);
    table.to_string()
}

/// A quota in words.
pub(super) fn quota(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "none".to_owned(), format_size)
}
