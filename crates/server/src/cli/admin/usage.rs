//! `commonhold admin usage`: what is used now, and with `--by` the history.

use ::admin::AdminClient;
use ::admin::size::format_size;
use ::admin::usage::{HistoryFilter, HistoryOf, TenancyUsage, UsageReport};
use clap::{Args, ValueEnum};
use metering::{Day, History, Period, Stored};
use types::{BucketName, TenancyName, UserName};

use super::CliError;
use super::tenancy::quota;
use crate::cli::output::{Output, Table, print_line};

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// One tenancy in detail; all of them without it.
    tenancy: Option<TenancyName>,
    /// The history of the tenancy: storage, traffic and requests.
    #[arg(long, value_enum, requires = "tenancy")]
    by: Option<By>,
    /// The history of each bucket or of each person instead of the tenancy's.
    #[arg(long, value_enum, requires = "by")]
    each: Option<Each>,
    /// The history of one bucket.
    #[arg(long, requires = "by", conflicts_with_all = ["each", "owner"])]
    bucket: Option<BucketName>,
    /// The history of one person: what is stored of theirs, and the requests that they made.
    #[arg(long, value_name = "USER", requires = "by", conflicts_with = "each")]
    owner: Option<UserName>,
    /// The first day, as 2026-11-29. Default: 30 days ago.
    #[arg(long, value_name = "DAY", requires = "by")]
    from: Option<Day>,
    /// The last day. Default: today.
    #[arg(long, value_name = "DAY", requires = "by")]
    to: Option<Day>,
    /// The history as comma-separated values.
    #[arg(long, requires = "by")]
    csv: bool,
}

/// How a history is cut.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// By days.
    Day,
    /// By months.
    Month,
}

/// What has a history of its own.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Each {
    /// Buckets.
    Bucket,
    /// People.
    Owner,
}

/// Shows it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(arguments: &Arguments, client: &AdminClient, output: Output) -> Result<(), CliError> {
    if let (Some(tenancy), Some(by)) = (&arguments.tenancy, arguments.by) {
        let asked = client.usage_history(&filter(arguments, tenancy, by)).await?;
        return history(&asked, arguments.csv, output);
    }
    output.print(&client.usage(arguments.tenancy.as_ref()).await?, |report| match &arguments.tenancy {
        Some(_) => report.tenancies.iter().map(details).collect(),
        None => totals(report).to_string(),
    })
}

fn filter(arguments: &Arguments, tenancy: &TenancyName, by: By) -> HistoryFilter {
    HistoryFilter {
        tenancy: tenancy.clone(),
        of: match arguments.each {
            None => HistoryOf::Tenancy,
            Some(Each::Bucket) => HistoryOf::Buckets,
            Some(Each::Owner) => HistoryOf::Owners,
        },
        bucket: arguments.bucket.clone(),
        owner: arguments.owner.clone(),
        by: match by {
            By::Day => Period::Day,
            By::Month => Period::Month,
        },
        from: arguments.from.clone(),
        to: arguments.to.clone(),
    }
}

fn history(history: &History, csv: bool, output: Output) -> Result<(), CliError> {
    if csv {
        print_line(history.to_csv().trim_end())?;
    } else {
        output.print(history, |history| table(history).to_string())?;
    }
    if history.truncated {
        eprintln!("commonhold: there is more than these {} rows: ask for less time", history.rows.len());
    }
    Ok(())
}

fn table(history: &History) -> Table {
    let mut table = Table::new(&["PERIOD", "BUCKET", "OWNER", "STORED", "OBJECTS", "RECEIVED", "SENT", "REQUESTS"]);
    for row in &history.rows {
        let unknown = || "-".to_owned();
        table.row([
            row.period.clone(),
            row.bucket.as_ref().map_or_else(unknown, BucketName::to_string),
            row.owner.as_ref().map_or_else(unknown, UserName::to_string),
            row.stored.map_or_else(unknown, |stored| format_size(stored.bytes)),
            row.stored.map_or_else(unknown, |stored| stored.objects.to_string()),
            format_size(row.traffic.received_bytes),
            format_size(row.traffic.sent_bytes),
            row.traffic.requests.total().to_string(),
        ]);
    }
    table
}

fn totals(report: &UsageReport) -> Table {
    let mut table = Table::new(&["TENANCY", "OBJECTS", "BYTES", "SIZE", "QUOTA"]);
    for t in &report.tenancies {
        let Stored { bytes, objects, .. } = t.stored;
        let (name, size) = (t.tenancy.to_string(), format_size(bytes));
        table.row([name, objects.to_string(), bytes.to_string(), size, quota(t.quota_bytes)]);
    }
    table
}

fn details(t: &TenancyUsage) -> String {
    let Stored { bytes, objects, older_bytes, older_objects, parts_bytes, parts } = t.stored;
    let part = |bytes, count| format!("{} in {count}", format_size(bytes));
    let mut summary = Table::new(&[]);
    summary.row(["Tenancy".to_owned(), t.tenancy.to_string()]);
    summary.row(["Objects".to_owned(), objects.to_string()]);
    summary.row(["Size".to_owned(), format!("{} ({bytes} bytes)", format_size(bytes))]);
    summary.row(["of it older versions".to_owned(), part(older_bytes, older_objects)]);
    summary.row(["of it parts of uploads".to_owned(), part(parts_bytes, parts)]);
    summary.row(["Quota".to_owned(), quota(t.quota_bytes)]);
    let mut buckets = Table::new(&["BUCKET", "OWNER", "OBJECTS", "BYTES", "SIZE", "OLDER", "PARTS"]);
    for b in &t.buckets {
        buckets.row(row([b.bucket.to_string(), b.owner.to_string()], b.stored));
    }
    let mut users = Table::new(&["USER", "OBJECTS", "BYTES", "SIZE", "OLDER", "PARTS"]);
    for u in &t.users {
        users.row(row([u.user.to_string()], u.stored));
    }
    format!("{summary}\n\n{buckets}\n\n{users}")
}

/// The cells of something: its names, then what is stored of it.
fn row<const NAMES: usize>(names: [String; NAMES], stored: Stored) -> Vec<String> {
    let Stored { bytes, objects, older_bytes, parts_bytes, .. } = stored;
    let numbers = [objects.to_string(), bytes.to_string()];
    let sizes = [bytes, older_bytes, parts_bytes].map(format_size);
    names.into_iter().chain(numbers).chain(sizes).collect()
}
