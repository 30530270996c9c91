//! `commonhold admin bucket`.

use ::admin::AdminClient;
use ::admin::bucket::{BucketView, SetIndex, SetOwner};
use ::admin::size::format_size;
use clap::Subcommand;
use types::{BucketName, TenancyName, UserName};

use super::CliError;
use crate::cli::output::{Output, Table};

/// What can be done with buckets.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the buckets of a tenancy.
    List {
        /// Which.
        tenancy: TenancyName,
    },
    /// Give a bucket to another owner. Its objects stay with those who wrote them.
    SetOwner {
        /// In which tenancy.
        tenancy: TenancyName,
        /// Which bucket.
        bucket: BucketName,
        /// Whose it is to be: someone who holds a role in the tenancy.
        owner: UserName,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        user: Option<UserName>,
    },
    /// Give browsers that come to a bucket's address a page of what is in it, or none. Who may list the bucket sees it.
    SetIndex {
        /// In which tenancy.
        tenancy: TenancyName,
        /// Which bucket.
        bucket: BucketName,
        /// Whether there is one.
        index: IndexPage,
    },
}

/// Whether a bucket has a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum IndexPage {
    /// It has.
    On,
    /// It has none.
    Off,
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    match verb {
        Verb::List { tenancy } => output.print_list(client.list_buckets(&tenancy).await?, table),
        Verb::SetOwner { tenancy, bucket, owner, user } => {
            let changed = client.set_bucket_owner(&tenancy, &bucket, &SetOwner { user, owner }).await?;
            output.print(&changed, |b| format!("Bucket {} belongs to {} now.", b.name, b.owner))
        }
        Verb::SetIndex { tenancy, bucket, index } => {
            let set = SetIndex { public_index: index == IndexPage::On };
            let changed = client.set_bucket_index(&tenancy, &bucket, set).await?;
            output.print(&changed, |b| match b.public_index {
                true => format!("Browsers that may list bucket {} get a page of it now.", b.name),
                false => format!("Bucket {} has no page for browsers.", b.name),
            })
        }
    }
}

fn table(buckets: &[BucketView]) -> Table {
    let mut table = Table::new(&["BUCKET", "OWNER", "SIZE", "OBJECTS", "CREATED"]);
    for b in buckets {
        table.row([
            b.name.to_string(),
            b.owner.to_string(),
            format_size(b.bytes),
            b.objects.to_string(),
            b.created.to_string(),
        ]);
    }
    table
}
