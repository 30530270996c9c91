//! `commonhold admin directory`.

use ::admin::AdminClient;
use ::admin::directory::{CheckDirectory, FoundInDirectory, RepairGroups, SearchDirectory};
use clap::Subcommand;
use identity::directory::CheckStep;
use identity::write_through::{GroupDrift, Reconciled, Removals};
use types::UserName;

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with the directory of people.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Try step by step whether the directory can be reached and asked, and say which step fails.
    Check {
        /// Look this person up too, with their groups.
        user: Option<UserName>,
    },
    /// Find people and groups by what their names begin with.
    Search {
        /// What a login name, a name in full, an e-mail address or a group's name begins with.
        prefix: String,
    },
    /// Show how the directory's groups of tenancies differ from the roles.
    Drift,
    /// Make the directory's groups of tenancies follow from the roles now.
    Repair {
        /// Also where so many members have to go that it is rather a fault.
        #[arg(long)]
        all: bool,
    },
}

/// Does it.
///
/// # Errors
/// The server's; for a check, that a step failed.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Check { user } => {
            let steps = client.check_directory(&CheckDirectory { user }).await?;
            let failed = steps.items.iter().filter(|step| !step.works).count();
            output.print_list(steps, check_table)?;
            match failed {
                0 => Ok(()),
                failed => Err(CliError::Failed(format!("{failed} step(s) failed"))),
            }
        }
        Verb::Search { prefix } => {
            output.print(&client.search_directory(&SearchDirectory { prefix }).await?, found_words)
        }
        Verb::Drift => output.print_list(client.directory_drift().await?, drift_table),
        Verb::Repair { all } => {
            let removals = if all { Removals::All } else { Removals::Bounded };
            output.print(&client.repair_directory(&RepairGroups { removals }).await?, repair_words)
        }
    }
}

fn check_table(steps: &[CheckStep]) -> Table {
    let mut table = Table::new(&["STEP", "", "WHAT WAS SEEN"]);
    for s in steps {
        let works = if s.works { "ok" } else { "FAILS" };
        table.row([s.step.clone(), works.to_owned(), s.detail.clone()]);
    }
    table
}

fn found_words(found: &FoundInDirectory) -> String {
    let mut table = Table::new(&["KIND", "NAME", "FULL NAME", "EMAIL"]);
    for user in &found.people {
        let full_name = user.full_name.clone().unwrap_or_default();
        table.row(["person".to_owned(), user.name.to_string(), full_name, user.email.clone().unwrap_or_default()]);
    }
    for group in &found.groups {
        table.row(["group".to_owned(), group.clone(), String::new(), String::new()]);
    }
    table.to_string()
}

fn drift_table(drift: &[GroupDrift]) -> Table {
    let mut table = Table::new(&["GROUP", "MISSING", "TOO MANY", "NOT IN THE DIRECTORY", "PROBLEM"]);
    for d in drift {
        let names = |users: &[UserName]| users.iter().map(UserName::as_str).collect::<Vec<_>>().join(" ");
        table.row([d.group.clone(), names(&d.missing), d.extra.join(" "), names(&d.unknown), d.problem.clone()]);
    }
    table
}

fn repair_words(done: &Reconciled) -> String {
    let Reconciled { created, added, removed, left } = done;
    let words = format!("Made {created} group(s), added {added} member(s), took {removed} out.");
    if left.is_empty() { words } else { format!("{words} What is left:\n{}", drift_table(left)) }
}
