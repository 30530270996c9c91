//! `commonhold admin audit`.

use ::admin::AdminClient;
use ::admin::audit::{AuditPage, AuditQuery};
use ::admin::date::parse_date;
use audit::query::PAGE_ENTRIES;
use audit::{Actor, Entry, Hash, Line, Order, Outcome, Pattern, Verified};
use clap::{Args, Subcommand};
use types::{TenancyName, Timestamp};

use super::CliError;
use crate::cli::output::{Output, Table, print_line};

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show entries, the newest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: usize,
    },
    /// Print entries as JSON lines, the oldest first, with the hashes that chain them.
    Export {
        #[command(flatten)]
        filter: Filter,
    },
    /// Prove that no entry was changed, removed or put in between.
    Verify {
        /// An entry that was noted elsewhere, number and hash: it must still be there as it was.
        #[arg(long, value_name = "NUMBER:HASH", value_parser = parse_noted)]
        noted: Option<(u64, Hash)>,
    },
}

/// Which entries are wanted.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// About this tenancy.
    #[arg(long)]
    tenancy: Option<TenancyName>,
    /// By this person, or by `operator`, `anonymous`, or `job:NAME`.
    #[arg(long)]
    actor: Option<Actor>,
    /// Of this action, such as role.grant; `role.*` for all that begin so.
    #[arg(long)]
    action: Option<Pattern>,
    /// To this target; with a `*` at the end, to all that begin so.
    #[arg(long)]
    target: Option<Pattern>,
    /// That ended so: done, refused, failed or unknown.
    #[arg(long)]
    outcome: Option<Outcome>,
    /// Not before this moment, such as 2027-01-31 or 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    to: Option<Timestamp>,
}

impl Filter {
    fn query(self, order: Order) -> AuditQuery {
        let Self { tenancy, actor, action, target, outcome, from, to } = self;
        AuditQuery { tenancy, actor, action, target, outcome, from, to, order, after: None, limit: None }
    }
}

fn parse_noted(text: &str) -> Result<(u64, Hash), String> {
    let (sequence, hash) = text.split_once(':').ok_or("write the number, a colon, and the hash")?;
    let sequence = sequence.parse().map_err(|_| format!("{sequence:?} is no number"))?;
    Ok((sequence, hash.parse()?))
}

/// Does it.
///
/// # Errors
/// The server's, and where the chain does not hold.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::List { filter, limit } => {
            let lines = newest(client, filter.query(Order::Newest), limit).await?;
            output.print(&lines, |lines| table(lines).to_string())
        }
        Verb::Export { filter } => export(client, filter.query(Order::Oldest)).await,
        Verb::Verify { noted } => verify(client.verify_audit(noted).await?, output),
    }
}

async fn newest(client: &AdminClient, mut query: AuditQuery, limit: usize) -> Result<Vec<Line>, CliError> {
    let mut lines = Vec::new();
    while lines.len() < limit {
        query.limit = Some((limit - lines.len()).min(PAGE_ENTRIES));
        let AuditPage { entries, next } = client.audit_page(&query).await?;
        lines.extend(entries);
        query.after = next;
        if next.is_none() {
            break;
        }
    }
    Ok(lines)
}

async fn export(client: &AdminClient, mut query: AuditQuery) -> Result<(), CliError> {
    query.limit = Some(PAGE_ENTRIES);
    loop {
        let AuditPage { entries, next } = client.audit_page(&query).await?;
        for line in entries {
            print_line(&line.to_json())?;
        }
        query.after = next;
        if next.is_none() {
            return Ok(());
        }
    }
}

fn verify(verified: Verified, output: Output) -> Result<(), CliError> {
    output.print(&verified, words)?;
    match verified.fault_count {
        0 => Ok(()),
        1 => Err(CliError::failed("the audit log has a fault")),
        faults => Err(CliError::failed(format!("the audit log has {faults} faults"))),
    }
}

fn words(verified: &Verified) -> String {
    let Verified { first, last, head, entries, faults, fault_count, .. } = verified;
    if *fault_count == 0 {
        let whole = format!("{entries} entries, {first} to {last}, follow one another as they were written.");
        let note = format!("The last one is {last}:{head}\nNote it elsewhere, and give it to a later --noted.");
        return if *entries == 0 { "The audit log is empty.".to_owned() } else { format!("{whole}\n{note}") };
    }
    let unlisted = *fault_count as usize - faults.len();
    let more = if unlisted > 0 { format!("\nand {unlisted} more") } else { String::new() };
    format!("{}{more}", faults.join("\n"))
}

fn table(lines: &[Line]) -> Table {
    let mut table = Table::new(&["NUMBER", "WHEN", "WHO", "FROM", "WHAT", "TENANCY", "TARGET", "OUTCOME", "FACTS"]);
    for Line { entry, .. } in lines {
        let facts: Vec<_> = entry.facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
        let outcome = if entry.error.is_empty() {
            entry.outcome.to_string()
        } else {
            format!("{} {}", entry.outcome, entry.error)
        };
        table.row([
            entry.sequence.to_string(),
            entry.at.to_string(),
            entry.actor.to_string(),
            source(entry),
            entry.action.clone(),
            entry.tenancy.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.target.clone(),
            outcome,
            facts.join(" "),
        ]);
    }
    table
}

/// From where, in words: the address and the key, or the user of the machine.
fn source(entry: &Entry) -> String {
    let address = entry.address.map(|address| address.to_string());
    let key = entry.key.as_ref().map(ToString::to_string);
    let uid = entry.uid.map(|uid| format!("socket uid {uid}"));
    let parts: Vec<String> = [address, key, uid].into_iter().flatten().collect();
    if parts.is_empty() { entry.via.to_string() } else { parts.join(" ") }
}
