//! From one S3 endpoint to another.
//!
//! [`run`] goes through the buckets one by one: [`bucket`] looks at its settings and makes it; [`plan`] lists both sides
//! together and finds what is missing; workers take that from a queue, and [`object`] or [`history`] (where all versions are
//! wanted) copies it, a large object in [`pieces`]. Each copy is compared with its source before it counts. Settings follow
//! last, so that a policy can not lock the import out.
//!
//! Bodies stream: of each, no more than what its two connections buffer is in memory. As many are on their way at a time as
//! [`S3Import::parallel`] says, pieces of large objects counted.

mod bucket;
mod history;
mod lost;
mod object;
mod pieces;
mod plan;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use s3_client::{Client, ClientError, Connection, listing};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::{BucketReport, ImportError, Report, Tally};
use plan::Job;

/// How often something is tried that may go well later.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// Jobs that wait for each worker.
const WAITING: usize = 4;

/// What of an object is copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Versions {
    /// What it is now.
    #[default]
    Current,
    /// Each version, the oldest first, and each delete marker.
    All,
}

/// What the source's ETags are, where they look like an MD5.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SourceEtags {
    /// The MD5 of the content: a copy must have it.
    #[default]
    Md5,
    /// Ids of the source's own, as those of a Swarm that works out no MD5.
    Ids,
}

/// Whether anything is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Everything is done.
    #[default]
    Copy,
    /// Both sides are listed and looked at; nothing is written.
    DryRun,
    /// The same with the source alone: the destination is not asked.
    Survey,
}

/// What a dry run looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Looks {
    /// Buckets and their listings.
    #[default]
    AtListings,
    /// The head of each object that would be copied, too: it tells of tags, retention and legal holds.
    AtObjects,
}

/// Whether an object that everybody may read is made so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ObjectAcls {
    /// Objects belong to whoever imports them, privately.
    #[default]
    Private,
    /// Each object's ACL is asked for, and one that lets everybody read is carried; so is a bucket's that lets everybody
    /// list. Other grants are named as not carried.
    PublicRead,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct S3Import {
    /// From where.
    pub from: Client,
    /// Where to.
    pub to: Client,
    /// Which buckets; all that the source lists where there are none.
    pub buckets: Vec<String>,
    /// Only keys that begin with this.
    pub prefix: String,
    /// What of each object.
    pub versions: Versions,
    /// What the source's ETags are.
    pub etags: SourceEtags,
    /// What of object ACLs.
    pub acls: ObjectAcls,
    /// Objects, and pieces of large ones, that are copied at a time.
    pub parallel: usize,
    /// Whether anything is written.
    pub mode: Mode,
    /// What a dry run looks at.
    pub looks: Looks,
}

/// What the workers of a bucket share.
struct Shared {
    import: Arc<S3Import>,
    bucket: String,
    tally: Arc<Tally>,
    /// A permit for each body that may be on its way.
    streams: Arc<Semaphore>,
}

/// Imports, and counts in `tally` on the way.
///
/// # Errors
/// [`ImportError`], where the source can not be listed or one of the sides does not answer. What is refused of single buckets,
/// and what goes wrong with single objects, is in the report.
pub async fn run(import: S3Import, tally: Arc<Tally>) -> Result<Report, ImportError> {
    let import = Arc::new(import);
    let names = match import.buckets.as_slice() {
        [] => with_patience(async || listing::buckets(&mut Connection::new(import.from.clone())).await).await?,
        named => named.to_vec(),
    };
    let mut buckets = Vec::with_capacity(names.len());
    for name in names {
        match one_bucket(&import, &name, &tally).await {
            Ok(report) => buckets.push(report),
            Err(ImportError::Client(error)) if error.refusal().is_some() => tally.failed(&name, "", &error),
            Err(error) => return Err(error),
        }
    }
    let (problems, lost) = tally.told();
    let dry_run = import.mode != Mode::Copy;
    Ok(Report { dry_run, buckets, counts: tally.counts(), problems, lost })
}

async fn one_bucket(import: &Arc<S3Import>, name: &str, tally: &Arc<Tally>) -> Result<BucketReport, ImportError> {
    let found = bucket::look(import, name, tally).await?;
    let made = match import.mode {
        Mode::Copy => bucket::make(import, name, &found).await?,
        Mode::DryRun | Mode::Survey => false,
    };
    copy_objects(import, name, tally).await?;
    let settings = match import.mode {
        Mode::Copy => bucket::carry(import, name, found, tally).await?,
        Mode::DryRun | Mode::Survey => found.names(),
    };
    Ok(BucketReport { bucket: name.to_owned(), made, settings })
}

/// Copies what is missing, by workers that take it from a queue.
async fn copy_objects(import: &Arc<S3Import>, name: &str, tally: &Arc<Tally>) -> Result<(), ImportError> {
    let parallel = import.parallel.max(1);
    let (send, receive) = mpsc::channel::<Job>(parallel * WAITING);
    let receive = Arc::new(Mutex::new(receive));
    let shared = Arc::new(Shared {
        import: Arc::clone(import),
        bucket: name.to_owned(),
        tally: Arc::clone(tally),
        streams: Arc::new(Semaphore::new(parallel)),
    });
    let mut workers = JoinSet::new();
    for _ in 0..parallel {
        let (shared, receive) = (Arc::clone(&shared), Arc::clone(&receive));
        workers.spawn(async move {
            let mut pair = Pair::new(&shared.import);
            loop {
                let next = receive.lock().await.recv().await;
                let Some(job) = next else { return };
                // The semaphore is never closed.
                let Ok(_stream) = shared.streams.acquire().await else { return };
                work(&shared, &mut pair, job).await;
            }
        });
    }
    drop(receive);
    let planned = plan::plan(import, name, tally, send).await;
    while let Some(ended) = workers.join_next().await {
        ended?;
    }
    planned
}

/// A connection to each side.
struct Pair {
    from: Connection,
    to: Connection,
}

impl Pair {
    fn new(import: &S3Import) -> Self {
        Self { from: Connection::new(import.from.clone()), to: Connection::new(import.to.clone()) }
    }
}

/// Does a job, and counts what came of it.
async fn work(shared: &Arc<Shared>, pair: &mut Pair, job: Job) {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let is_copied = shared.import.mode == Mode::Copy;
        let done = match &job {
            _ if !is_copied => lost::look(shared, job.entries(), pair).await,
            Job::Object(entry) => object::copy(shared, entry, pair).await,
            Job::History(history) => history::copy(shared, history, pair).await,
        };
        match done {
            Ok(()) if is_copied => return shared.tally.copied(job.bytes()),
            Ok(()) => return,
            Err(error) => {
                // What is half read or half sent ends with its connection.
                *pair = Pair::new(&shared.import);
                if !error.is_passing() || attempt == ATTEMPTS {
                    return shared.tally.failed(&shared.bucket, job.key(), &error);
                }
                tokio::time::sleep(pause(attempt)).await;
            }
        }
    }
}

/// How long to wait after this attempt.
fn pause(attempt: u32) -> Duration {
    PAUSE * 2u32.pow(attempt - 1)
}

/// Tries again what may go well later.
async fn with_patience<T>(mut ask: impl AsyncFnMut() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match ask().await {
            Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                tokio::time::sleep(pause(attempt)).await;
            }
            outcome => return outcome,
        }
    }
}
