//! `commonhold import swarm`: domains, policies, tokens and owners of a Swarm site.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::admin::AdminClient;
use ::import::swarm::apply::{self, Roles, Settings};
use ::import::swarm::inventory::{FILE_BYTES, Inventory};
use ::import::swarm::{Step, SwarmReport};
use clap::Args;
use s3_client::{Client, Connection};
use types::{Clock, SystemClock};
use zeroize::Zeroizing;

use super::super::output::Output;
use super::super::{CliError, Context, runtime};
use super::trust;

/// What is shown to people of what was left; JSON has all of it.
const SHOWN: usize = 50;

/// From where, and what to do with it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A file with what the site has, as docs/swarm.md says.
    #[arg(long, value_name = "FILE", conflicts_with = "from", required_unless_present = "from")]
    inventory: Option<PathBuf>,
    /// A live site, as http[s]://HOST[:PORT] of its Content Gateway.
    #[arg(long, value_name = "URL", requires = "user")]
    from: Option<String>,
    /// Who asks the site.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Their password there. Better given by the environment.
    #[arg(long, value_name = "PASSWORD", env = "IMPORT_SWARM_PASSWORD", hide_env_values = true, default_value = "")]
    password: Zeroizing<String>,
    /// Whose tokens to ask for beside those of who asks; for an administrator of tokens. May be given more than once.
    #[arg(long, value_name = "NAME")]
    owner: Vec<String>,
    /// PEM file of the certificates that sign the site's.
    #[arg(long, value_name = "FILE")]
    from_ca_file: Option<PathBuf>,
    /// Make owners of tokens and buckets USERs of the tenancy where they hold no role in it.
    #[arg(long)]
    grant_roles: bool,
    /// Change nothing: say what would be done, and what can not be carried.
    #[arg(long)]
    dry_run: bool,
    /// The server's administration socket; without it, the one that the configuration says.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Applies the inventory.
///
/// # Errors
/// Where it can not be read, or the server not be asked.
pub(super) fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    let client = AdminClient::new(arguments.socket.clone().unwrap_or_else(|| config.admin_socket_path()));
    let roles = if arguments.grant_roles { Roles::GrantUser } else { Roles::AsTheyAre };
    let settings = Settings { roles, dry_run: arguments.dry_run, now: SystemClock.now() };
    let report = runtime::for_client()?.block_on(async {
        let inventory = inventory(arguments).await?;
        apply::apply(&client, &inventory, settings).await.map_err(CliError::failed)
    })?;
    Output::of(arguments.json).print(&report, in_words)
}

async fn inventory(arguments: &Arguments) -> Result<Inventory, CliError> {
    match (&arguments.inventory, &arguments.from, &arguments.user) {
        (Some(file), ..) => Inventory::parse(&read(file)?).map_err(CliError::failed),
        (None, Some(from), Some(user)) => {
            let trust = trust(arguments.from_ca_file.as_deref())?;
            let client = Client::new(from, None, &trust, Arc::new(SystemClock)).map_err(CliError::failed)?;
            let mut connection = Connection::new(client);
            let found = Inventory::of_site(&mut connection, user, &arguments.password, &arguments.owner).await;
            found.map_err(CliError::failed)
        }
        _ => Err(CliError::Failed("give --inventory FILE, or --from URL with --user NAME".to_owned())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let problem = |error: &dyn std::fmt::Display| CliError::Failed(format!("{}: {error}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| problem(&error))?.len();
    if length > FILE_BYTES {
        return Err(problem(&format_args!("{length} bytes are too many for an inventory")));
    }
    std::fs::read(path).map_err(|error| problem(&error))
}

fn in_words(report: &SwarmReport) -> String {
    let mut text = String::new();
    for step in &report.done {
        let _ = match step {
            Step::Tenancy(name) => writeln!(text, "tenancy {name}"),
            Step::Endpoint(name, host) => writeln!(text, "tenancy {name} is {host}, too"),
            Step::MembersReachAll(name) => writeln!(text, "members of {name} reach all its buckets"),
            Step::Role(tenancy, user) => writeln!(text, "{user} is USER of {tenancy}"),
            Step::Key(id, user) => writeln!(text, "access key {id} of {user}"),
            Step::Owner(tenancy, bucket, user) => writeln!(text, "bucket {bucket} of {tenancy} is {user}'s"),
        };
    }
    for left in report.left.iter().take(SHOWN) {
        let _ = writeln!(text, "not carried: {} of {}: {}", left.what, left.domain, left.why);
    }
    if report.left.len() > SHOWN {
        let _ = writeln!(text, "{} more were not carried: --json tells all of them.", report.left.len() - SHOWN);
    }
    let verb = if report.dry_run { "would be done" } else { "done" };
    let _ = write!(
        text,
        "{} {verb}, {} there already, {} not carried",
        report.done.len(),
        report.present,
        report.left.len()
    );
    text
}
