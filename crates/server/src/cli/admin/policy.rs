//! `commonhold admin policy`.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ::admin::policy::{
    AccessView, ExplainRequest, Explanation, FindingView, LintRequest, PolicyView, PutPolicy, WhoFilter,
};
use ::admin::{AdminClient, List};
use clap::Subcommand;
use policy::{Policy, Preset};
use serde::Serialize;
use types::{BucketName, ObjectKey, TenancyName, UserName};

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the policy of a bucket, as it was put.
    Get {
        /// Where.
        tenancy: TenancyName,
        /// Whose.
        bucket: BucketName,
    },
    /// Put the policy of a bucket, in the dialect of AWS or of Swarm.
    Put {
        /// Where.
        tenancy: TenancyName,
        /// Whose.
        bucket: BucketName,
        /// The document; from standard input without it.
        file: Option<PathBuf>,
        /// Only in place of the policy with this tag, which `get --json` tells.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// Remove the policy of a bucket.
    Delete {
        /// Where.
        tenancy: TenancyName,
        /// Whose.
        bucket: BucketName,
    },
    /// Tell whether somebody may do something, and which rule or statement decides.
    Explain {
        /// Where.
        tenancy: TenancyName,
        /// To which bucket.
        bucket: BucketName,
        /// To which object; to the bucket itself without it.
        key: Option<String>,
        /// Who.
        #[arg(long = "as", value_name = "USER", required_unless_present = "anonymous", conflicts_with = "anonymous")]
        user: Option<UserName>,
        /// Nobody: a request without a signature.
        #[arg(long)]
        anonymous: bool,
        /// What, such as s3:GetObject.
        #[arg(long, value_name = "ACTION")]
        action: String,
        /// From where, for policies that ask.
        #[arg(long, value_name = "ADDRESS")]
        source_ip: Option<IpAddr>,
        /// Whether over TLS, for policies that ask.
        #[arg(long, value_name = "BOOL")]
        tls: Option<bool>,
    },
    /// Tell who may read, or do something else, and why: everybody, each role, group and person.
    Who {
        /// Where.
        tenancy: TenancyName,
        /// Which bucket.
        bucket: BucketName,
        /// Which object; the bucket itself without it.
        key: Option<String>,
        /// What; without it s3:GetObject for an object and s3:ListBucket for a bucket.
        #[arg(long, value_name = "ACTION")]
        action: Option<String>,
    },
    /// Tell what is odd about the policy in a file, or about that of a bucket.
    Lint {
        /// A file; or a tenancy and a bucket.
        #[arg(num_args = 1..=2, required = true, value_names = ["FILE|TENANCY", "BUCKET"])]
        what: Vec<String>,
    },
    /// Print a policy to start from; the presets there are without a name.
    Preset {
        /// Which.
        name: Option<Preset>,
        /// For which bucket.
        #[arg(long, value_name = "BUCKET", default_value = "bucket")]
        bucket: BucketName,
        /// To which group the preset `share` gives access; may come several times.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// To which person the preset `share` gives access; may come several times.
        #[arg(long = "user", value_name = "USER")]
        people: Vec<UserName>,
    },
}

/// A preset, for programs.
#[derive(Serialize)]
struct PresetView {
    name: &'static str,
    title: &'static str,
    document: String,
}

/// Does it.
///
/// # Errors
/// The server's, and where a file can not be read.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::Get { tenancy, bucket } => {
            output.print(&client.policy(&tenancy, &bucket).await?, |policy: &PolicyView| policy.document.clone())
        }
        Verb::Put { tenancy, bucket, file, if_match } => {
            let put = PutPolicy { document: read(file.as_deref())?, if_match };
            let answer = client.put_policy(&tenancy, &bucket, &put).await?;
            output.print(&answer, |_| format!("{bucket} in {tenancy} has this policy now."))
        }
        Verb::Delete { tenancy, bucket } => {
            let done = client.delete_policy(&tenancy, &bucket).await?;
            output.print(&done, |_| format!("{bucket} in {tenancy} has no policy now."))
        }
        Verb::Explain { tenancy, bucket, key, user, anonymous: _, action, source_ip, tls } => {
            let key = key.as_deref().map(object_key).transpose()?;
            let request = ExplainRequest { action, key, user, source_ip, secure_transport: tls };
            output.print(&client.explain_policy(&tenancy, &bucket, &request).await?, explanation)
        }
        Verb::Who { tenancy, bucket, key, action } => {
            let filter = WhoFilter { action, key: key.as_deref().map(object_key).transpose()? };
            output.print_list(client.who_can(&tenancy, &bucket, &filter).await?, who)
        }
        Verb::Lint { what } => print_findings(lint(&what, client).await?, output),
        Verb::Preset { name: None, .. } => output.print_list(presets(), |presets| {
            let mut table = Table::new(&["PRESET", "DOES"]);
            presets.iter().for_each(|preset| table.row([preset.name.to_owned(), preset.title.to_owned()]));
            table
        }),
        Verb::Preset { name: Some(preset), bucket, groups, people } => {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            let people: Vec<&str> = people.iter().map(UserName::as_str).collect();
            let document = preset.document(&bucket, &groups, &people);
            output.print(&PresetView { name: preset.name(), title: preset.title(), document }, |preset| {
                preset.document.clone()
            })
        }
    }
}

async fn lint(what: &[String], client: &AdminClient) -> Result<List<FindingView>, CliError> {
    let failed = |error: types::NameError| CliError::Failed(error.to_string());
    match what {
        [tenancy, bucket] => {
            let (tenancy, bucket) =
                (TenancyName::new(tenancy).map_err(failed)?, BucketName::new(bucket).map_err(failed)?);
            Ok(client.lint_bucket(&tenancy, &bucket).await?)
        }
        files => {
            let document = read(files.first().map(Path::new))?;
            Ok(client.lint_policy(&LintRequest { document }).await?)
        }
    }
}

fn print_findings(findings: List<FindingView>, output: Output) -> Result<(), CliError> {
    if findings.items.is_empty() && output == Output::Human {
        return output.print(&(), |()| "Nothing is odd about it.".to_owned());
    }
    output.print_list(findings, |findings| {
        let mut table = Table::new(&["SEVERITY", "WHERE", "WHAT"]);
        for finding in findings {
            table.row([finding.severity.clone(), finding.element.clone(), finding.message.clone()]);
        }
        table
    })
}

fn presets() -> List<PresetView> {
    let bucket = BucketName::new("bucket").expect("a word is a name");
    let view = |preset: Preset| PresetView {
        name: preset.name(),
        title: preset.title(),
        document: preset.document(&bucket, &[], &[]),
    };
    List { items: Preset::ALL.map(view).into(), truncated: false }
}

fn explanation(explained: &Explanation) -> String {
    let verdict = if explained.allowed { "allowed" } else { "not allowed" };
    let mut rules = Table::new(&["", "RULE", "SAYS"]);
    for rule in &explained.rules {
        let mark = if rule.decided { ">" } else { "" };
        rules.row([mark.to_owned(), rule.rule.clone(), rule.says.clone().unwrap_or_else(|| "-".to_owned())]);
    }
    let mut text = format!("{} is {verdict}: {}\n\n{rules}", explained.action, explained.reason);
    if !explained.statements.is_empty() {
        let mut statements = Table::new(&["STATEMENT", "SID", "EFFECT", "APPLIES"]);
        for statement in &explained.statements {
            let applies = statement.misses.as_ref().map_or_else(|| "yes".to_owned(), |misses| format!("no: {misses}"));
            let sid = statement.sid.clone().unwrap_or_default();
            statements.row([statement.index.to_string(), sid, statement.effect.clone(), applies]);
        }
        text += &format!("\n\n{statements}");
    }
    text
}

fn who(answers: &[AccessView]) -> Table {
    let mut table = Table::new(&["WHO", "NAME", "MAY", "WHY", "UNDER CONDITIONS"]);
    for answer in answers {
        let conditional: Vec<_> = answer.conditional.iter().map(|index| format!("Statement[{index}]")).collect();
        table.row([
            answer.kind.clone(),
            answer.name.clone().unwrap_or_default(),
            if answer.allowed { "yes" } else { "no" }.to_owned(),
            answer.reason.clone(),
            conditional.join(", "),
        ]);
    }
    table
}

fn object_key(text: &str) -> Result<ObjectKey, CliError> {
    ObjectKey::new(text).map_err(|error| CliError::Failed(error.to_string()))
}

/// Reads a document from a file or from standard input.
fn read(file: Option<&Path>) -> Result<String, CliError> {
    let mut text = String::new();
    let mut take = |input: &mut dyn Read| input.take(Policy::MAX_BYTES as u64 + 1).read_to_string(&mut text);
    let read = match file {
        Some(path) => File::open(path).and_then(|mut file| take(&mut file)),
        None => take(&mut io::stdin().lock()),
    };
    match read {
        Ok(_) if text.len() > Policy::MAX_BYTES => {
            Err(CliError::Failed(format!("a policy has at most {} bytes", Policy::MAX_BYTES)))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(CliError::Failed(format!("the policy can not be read: {error}"))),
    }
}
