//! Records what real threads ask the store and are told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::action;
use bytes::Bytes;
use objects::object::{PutRequest, ReadRequest};
use objects::{ObjectError, Objects};
use parking_lot::Mutex;
use storage::{Blobs, Metadata};
use storage_embedded::disk::MemoryDisk;
use storage_embedded::{EmbeddedStore, Options};
use types::{Conditions, ETag, EtagMatch, SeededEntropy, SystemClock};

use super::{Condition, Event, Operation, Outcome, Value};
use crate::caller::{Caller, bucket_name, create_bucket, tenancy};
use crate::client::signed;
use crate::content::{Body, Recipe};
use crate::dice::Dice;
use crate::ledger::{KEYS, Ledger};

/// The largest body that is packed into the log, in bytes; every fourth value is larger.
const INLINE_BYTES: usize = 4 << 10;

/// What to record.
#[derive(Clone, Copy, Debug)]
pub struct Recording {
    /// Decides what is asked; when, the threads decide.
    pub seed: u64,
    /// Threads that ask.
    pub threads: u8,
    /// Requests of each thread.
    pub requests: u64,
    /// How many keys, at most 7.
    pub keys: u8,
    /// The operation of the disk, counted from when the bucket was made, at which the power fails; the store is opened
    /// again then, and every key is read once more.
    pub crash_at: Option<u64>,
}

/// What the threads share.
struct Shared {
    now: AtomicU64,
    next_value: AtomicU64,
    events: Mutex<Vec<Event>>,
}

/// Records a history.
///
/// # Errors
/// Where the store fails without a crash, or can not be opened again.
pub fn record(recording: Recording) -> Result<Vec<Event>, String> {
    let index = tempfile::tempdir().map_err(|error| error.to_string())?;
    let shared = Shared { now: AtomicU64::new(1), next_value: AtomicU64::new(1), events: Mutex::default() };
    let disk = MemoryDisk::new();
    let runtime = runtime()?;
    let (store, objects) = open(&disk, index.path(), recording.seed)?;
    let bucket = runtime.block_on(create_bucket(&objects)).map_err(|error| error.to_string())?;
    if let Some(operation) = recording.crash_at {
        disk.crash_at(disk.operations() + operation);
    }
    let outcomes: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..recording.threads)
            .map(|thread| {
                let (shared, objects, bucket) = (&shared, objects.clone(), Arc::clone(&bucket));
                scope.spawn(move || {
                    let dice = Dice::new(recording.seed.wrapping_mul(256) + u64::from(thread));
                    let caller = Caller::new(objects, &bucket, Ledger::new());
                    self::runtime()?.block_on(ask(&caller, &dice, shared, recording))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .collect()
    });
    outcomes.into_iter().collect::<Result<(), _>>()?;
    drop((runtime, store, objects));
    if recording.crash_at.is_some() {
        let disk = disk.crash(recording.seed);
        let (_store, objects) = open(&disk, index.path(), recording.seed + 1)?;
        self::runtime()?.block_on(read_all(&objects, &shared, recording))?;
    }
    Ok(shared.events.into_inner())
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())
}

fn open(disk: &MemoryDisk, index: &Path, seed: u64) -> Result<(Arc<EmbeddedStore>, Objects), String> {
    let options = Options {
        segment_bytes: 256 << 10,
        memtable_bytes: 16 << 10,
        replay_bytes: 1 << 20,
        inline_bytes: INLINE_BYTES,
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        ..Options::default()
    };
    let entropy = Arc::new(SeededEntropy::new(seed));
    let store = EmbeddedStore::open(Arc::new(disk.clone()), index, options, &*entropy);
    let store = store.map_err(|error| error.to_string())?;
    let metadata: Arc<dyn Metadata> = Arc::clone(&store) as _;
    let blobs: Arc<dyn Blobs> = Arc::clone(&store) as _;
    Ok((store, Objects::new(metadata, blobs, Arc::new(SystemClock), entropy)))
}

/// What one thread asks. It writes on the condition that what it saw last is still there.
async fn ask(caller: &Caller, dice: &Dice, shared: &Shared, recording: Recording) -> Result<(), String> {
    let mut seen: Vec<Option<(Value, ETag)>> = vec![None; usize::from(recording.keys)];
    for _ in 0..recording.requests {
        let key = u8::try_from(dice.below(u64::from(recording.keys))).unwrap_or(0);
        let called = shared.now.fetch_add(1, Ordering::SeqCst);
        let known = &mut seen[usize::from(key)];
        let (operation, outcome) = match dice.below(10) {
            0..4 => get(caller, key, known).await,
            4..9 => put(caller, dice, shared, key, known).await,
            _ => delete(caller, key).await,
        };
        let returned = match outcome {
            Ok(()) => Some(shared.now.fetch_add(1, Ordering::SeqCst)),
            Err(ObjectError::Storage(_) | ObjectError::Contention) if recording.crash_at.is_some() => None,
            Err(error) => return Err(format!("{operation:?} failed: {error}")),
        };
        shared.events.lock().push(Event { key, called, returned, operation });
        // The power is off. More requests without an answer would only multiply the orders to look through.
        if returned.is_none() {
            break;
        }
    }
    Ok(())
}

type Asked = (Operation, Result<(), ObjectError>);

async fn get(caller: &Caller, key: u8, seen: &mut Option<(Value, ETag)>) -> Asked {
    let grant = caller.on(KEYS[usize::from(key)], None);
    let outcome = caller.objects.get_object(&grant, &ReadRequest::default(), None).await;
    *seen = match outcome {
        Ok(read) => {
            let info = read.head.info;
            let text = info.metadata.content_type.unwrap_or_default();
            // A number that nobody wrote, so that a record which is not as written fits nowhere.
            let value = text.strip_prefix("request/").and_then(|text| text.parse().ok()).unwrap_or(Value::MAX);
            match read.body.collect().await {
                Ok(body) if body == Recipe::one(value, size(value)).bytes() => Some((value, info.etag)),
                Ok(_) => Some((Value::MAX, info.etag)),
                Err(error) => return (Operation::Get(None), Err(error.into())),
            }
        }
        Err(ObjectError::NoSuchKey) => None,
        Err(error) => return (Operation::Get(None), Err(error)),
    };
    (Operation::Get(seen.map(|(value, _)| value)), Ok(()))
}

fn size(value: Value) -> usize {
    if value.is_multiple_of(4) { INLINE_BYTES + 1000 } else { 100 }
}

async fn put(caller: &Caller, dice: &Dice, shared: &Shared, key: u8, seen: &mut Option<(Value, ETag)>) -> Asked {
    let value = shared.next_value.fetch_add(1, Ordering::SeqCst);
    let mut conditions = Conditions::default();
    let condition = match (*seen, dice.below(4)) {
        (_, 0) => Condition::Always,
        (Some((expected, etag)), _) => {
            conditions.if_match = Some(EtagMatch::Tags(vec![etag]));
            Condition::Holds(expected)
        }
        (None, _) => {
            conditions.if_none_match = Some(EtagMatch::Any);
            Condition::Absent
        }
    };
    let request = PutRequest { metadata: signed(value), acl: None, conditions };
    let body = Bytes::from(Recipe::one(value, size(value)).bytes());
    let grant = caller.on(KEYS[usize::from(key)], None);
    let outcome = caller.objects.put_object(&grant, request, &mut Body::new(body)).await;
    let put = |outcome| Operation::Put { value, condition, outcome };
    match outcome {
        Ok(written) => {
            *seen = Some((value, written.etag));
            (put(Outcome::Done), Ok(()))
        }
        Err(ObjectError::PreconditionFailed { .. } | ObjectError::NoSuchKey) => (put(Outcome::Refused), Ok(())),
        Err(error) => (put(Outcome::Done), Err(error)),
    }
}

async fn delete(caller: &Caller, key: u8) -> Asked {
    let grant = caller.on::<action::DeleteObject>(KEYS[usize::from(key)], None);
    let outcome = caller.objects.delete_object(&grant, &Conditions::default()).await;
    (Operation::Delete, outcome.map(|_| ()))
}

/// What is there after a crash belongs to the history.
async fn read_all(objects: &Objects, shared: &Shared, recording: Recording) -> Result<(), String> {
    let failed = |error: ObjectError| error.to_string();
    objects.recover().await.map_err(failed)?;
    let bucket = objects.find_bucket(&tenancy(), &bucket_name()).await.map_err(failed)?;
    let bucket = bucket.ok_or("the bucket is gone")?;
    let caller = Caller::new(objects.clone(), &bucket, Ledger::new());
    for key in 0..recording.keys {
        let called = shared.now.fetch_add(1, Ordering::SeqCst);
        let (operation, outcome) = get(&caller, key, &mut None).await;
        outcome.map_err(failed)?;
        let returned = Some(shared.now.fetch_add(1, Ordering::SeqCst));
        shared.events.lock().push(Event { key, called, returned, operation });
    }
    Ok(())
}
