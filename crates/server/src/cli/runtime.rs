//! The runtimes of commands.

use tokio::runtime::{Builder, Runtime};

use super::CliError;

/// For a command that asks a server.
///
/// # Errors
/// Where the system gives no more resources.
pub(crate) fn for_client() -> Result<Runtime, CliError> {
    build(&mut Builder::new_current_thread())
}

/// For the server: a thread for each core.
///
/// # Errors
/// As for [`for_client`].
pub(crate) fn for_server() -> Result<Runtime, CliError> {
    build(Builder::new_multi_thread().thread_name("commonhold"))
}

fn build(builder: &mut Builder) -> Result<Runtime, CliError> {
    builder.enable_all().build().map_err(|error| CliError::Failed(format!("the runtime can not be started: {error}")))
}
