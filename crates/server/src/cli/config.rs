//! `commonhold config`: look at the configuration without serving.

use clap::Subcommand;

use super::output::print_line;
use super::{CliError, Context};
use crate::tls::Certificates;
use crate::{admin_socket, config};

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say whether the server would start with it, naming a mistake by line.
    Check,
    /// Print the values in effect, as a file.
    Show,
    /// Print what every setting means, as Markdown.
    Reference,
}

/// Does it.
///
/// # Errors
/// The first mistake in the configuration; where standard output can not be written.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<(), CliError> {
    match verb {
        Verb::Check => check(context),
        Verb::Show => print_line(&config::show(&context.load()?)),
        Verb::Reference => print_line(&config::reference()),
    }
}

fn check(context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    admin_socket::check_path(&config.admin_socket_path()).map_err(|error| CliError::Failed(error.to_string()))?;
    if config.listen.s3_tls.address().is_some() {
        Certificates::load(&config.tls.certificates)
            .map_err(|error| CliError::Failed(format!("tls.certificates: {error}")))?;
    }
    for name in config::unknown_variables(&context.environment) {
        eprintln!("commonhold: warning: environment variable {name} is no setting");
    }
    print_line("The configuration is good.")
}
