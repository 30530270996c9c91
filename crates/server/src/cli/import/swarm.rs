//! `commonhold import swarm`: domains, policies, tokens, owners and objects of a Swarm site.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::admin::AdminClient;
use ::import::Tally;
use ::import::swarm::apply::{self, Roles, Settings};
use ::import::swarm::inventory::{FILE_BYTES, Inventory, Login};
use ::import::swarm::objects::ObjectCopy;
use ::import::swarm::{Step, SwarmReport};
use clap::Args;
use s3_client::{Client, Connection};
use tokio::sync::watch;
use types::{Clock, OsEntropy, SystemClock, UserName};
use zeroize::Zeroizing;

use super::super::output::Output;
use super::super::{CliError, Context, runtime};
use super::{Copying, in_words as objects_in_words, show, trust};

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
    /// Copy the objects of each domain, too, from the S3 port of the live site, as http[s]://HOST[:PORT]. Requests name the
    /// domain as their host. A token with a secret is made there for each domain, and deleted at the end.
    #[arg(long, value_name = "URL", requires = "importer")]
    objects: Option<String>,
    /// The person here who copies the objects. They become MANAGER of each tenancy where they are neither that nor DEPUTY,
    /// and own the buckets whose owners are not known here.
    #[arg(long, value_name = "NAME")]
    importer: Option<UserName>,
    /// The S3 listener of this server, as http[s]://HOST[:PORT].
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    to: String,
    /// PEM file of the certificates that sign the server's.
    #[arg(long, value_name = "FILE")]
    to_ca_file: Option<PathBuf>,
    #[command(flatten)]
    copying: Copying,
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
    let live = live(arguments)?;
    let (progress, shown) = watch::channel(Arc::new(Tally::default()));
    let objects = object_copy(arguments, live.as_ref(), progress)?;
    // The copy is work for all processors; without it there is next to nothing to do.
    let report = runtime::for_server()?.block_on(async {
        let inventory = match (&arguments.inventory, &live) {
            (Some(file), _) => Inventory::parse(&read(file)?).map_err(CliError::failed)?,
            (None, Some((site, login))) => {
                let mut connection = Connection::new(site.clone());
                let found = Inventory::of_site(&mut connection, login, &arguments.owner).await;
                found.map_err(CliError::failed)?
            }
            (None, None) => return Err(failed("give --inventory FILE, or --from URL with --user NAME")),
        };
        let shown = objects.is_some().then(|| tokio::spawn(show(shown)));
        let report = apply::apply(&client, &inventory, settings, objects.as_ref()).await.map_err(CliError::failed);
        if let Some(shown) = shown {
            shown.abort();
            let _ = shown.await;
        }
        report
    })?;
    Output::of(arguments.json).print(&report, in_words)?;
    match report.is_whole() {
        true => Ok(()),
        false => Err(failed("not all objects could be copied; run it again")),
    }
}

fn failed(text: &str) -> CliError {
    CliError::Failed(text.to_owned())
}

/// A live site, and who asks it.
fn live(arguments: &Arguments) -> Result<Option<(Client, Login)>, CliError> {
    let (Some(from), Some(user)) = (&arguments.from, &arguments.user) else { return Ok(None) };
    let trust = trust(arguments.from_ca_file.as_deref())?;
    let site = Client::new(from, None, &trust, Arc::new(SystemClock)).map_err(CliError::failed)?;
    Ok(Some((site, Login { user: user.clone(), password: arguments.password.clone() })))
}

fn object_copy(
    arguments: &Arguments,
    live: Option<&(Client, Login)>,
    progress: watch::Sender<Arc<Tally>>,
) -> Result<Option<ObjectCopy>, CliError> {
    let (Some(objects), Some(importer)) = (&arguments.objects, &arguments.importer) else { return Ok(None) };
    let Some((site, login)) = live else {
        return Err(failed(
            "objects come from a live site: give --from URL with --user NAME in the place of --inventory, or copy each \
             tenancy with commonhold import s3",
        ));
    };
    let client = |url: &str, ca_file: Option<&Path>| {
        Client::new(url, None, &trust(ca_file)?, Arc::new(SystemClock)).map_err(CliError::failed)
    };
    let copying = arguments.copying;
    Ok(Some(ObjectCopy {
        site: site.clone(),
        login: login.clone(),
        from: client(objects, arguments.from_ca_file.as_deref())?,
        to: client(&arguments.to, arguments.to_ca_file.as_deref())?,
        importer: importer.clone(),
        versions: copying.versions(),
        etags: copying.etags(),
        acls: copying.acls(),
        parallel: usize::from(copying.parallel),
        looks: copying.looks(),
        now: SystemClock.now(),
        entropy: Arc::new(OsEntropy),
        progress,
    }))
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
            Step::Importer(tenancy, user) => writeln!(text, "{user} is MANAGER of {tenancy}, and imports"),
            Step::Role(tenancy, user) => writeln!(text, "{user} is USER of {tenancy}"),
            Step::Key(id, user) => writeln!(text, "access key {id} of {user}"),
            Step::Owner(tenancy, bucket, user) => writeln!(text, "bucket {bucket} of {tenancy} is {user}'s"),
        };
    }
    for of_domain in &report.objects {
        let _ = write!(text, "objects of {}:\n{}", of_domain.domain, objects_in_words(&of_domain.report));
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
