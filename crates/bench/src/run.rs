//! Drives a workload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::{Method, StatusCode};
use types::{Entropy as _, OsEntropy, SeededEntropy};

use crate::body::Content;
use crate::connection::{Answer, Connection, Keep};
use crate::error::BenchError;
use crate::measurement::{Measurement, Tally};
use crate::multipart::Uploader;
use crate::target::Target;
use crate::workload::{Operation, Stop, Workload};

/// Objects that are put at a time while preparing.
const PREPARING_CONNECTIONS: usize = 32;
/// The keys of a page that is listed.
const PAGE_KEYS: u64 = 1000;
/// A connection gives up after so many errors: an endpoint that is gone must not be asked a million times a second.
const ERRORS_PER_CONNECTION: u64 = 100;

/// Makes the bucket, if it is not there, and the objects that `workload` reads, lists or deletes.
///
/// # Errors
/// What the endpoint refuses.
pub async fn prepare(target: &Target, workload: &Workload) -> Result<(), BenchError> {
    let mut connection = Connection::new(target);
    let ask = target.request(Method::HEAD, "", "", Content::empty().body(), None)?;
    if connection.send(ask, Keep::Bytes).await?.status == StatusCode::NOT_FOUND {
        let make = target.request(Method::PUT, "", "", Content::empty().body(), None)?;
        connection.send(make, Keep::Bytes).await?.checked("CreateBucket")?;
    }
    if matches!(workload.operation, Operation::Put | Operation::PutMultipart { .. }) {
        return Ok(());
    }
    let connections = PREPARING_CONNECTIONS.min(usize::try_from(workload.objects).unwrap_or(usize::MAX)).max(1);
    let filling = Filling { target: target.clone(), workload: workload.clone(), next: AtomicU64::new(0) };
    let filling = Arc::new(filling);
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(fill(Arc::clone(&filling)))).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Deletes every key that begins with `prefix`.
///
/// # Errors
/// What the endpoint refuses.
pub(crate) async fn clear(target: &Target, prefix: &str) -> Result<(), BenchError> {
    let mut connection = Connection::new(target);
    let query = format!("list-type=2&max-keys=1000&prefix={}", prefix.replace('/', "%2F"));
    loop {
        let request = target.request(Method::GET, "", &query, Content::empty().body(), None)?;
        let page = connection.send(request, Keep::Bytes).await?.checked("ListObjectsV2")?;
        let page = String::from_utf8_lossy(&page.kept).into_owned();
        let mut keys = page.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next()).peekable();
        if keys.peek().is_none() {
            return Ok(());
        }
        for key in keys {
            let request = target.request(Method::DELETE, key, "", Content::empty().body(), None)?;
            connection.send(request, Keep::Bytes).await?.checked(format!("DELETE of {key}"))?;
        }
    }
}

struct Filling {
    target: Target,
    workload: Workload,
    next: AtomicU64,
}

async fn fill(filling: Arc<Filling>) -> Result<(), BenchError> {
    let content = Content::new(filling.workload.size);
    let mut connection = Connection::new(&filling.target);
    loop {
        let number = filling.next.fetch_add(1, Ordering::Relaxed);
        if number >= filling.workload.objects {
            return Ok(());
        }
        let key = key_of(&filling.workload, number);
        let request = filling.target.request(Method::PUT, &key, "", content.body(), None)?;
        connection.send(request, Keep::Bytes).await?.checked(format!("PUT of {key}"))?;
    }
}

fn key_of(workload: &Workload, number: u64) -> String {
    format!("{}{number:010}", workload.prefix)
}

/// Drives `workload`, for which [`prepare`] has been done, and answers what came of it. Requests that fail are counted.
///
/// # Errors
/// Where no connection can be made.
pub async fn run(target: &Target, workload: &Workload) -> Result<Measurement, BenchError> {
    let mut drivers = Vec::new();
    for _ in 0..workload.connections.max(1) {
        drivers.push(Driver::open(target, workload).await?);
    }
    let plan = Arc::new(Plan {
        workload: workload.clone(),
        content: Content::new(workload.size),
        // Keys of this run alone: a PUT that replaced an object would cost more than one that made it.
        fresh: format!("{}new-{:016x}/", workload.prefix, OsEntropy.next_u64()),
        next: AtomicU64::new(0),
        start: Instant::now(),
    });
    let mut tasks = Vec::new();
    for (number, driver) in drivers.into_iter().enumerate() {
        let randomness = SeededEntropy::new(number as u64);
        tasks.push(tokio::spawn(driver.drive(Arc::clone(&plan), randomness)));
    }
    let mut tally = Tally::default();
    for task in tasks {
        tally.merge(task.await?);
    }
    Ok(tally.into_measurement(workload.describe(), plan.start.elapsed()))
}

/// What all connections share.
struct Plan {
    workload: Workload,
    content: Content,
    fresh: String,
    next: AtomicU64,
    start: Instant,
}

impl Plan {
    /// The number of the next request; `None` where it is enough.
    fn take(&self) -> Option<u64> {
        if let Stop::After(duration) = self.workload.stop
            && self.start.elapsed() >= duration
        {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let is_enough = matches!(self.workload.stop, Stop::Count(count) if number >= count)
            || (self.workload.operation == Operation::Delete && number >= self.workload.objects);
        (!is_enough).then_some(number)
    }

    /// One of the objects that are there.
    fn some_key(&self, randomness: &SeededEntropy) -> String {
        key_of(&self.workload, randomness.next_u64() % self.workload.objects.max(1))
    }

    fn some_range(&self, length: u64, randomness: &SeededEntropy) -> (u64, u64) {
        let size = self.workload.size.max(1);
        let length = length.clamp(1, size);
        let first = randomness.next_u64() % (size / length) * length;
        (first, first + length - 1)
    }
}

/// One connection's worth of load.
enum Driver {
    Single(Target, Box<Connection>),
    Multipart(Box<Uploader>),
}

impl Driver {
    async fn open(target: &Target, workload: &Workload) -> Result<Self, BenchError> {
        if let Operation::PutMultipart { part_size, parallel_parts } = workload.operation {
            let uploader = Uploader::open(target, workload.size, part_size, parallel_parts).await?;
            return Ok(Self::Multipart(Box::new(uploader)));
        }
        let mut connection = Connection::new(target);
        connection.open().await?;
        Ok(Self::Single(target.clone(), Box::new(connection)))
    }

    async fn drive(mut self, plan: Arc<Plan>, randomness: SeededEntropy) -> Tally {
        let mut tally = Tally::default();
        while tally.errors < ERRORS_PER_CONNECTION
            && let Some(number) = plan.take()
        {
            let started = Instant::now();
            let result = match &mut self {
                Self::Multipart(uploader) => uploader.upload(&format!("{}{number}", plan.fresh)).await,
                Self::Single(target, connection) => one(target, connection, &plan, number, &randomness).await,
            };
            match result {
                Ok(bytes) => tally.answered(started.elapsed(), bytes),
                Err(error) => tally.failed(error),
            }
        }
        tally
    }
}

/// One request; answers the bytes of the body that it is about.
async fn one(
    target: &Target,
    connection: &mut Connection,
    plan: &Plan,
    number: u64,
    randomness: &SeededEntropy,
) -> Result<u64, BenchError> {
    let size = plan.workload.size;
    let operation = match plan.workload.operation {
        Operation::Mixed => match number % 10 {
            0..6 => Operation::Get,
            6..8 => Operation::Head,
            _ => Operation::Put,
        },
        operation => operation,
    };
    let empty = || Content::empty().body();
    let (request, expected) = match operation {
        Operation::Put => {
            let key = format!("{}{number}", plan.fresh);
            (target.request(Method::PUT, &key, "", plan.content.body(), None)?, 0)
        }
        Operation::Range { range_size } => {
            let range = plan.some_range(range_size, randomness);
            let key = plan.some_key(randomness);
            (target.request(Method::GET, &key, "", empty(), Some(range))?, range.1 - range.0 + 1)
        }
        Operation::Head => (target.request(Method::HEAD, &plan.some_key(randomness), "", empty(), None)?, 0),
        Operation::Delete => {
            let key = key_of(&plan.workload, number);
            (target.request(Method::DELETE, &key, "", empty(), None)?, 0)
        }
        Operation::List | Operation::ListEach => {
            let mut query = format!("list-type=2&max-keys=1000&prefix={}", list_prefix(&plan.workload));
            if operation == Operation::ListEach {
                let before = number % plan.workload.objects.saturating_sub(PAGE_KEYS).max(1);
                query += &format!("&start-after={}", key_of(&plan.workload, before).replace('/', "%2F"));
            }
            (target.request(Method::GET, "", &query, empty(), None)?, 0)
        }
        Operation::Get | Operation::Mixed | Operation::PutMultipart { .. } => {
            (target.request(Method::GET, &plan.some_key(randomness), "", empty(), None)?, size)
        }
    };
    let answer = connection.send(request, Keep::Length).await?.checked(operation.name())?;
    counted(operation, &answer, expected, size)
}

/// A prefix as a query has it: prefixes are of this crate's making, and a slash is all that needs encoding.
fn list_prefix(workload: &Workload) -> String {
    workload.prefix.replace('/', "%2F")
}

fn counted(operation: Operation, answer: &Answer, expected: u64, size: u64) -> Result<u64, BenchError> {
    let is_read = matches!(operation, Operation::Get | Operation::Range { .. });
    if is_read && answer.bytes != expected {
        let text = format!("{} bytes instead of {expected}", answer.bytes);
        return Err(BenchError::Refused { what: operation.name().to_owned(), status: answer.status.as_u16(), text });
    }
    Ok(if operation == Operation::Put { size } else { answer.bytes })
}
