//! `commonhold admin`: what an operator does, over the socket of the running server. One file a noun.

mod audit;
mod bucket;
mod directory;
mod inbox;
mod key;
mod mail;
mod message;
mod policy;
mod quota;
mod request;
mod role;
mod session;
mod tenancy;
mod term;
mod usage;
mod user;

use std::path::PathBuf;

use ::admin::{AdminClient, ClientError};
use clap::{Args, Subcommand};

use super::output::Output;
use super::{CliError, Context, runtime};

/// The arguments that all nouns share.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server's administration socket; without it, the one that the configuration says.
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// The shared areas of the store.
    #[command(subcommand)]
    Tenancy(tenancy::Verb),
    /// The people.
    #[command(subcommand)]
    User(user::Verb),
    /// How much tenancies, buckets and people may hold.
    #[command(subcommand)]
    Quota(quota::Verb),
    /// What people are in tenancies.
    #[command(subcommand)]
    Role(role::Verb),
    /// What people ask for.
    #[command(subcommand)]
    Request(request::Verb),
    /// Words to the members of tenancies.
    #[command(subcommand)]
    Message(message::Verb),
    /// The buckets of tenancies, and whose they are.
    #[command(subcommand)]
    Bucket(bucket::Verb),
    /// The keys that sign requests.
    #[command(subcommand)]
    Key(key::Verb),
    /// The temporary credentials that people and jobs have.
    #[command(subcommand)]
    Session(session::Verb),
    /// The policies of buckets, and who may do what by them.
    #[command(subcommand)]
    Policy(policy::Verb),
    /// What people were told.
    #[command(subcommand)]
    Inbox(inbox::Verb),
    /// Mails that wait, or could not be sent.
    #[command(subcommand)]
    Mail(mail::Verb),
    /// Who did what.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Where people, passwords and groups come from.
    #[command(subcommand)]
    Directory(directory::Verb),
    /// Bytes and objects, in all or of one tenancy.
    Usage(usage::Arguments),
}

/// Does what is asked.
///
/// # Errors
/// The server's, in words, or that there is none.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let socket = match arguments.socket {
        Some(socket) => socket,
        None => context.load()?.admin_socket_path(),
    };
    let client = AdminClient::new(socket);
    let output = if arguments.json { Output::Json } else { Output::Human };
    runtime::for_client()?.block_on(async {
        match arguments.noun {
            Noun::Tenancy(verb) => tenancy::run(verb, &client, output).await,
            Noun::User(verb) => user::run(verb, &client, output).await,
            Noun::Request(verb) => request::run(verb, &client, output).await,
            Noun::Message(verb) => message::run(verb, &client, output).await,
            Noun::Bucket(verb) => bucket::run(verb, &client, output).await,
            Noun::Quota(verb) => quota::run(verb, &client, output).await,
            Noun::Role(verb) => role::run(verb, &client, output).await,
            Noun::Key(verb) => key::run(verb, &client, output).await,
            Noun::Session(verb) => session::run(verb, &client, output).await,
            Noun::Policy(verb) => policy::run(verb, &client, output).await,
            Noun::Inbox(verb) => inbox::run(verb, &client, output).await,
            Noun::Mail(verb) => mail::run(verb, &client, output).await,
            Noun::Audit(verb) => audit::run(verb, &client, output).await,
            Noun::Directory(verb) => directory::run(verb, &client, output).await,
            Noun::Usage(arguments) => usage::run(&arguments, &client, output).await,
        }
    })
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning { .. } => Self::Unreachable(error.to_string()),
            ClientError::Refused(_) | ClientError::Protocol(_) => Self::Failed(error.to_string()),
        }
    }
}
