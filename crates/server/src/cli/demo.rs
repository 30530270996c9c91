//! `commonhold demo`: a tenancy with a person, a key, a bucket and a dataset, and what to paste into clients.

use ::admin::demo::Demo;
use ::admin::status::Status;
use ::admin::{AdminClient, ClientError};
use clap::Args;
use serde::Serialize;

use super::output::{Output, print_line, waiting};
use super::{CliError, Context, runtime, serve};
use crate::banner;
use crate::config::Config;
use crate::recipes::{self, Ingredients};

/// How to print it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The demo in JSON: flat, with the names that clients' configurations have.
#[derive(Serialize)]
struct DemoOutput<'a> {
    endpoint: &'a str,
    tenancy: &'a str,
    user: &'a str,
    access_key: &'a str,
    secret_key: &'a str,
    bucket: &'a str,
    dataset: &'a str,
}

/// Asks the server that runs on the data directory; starts one where none does.
///
/// # Errors
/// The server's, or that none can be started.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let config = context.load()?;
    let output = if arguments.json { Output::Json } else { Output::Human };
    let asked = runtime::for_client()?.block_on(make(&config, output));
    match asked {
        Err(CliError::Unreachable(_)) => {}
        asked => return asked,
    }
    let of_task = config.clone();
    serve::run_with(context, &config, async move {
        if let Err(error) = make(&of_task, output).await {
            eprintln!("commonhold: {error}");
        }
    })
}

async fn make(config: &Config, output: Output) -> Result<(), CliError> {
    let client = AdminClient::new(config.admin_socket_path());
    let made = waiting("Making the demo", async {
        let demo = client.demo().await?;
        Ok::<_, ClientError>((demo, client.status().await?))
    });
    let (demo, status) = made.await?;
    let (scheme, authority) = endpoint(&status)?;
    match output {
        Output::Human => {
            print_line(&words(&demo, scheme, &authority, &config.s3.region))?;
            if let Some(portal) = portal_words(&demo, &status) {
                print_line(&portal)?;
            }
            Ok(())
        }
        Output::Json => Output::Json.print(
            &DemoOutput {
                endpoint: &format!("{scheme}://{authority}"),
                tenancy: demo.tenancy.as_str(),
                user: demo.user.as_str(),
                access_key: demo.access_key.as_str(),
                secret_key: demo.secret.expose(),
                bucket: demo.bucket.as_str(),
                dataset: &demo.dataset,
            },
            |_| String::new(),
        ),
    }
}

/// Scheme and authority of the server's S3, as clients on this machine reach it.
fn endpoint(status: &Status) -> Result<(&'static str, String), CliError> {
    let installation = &status.installation;
    let (scheme, address) = match (&installation.s3_address, &installation.s3_tls_address) {
        (Some(address), _) => ("http", address),
        (None, Some(address)) => ("https", address),
        (None, None) => return Err(CliError::Failed("the server serves no S3".to_owned())),
    };
    let address = address.parse().map_err(|_| CliError::Failed(format!("{address:?} is no address")))?;
    let url = banner::url(scheme, address);
    Ok((scheme, url.split_once("://").map_or(url.clone(), |(_, authority)| authority.to_owned())))
}

/// Where the portal is, and how to log in there the first time.
fn portal_words(demo: &Demo, status: &Status) -> Option<String> {
    let installation = &status.installation;
    let (scheme, address) = match (&installation.portal_address, &installation.portal_tls_address) {
        (Some(address), _) => ("http", address),
        (None, Some(address)) => ("https", address),
        (None, None) => return None,
    };
    let url = banner::url(scheme, address.parse().ok()?);
    let user = &demo.user;
    Some(format!(
        "The portal is at {url}. To log in there as {user}, set a password (type it, then Ctrl+D):\n\n    \
         commonhold admin user set-password {user}\n"
    ))
}

fn words(demo: &Demo, scheme: &str, authority: &str, region: &str) -> String {
    let with = Ingredients {
        scheme,
        authority,
        region,
        access_key: demo.access_key.as_str(),
        secret_key: demo.secret.expose(),
        bucket: demo.bucket.as_str(),
        dataset: &demo.dataset,
    };
    format!(
        "Tenancy {} has the person {} (MANAGER) and the bucket {} with the dataset {}.\n\
         The key below is new; its secret is not shown again. Paste what your client needs:\n\n{}",
        demo.tenancy,
        demo.user,
        demo.bucket,
        demo.dataset,
        recipes::all(&with)
    )
}
