//! `commonhold import`: bringing other stores here.

mod swarm;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::admin::size::format_size;
use ::import::s3::{self, Looks, Mode, ObjectAcls, S3Import, SourceEtags, Versions};
use ::import::{Report, Tally};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use s3_client::{Client, Credentials, Trust};
use tokio::sync::watch;
use types::SystemClock;
use zeroize::Zeroizing;

use super::output::Output;
use super::{CliError, Context, runtime};

/// How often the line of progress changes.
const INTERVAL: Duration = Duration::from_millis(200);
/// The largest file of authorities, in bytes.
const CA_BYTES: u64 = 4 * 1024 * 1024;
/// What people are shown of each kind of problem; JSON has up to a thousand.
const SHOWN: usize = 20;

/// From where.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Copy buckets and objects from any S3 endpoint. Run it again after a break: what is there already is not copied anew.
    S3(S3Arguments),
    /// Bring domains, their policies, tokens with their secrets, the owners of buckets and, with --objects, the objects from
    /// a Swarm site.
    Swarm(swarm::Arguments),
}

/// What to copy, from where and where to.
#[derive(Debug, Args)]
pub(crate) struct S3Arguments {
    /// The buckets; all that the source lists without any.
    bucket: Vec<String>,
    /// The source, as http[s]://HOST[:PORT].
    #[arg(long, value_name = "URL")]
    from: String,
    /// Its access key.
    #[arg(long, value_name = "KEY", env = "IMPORT_FROM_ACCESS_KEY")]
    from_access_key: String,
    /// Its secret. Better given by the environment.
    #[arg(long, value_name = "SECRET", env = "IMPORT_FROM_SECRET_KEY", hide_env_values = true)]
    from_secret_key: Zeroizing<String>,
    /// The region of its signatures.
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    from_region: String,
    /// PEM file of the certificates that sign the source's, in place of those that the system trusts.
    #[arg(long, value_name = "FILE")]
    from_ca_file: Option<PathBuf>,
    /// The tenancy to copy to, as http[s]://HOST[:PORT].
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    to: String,
    /// An access key there. Its person will own what is copied.
    #[arg(long, value_name = "KEY", env = "IMPORT_TO_ACCESS_KEY")]
    to_access_key: String,
    /// Its secret. Better given by the environment.
    #[arg(long, value_name = "SECRET", env = "IMPORT_TO_SECRET_KEY", hide_env_values = true)]
    to_secret_key: Zeroizing<String>,
    /// PEM file of the certificates that sign the destination's.
    #[arg(long, value_name = "FILE")]
    to_ca_file: Option<PathBuf>,
    /// Only keys that begin with this.
    #[arg(long, default_value = "")]
    prefix: String,
    #[command(flatten)]
    copying: Copying,
    /// Write nothing: count what there is to copy, and list what can not be carried.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How objects are copied.
#[derive(Clone, Copy, Debug, Args)]
struct Copying {
    /// What objects are now, or all their versions, the oldest first.
    #[arg(long, value_enum, default_value_t = WhichVersions::Current)]
    versions: WhichVersions,
    /// What the source's ETags are: the MD5 of the content, or ids of its own (a Swarm without
    /// autoContentMD5Computation).
    #[arg(long, value_enum, default_value_t = WhichEtags::Md5)]
    source_etags: WhichEtags,
    /// Ask for each object's ACL, and let everybody read what everybody could read.
    #[arg(long)]
    public_read: bool,
    /// Objects, and pieces of large ones, that are copied at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// In a dry run, ask for the head of each object that would be copied, and list the tags, retention and legal holds that
    /// stay behind.
    #[arg(long, requires = "dry_run")]
    look_at_objects: bool,
}

impl Copying {
    const fn versions(self) -> Versions {
        match self.versions {
            WhichVersions::Current => Versions::Current,
            WhichVersions::All => Versions::All,
        }
    }

    const fn etags(self) -> SourceEtags {
        match self.source_etags {
            WhichEtags::Md5 => SourceEtags::Md5,
            WhichEtags::Ids => SourceEtags::Ids,
        }
    }

    const fn acls(self) -> ObjectAcls {
        if self.public_read { ObjectAcls::PublicRead } else { ObjectAcls::Private }
    }

    const fn looks(self) -> Looks {
        if self.look_at_objects { Looks::AtObjects } else { Looks::AtListings }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum WhichVersions {
    Current,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum WhichEtags {
    Md5,
    Ids,
}

/// Imports.
///
/// # Errors
/// Where the import can not go on, or something is not there in the end as it should be.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<(), CliError> {
    match verb {
        Verb::S3(arguments) => from_s3(arguments),
        Verb::Swarm(arguments) => swarm::run(&arguments, context),
    }
}

fn from_s3(arguments: S3Arguments) -> Result<(), CliError> {
    let output = Output::of(arguments.json);
    let import = s3_import(arguments)?;
    let tally = Arc::new(Tally::default());
    let report = runtime::for_server()?.block_on(async {
        let (_progress, shown) = watch::channel(Arc::clone(&tally));
        let shown = tokio::spawn(show(shown));
        let report = s3::run(import, tally).await;
        shown.abort();
        let _ = shown.await;
        report.map_err(CliError::failed)
    })?;
    output.print(&report, in_words)?;
    match report.is_whole() {
        true => Ok(()),
        false => Err(CliError::Failed(format!("{} could not be copied; run it again", report.counts.failed))),
    }
}

fn s3_import(arguments: S3Arguments) -> Result<S3Import, CliError> {
    let credentials = |access_key, secret_key, region| Some(Credentials { access_key, secret_key, region });
    let clock = || Arc::new(SystemClock);
    let from_trust = trust(arguments.from_ca_file.as_deref())?;
    let to_trust = trust(arguments.to_ca_file.as_deref())?;
    let from = credentials(arguments.from_access_key, arguments.from_secret_key, arguments.from_region);
    let to = credentials(arguments.to_access_key, arguments.to_secret_key, "us-east-1".to_owned());
    Ok(S3Import {
        from: Client::new(&arguments.from, from, &from_trust, clock()).map_err(CliError::failed)?,
        to: Client::new(&arguments.to, to, &to_trust, clock()).map_err(CliError::failed)?,
        buckets: arguments.bucket,
        prefix: arguments.prefix,
        versions: arguments.copying.versions(),
        etags: arguments.copying.etags(),
        acls: arguments.copying.acls(),
        looks: arguments.copying.looks(),
        parallel: usize::from(arguments.copying.parallel),
        mode: if arguments.dry_run { Mode::DryRun } else { Mode::Copy },
    })
}

fn trust(ca_file: Option<&Path>) -> Result<Trust, CliError> {
    let Some(path) = ca_file else { return Trust::of_system().map_err(CliError::failed) };
    let problem = |error: &dyn std::fmt::Display| CliError::Failed(format!("{}: {error}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| problem(&error))?.len();
    if length > CA_BYTES {
        return Err(problem(&format_args!("{length} bytes are too many for certificates")));
    }
    let pem = std::fs::read(path).map_err(|error| problem(&error))?;
    Trust::of_pem(&pem, path).map_err(CliError::failed)
}

/// Shows on the terminal how far the copy that runs now is.
async fn show(tally: watch::Receiver<Arc<Tally>>) {
    let line = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
    loop {
        let counts = tally.borrow().counts();
        line.set_message(format!(
            "{} found ({}), {} there already, {} copied ({}), {} failed",
            counts.found,
            format_size(counts.found_bytes),
            counts.present,
            counts.copied,
            format_size(counts.copied_bytes),
            counts.failed
        ));
        line.tick();
        tokio::time::sleep(INTERVAL).await;
    }
}

fn in_words(report: &Report) -> String {
    let counts = &report.counts;
    let mut text = String::new();
    for bucket in &report.buckets {
        let made = if bucket.made { ", made" } else { "" };
        let settings =
            if bucket.settings.is_empty() { String::new() } else { format!(": {}", bucket.settings.join(", ")) };
        let _ = writeln!(text, "bucket {}{made}{settings}", bucket.bucket);
    }
    let missing = counts.found.saturating_sub(counts.present + counts.failed);
    let _ = match report.dry_run {
        true => writeln!(
            text,
            "{} found ({}), of which {missing} are to be copied",
            counts.found,
            format_size(counts.found_bytes)
        ),
        false => writeln!(
            text,
            "{} found, {} there already, {} copied and compared ({}), {} failed",
            counts.found,
            counts.present,
            counts.copied,
            format_size(counts.copied_bytes),
            counts.failed
        ),
    };
    for lost in report.lost.iter().take(SHOWN) {
        let key = lost.key.as_ref().map(|key| format!("/{key}")).unwrap_or_default();
        let _ = writeln!(text, "not carried: {} of {}{key}: {}", lost.what, lost.bucket, lost.why);
    }
    for problem in report.problems.iter().take(SHOWN) {
        let _ = writeln!(text, "failed: {}/{}: {}", problem.bucket, problem.key, problem.error);
    }
    if report.lost.len() > SHOWN || report.problems.len() > SHOWN {
        let _ = writeln!(text, "There is more of it: --json tells up to a thousand of each.");
    }
    text
}
