//! `commonhold admin usage`.

use ::admin::AdminClient;
use ::admin::size::format_size;
use ::admin::usage::{TenancyUsage, UsageReport};
use clap::Args;
use types::TenancyName;

use super::CliError;
use super::tenancy::quota;
use crate::cli::output::{Output, Table};

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// One tenancy in detail; all of them without it.
    tenancy: Option<TenancyName>,
}

/// Shows it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(arguments: &Arguments, client: &AdminClient, output: Output) -> Result<(), CliError> {
    output.print(&client.usage(arguments.tenancy.as_ref()).await?, |report| match &arguments.tenancy {
        Some(_) => report.tenancies.iter().map(details).collect(),
        None => totals(report).to_string(),
    })
}

fn totals(report: &UsageReport) -> Table {
    let mut table = Table::new(&["TENANCY", "OBJECTS", "BYTES", "SIZE", "QUOTA"]);
    for t in &report.tenancies {
        let size = format_size(t.bytes);
        table.row([t.tenancy.to_string(), t.objects.to_string(), t.bytes.to_string(), size, quota(t.quota_bytes)]);
    }
    table
}

fn details(t: &TenancyUsage) -> String {
    let mut summary = Table::new(&[]);
    summary.row(["Tenancy".to_owned(), t.tenancy.to_string()]);
    summary.row(["Objects".to_owned(), t.objects.to_string()]);
    summary.row(["Size".to_owned(), format!("{} ({} bytes)", format_size(t.bytes), t.bytes)]);
    summary.row(["Quota".to_owned(), quota(t.quota_bytes)]);
    let mut buckets = Table::new(&["BUCKET", "OWNER", "OBJECTS", "BYTES", "SIZE"]);
    for b in &t.buckets {
        let (name, owner, size) = (b.bucket.to_string(), b.owner.to_string(), format_size(b.bytes));
        buckets.row([name, owner, b.objects.to_string(), b.bytes.to_string(), size]);
    }
    let mut users = Table::new(&["USER", "OBJECTS", "BYTES", "SIZE"]);
    for u in &t.users {
        users.row([u.user.to_string(), u.objects.to_string(), u.bytes.to_string(), format_size(u.bytes)]);
    }
    format!("{summary}\n\n{buckets}\n\n{users}")
}
