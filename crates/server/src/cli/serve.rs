//! `commonhold serve`, which is also what `commonhold` alone does.

use super::output::print_line;
use super::{CliError, Context, runtime};
use crate::config::Config;
use crate::{banner, serve};

/// Serves until a signal.
///
/// # Errors
/// Why the server did not start.
pub(crate) fn run(context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    run_with(context, &config, async {})
}

/// Serves until a signal. Once the server listens and has said so, `after` runs beside it.
///
/// # Errors
/// As for [`run`].
pub(crate) fn run_with<F: Future<Output = ()> + Send + 'static>(
    context: &Context,
    config: &Config,
    after: F,
) -> Result<(), CliError> {
    let program = context.program();
    let data_dir = config.data_dir.clone();
    let served = runtime::for_server()?.block_on(serve::serve(config, &context.environment, |started| async move {
        // A closed standard output is no reason not to serve.
        if let Err(error) = print_line(&banner::text(&started, &data_dir, &program)) {
            tracing::debug!(%error, "nobody reads the banner");
        }
        after.await;
    }));
    served.map_err(|error| CliError::Failed(error.to_string()))
}
