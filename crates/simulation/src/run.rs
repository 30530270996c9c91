//! One run: lives of the store, each of which ends in a crash or an orderly close.
//!
//! In a life one thing happens at a time, and the dice say what: a client goes on, a client begins its next request, the
//! committer, the preparer, the keeper or the reclaimer takes a step, the disk gets a fault, the clock jumps.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use identity::{Quota, QuotaScope};
use objects::{ObjectError, Versioning};
use storage_embedded::disk::{Fault, MemoryDisk};
use types::{Clock, Timestamp};

use crate::audit::{Stage, audit, audit_space, settle_uploads};
use crate::caller::{Caller, bucket_name, create_bucket, tenancy};
use crate::client;
use crate::dice::Dice;
use crate::ledger::{KEYS, Ledger, UploadState};
use crate::multipart;
use crate::store::{OpenAtEnd, Place, Store, drive, settle};

/// Clients that ask at the same time.
const CLIENTS: usize = 4;
/// Lives of the store in one run.
const LIVES: u64 = 4;
/// Requests of one life, at least and at most.
const REQUESTS: (u64, u64) = (15, 60);
/// Requests on one key whose outcome is open, beyond which it is left alone: they multiply the states to consider.
const LOST: usize = 2;
/// Bytes that a life with a limit may add, at most.
const LIMIT_ROOM: u64 = 400_000;
/// What is decided in one life, beyond which it is stuck.
const DECISIONS: u64 = 200_000;
/// Steps of the reclaimer until files that nobody needs are gone.
const RECLAIMS: usize = 4;
/// Steps of the reclaimer at the end, until it gives back no more segments: each rewrites one.
const ROUNDS: usize = 40;
/// Segments that the log may have beside those that are half full of bodies: the one that is written to, the next one,
/// and those that the index on disk does not have yet.
const SPARE_SEGMENTS: u64 = 4;

/// The events that the display of a violation shows.
const EVENTS: usize = 60;

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// Requests that were answered.
    pub answers: u64,
    /// Stands for everything that was asked and answered, in order: equal for two runs that went alike.
    pub digest: u64,
}

/// Something that must not happen, happened.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}: {what}\n{}", events[events.len().saturating_sub(EVENTS)..].join("\n"))]
pub struct Violation {
    /// The seed that leads there.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// All that happened before; the last of it is displayed.
    pub events: Vec<String>,
}

/// How a life ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    /// The power fails, in the middle of whatever is done.
    Crash,
    /// The store is closed in order.
    Close,
}

/// Runs the simulation of one seed.
///
/// # Errors
/// [`Violation`].
pub fn run(seed: u64) -> Result<Report, Violation> {
    let dice = Dice::new(seed);
    let violation = |what, events| Violation { seed, what, events };
    let mut place = Place::new(seed, &dice).map_err(|what| violation(what, Vec::new()))?;
    let mut ledger = Ledger::new();
    for life in 0..=LIVES {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
        let runtime = runtime.map_err(|error| violation(error.to_string(), Vec::new()))?;
        let gate = OpenAtEnd;
        ledger.event(format!("life {life}"));
        ledger = runtime.block_on(live(&mut place, &dice, ledger, life));
        drop(gate);
        drop(runtime);
        if let Some(what) = ledger.violation.take() {
            return Err(violation(what, ledger.events));
        }
    }
    Ok(Report { answers: ledger.answers, digest: ledger.digest })
}

/// Opens the store, checks it against what is known, and uses it until it ends.
async fn live(place: &mut Place, dice: &Dice, mut ledger: Ledger, life: u64) -> Ledger {
    (ledger.faulty, ledger.limit_bytes) = (false, None);
    settle().await;
    let Some(mut store) = open(place, dice, &mut ledger) else { return ledger };
    let made = drive(&mut store.steps, async {
        match store.objects.find_bucket(&tenancy(), &bucket_name()).await? {
            Some(bucket) => Ok(bucket),
            None if life == 0 => create_bucket(&store.objects).await,
            None => Err(ObjectError::NoSuchBucket),
        }
    });
    let bucket = match made.await {
        Ok(Ok(bucket)) => bucket,
        other => {
            ledger.violate(format!("there is no bucket: {other:?}"));
            return ledger;
        }
    };
    if ledger.versioning_in_doubt.take() == Some(bucket.versioning) {
        ledger.versioning = bucket.versioning;
    }
    if bucket.versioning != ledger.versioning {
        ledger.violate(format!("versioning is {:?}, and was {:?}", bucket.versioning, ledger.versioning));
    }
    let caller = Rc::new(Caller::new(store.objects.clone(), &bucket, ledger));
    check_at_rest(&caller, dice, &mut store, &place.disk).await;
    let sound = caller.ledger.borrow().violation.is_none();
    if sound && life == LIVES {
        check_space(&caller, &mut store, place).await;
    } else if sound {
        limit(&caller, dice, &mut store).await;
        let ending = Life { caller: &caller, dice, place, clients: Vec::new(), left: 0 }.run(&mut store).await;
        settle().await;
        if ending == Ending::Close {
            let Store { engine, steps, objects } = store;
            if let Err(error) = steps.close() {
                caller.ledger.borrow_mut().violate(format!("the store can not be closed: {error}"));
            }
            drop((engine, objects));
            place.sealed();
        }
        // After an orderly end nothing may be lost by it either.
        caller.ledger.borrow_mut().event(format!("{} operations of the disk", place.disk.operations()));
        place.crash(dice);
    }
    caller.ledger.replace(Ledger::new())
}

/// In some lives the tenancy may hold little more than it does.
async fn limit(caller: &Caller, dice: &Dice, store: &mut Store) {
    if !dice.chance(35) {
        return;
    }
    let Ok(Ok(used)) = drive(&mut store.steps, caller.objects.tenancy_usage(&tenancy())).await else { return };
    let limit = used.bytes + dice.below(LIMIT_ROOM);
    caller.objects.quotas().set(&tenancy(), &QuotaScope::Tenancy, Quota::of_bytes(Some(limit)));
    let mut ledger = caller.ledger.borrow_mut();
    ledger.event(format!("{} bytes are held, and {limit} may be", used.bytes));
    ledger.limit_bytes = Some(limit);
}

/// Opens the store; now and then the power fails, or a read does, while it is being opened.
fn open(place: &mut Place, dice: &Dice, ledger: &mut Ledger) -> Option<Store> {
    if dice.chance(25) {
        let faulty = dice.below(3);
        match faulty {
            0 => place.disk.crash_at(place.disk.operations() + dice.below(8)),
            1 => place.disk.fail(Fault::Read, 1),
            _ => place.disk.fail(Fault::ShortRead, 2),
        }
        let outcome = place.open();
        ledger.event(format!("an opening with fault {faulty}: {:?}", outcome.as_ref().err()));
        match outcome {
            Err(what) if faulty == 2 || what.contains("damaged") => ledger.violate(format!("a bad opening: {what}")),
            Ok(store) if faulty == 0 => {
                drop(store);
                place.crash(dice);
            }
            Ok(store) => {
                place.heal();
                return Some(store);
            }
            Err(_) if faulty == 0 => place.crash(dice),
            Err(_) => place.heal(),
        }
    }
    match place.open() {
        Ok(store) => Some(store),
        Err(what) => {
            ledger.violate(format!("the store can not be opened: {what}"));
            None
        }
    }
}

/// Finishes what was broken off and tidies up, until nothing is in doubt, and compares everything with what was
/// acknowledged. The power may fail meanwhile.
async fn check_at_rest(caller: &Caller, dice: &Dice, store: &mut Store, disk: &MemoryDisk) {
    let recovered = drive(&mut store.steps, caller.objects.recover()).await;
    let again = drive(&mut store.steps, caller.objects.recover()).await;
    if disk.crashed() {
        return;
    }
    match (recovered, again) {
        (Ok(Ok(first)), Ok(Ok(second))) if first.failed == 0 && second == objects::Recovered::default() => {}
        outcome => caller.ledger.borrow_mut().violate(format!("recovery leaves something undone: {outcome:?}")),
    }
    caller.ledger.borrow_mut().keys.values_mut().for_each(crate::model::Key::reopened);
    let settled = drive(&mut store.steps, settle_uploads(caller)).await;
    for _ in 0..RECLAIMS {
        store.steps.reclaim();
        settle().await;
    }
    if disk.crashed() {
        return;
    }
    if !matches!(settled, Ok(Ok(()))) {
        caller.ledger.borrow_mut().violate(format!("uploads can not be settled: {settled:?}"));
    }
    compare(caller, dice, store, Stage::AtRest).await;
    // What is not certain after the uploads were settled is certain once their parts were looked at.
    if !caller.ledger.borrow().is_certain() {
        caller.ledger.borrow_mut().violate("something is in doubt while nothing is done".to_owned());
    }
}

/// Lets the reclaimer do all that there is to do, and compares the log's length with what must be in it.
async fn check_space(caller: &Caller, store: &mut Store, place: &Place) {
    for _ in 0..ROUNDS {
        if let Err(error) = store.steps.flush() {
            caller.ledger.borrow_mut().violate(format!("the index can not be flushed: {error}"));
        }
        store.steps.reclaim();
        settle().await;
    }
    if let Some(log_bytes) = place.reclaimed_log_bytes() {
        let engine = Arc::clone(&store.engine);
        audit_space(caller, &engine, log_bytes, SPARE_SEGMENTS * place.options.segment_bytes).await;
    }
}

async fn compare(caller: &Caller, dice: &Dice, store: &mut Store, stage: Stage) {
    let engine = Arc::clone(&store.engine);
    let audited = drive(&mut store.steps, audit(caller, dice, &engine, stage)).await;
    audited.unwrap_or_else(|what| caller.ledger.borrow_mut().violate(what));
}

/// Set when a client can go on.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A client at work on a request.
struct Client {
    number: usize,
    work: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

/// One life of the store.
struct Life<'a> {
    caller: &'a Rc<Caller>,
    dice: &'a Dice,
    place: &'a Place,
    clients: Vec<Client>,
    /// Requests that are still to be begun.
    left: u64,
}

impl Life<'_> {
    async fn run(&mut self, store: &mut Store) -> Ending {
        self.left = REQUESTS.0 + self.dice.below(REQUESTS.1 - REQUESTS.0);
        if self.dice.chance(40) {
            self.caller.ledger.borrow_mut().faulty = true;
            self.place.disk.crash_at(self.place.disk.operations() + self.dice.below(400));
        }
        let crash_early = self.dice.chance(30);
        for _ in 0..DECISIONS {
            if self.place.disk.crashed() || self.caller.ledger.borrow().violation.is_some() {
                return Ending::Crash;
            }
            if self.left == 0 && (crash_early || self.clients.is_empty()) {
                break;
            }
            self.decide(store).await;
            if self.clients.is_empty() && self.dice.chance(8) {
                self.pause(store).await;
            }
        }
        if !self.clients.is_empty() && !crash_early {
            self.caller.ledger.borrow_mut().violate("requests do not end".to_owned());
        }
        if crash_early || store.steps.has_failed() || self.dice.chance(60) {
            Ending::Crash
        } else {
            self.end(store).await
        }
    }

    /// Lets one thing happen.
    async fn decide(&mut self, store: &mut Store) {
        let ready: Vec<usize> =
            (0..self.clients.len()).filter(|at| self.clients[*at].woken.0.load(Ordering::SeqCst)).collect();
        let mut answered = false;
        match self.dice.below(100) {
            0..40 if !ready.is_empty() => {
                if let Some(at) = self.dice.pick(&ready) {
                    self.go_on(*at);
                }
                answered = true;
            }
            40..65 if self.left > 0 && self.clients.len() < CLIENTS => self.begin(),
            65..85 => {
                answered = store.steps.commit();
                self.check_limit(store).await;
            }
            85..88 => store.steps.prepare(),
            88..91 => {
                let _ = store.steps.flush();
            }
            91..95 => {
                store.steps.reclaim();
                answered = true;
            }
            95 => self.hurt(),
            96 => self.turn_clock(),
            97 => {
                if store.steps.rest() {
                    self.place.sealed();
                }
                let _ = store.steps.free();
            }
            _ => {}
        }
        // Otherwise nothing new waits for the runtime, unless that is what all clients do.
        if answered || ready.is_empty() {
            settle().await;
        }
    }

    /// What is held never passes the limit.
    async fn check_limit(&self, store: &mut Store) {
        let Some(limit) = self.caller.ledger.borrow().limit_bytes else { return };
        let used = drive(&mut store.steps, self.caller.objects.tenancy_usage(&tenancy())).await;
        if let Ok(Ok(used)) = used
            && used.bytes > limit
        {
            self.caller.ledger.borrow_mut().violate(format!("{} bytes are held, and {limit} may be", used.bytes));
        }
    }

    fn go_on(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&client.woken));
        if client.work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.clients.swap_remove(at);
        }
    }

    /// A client that has nothing to do begins a request.
    fn begin(&mut self) {
        let idle: Vec<usize> =
            (0..CLIENTS).filter(|number| self.clients.iter().all(|client| client.number != *number)).collect();
        let Some(number) = self.dice.pick(&idle).copied() else { return };
        self.left -= 1;
        let (caller, seed) = (Rc::clone(self.caller), self.dice.number());
        let inline_bytes = self.place.options.inline_bytes;
        let work = Box::pin(async move { request(&caller, &Dice::new(seed), number, inline_bytes).await });
        self.clients.push(Client { number, work, woken: Arc::new(Woken(AtomicBool::new(true))) });
    }

    /// The disk gets a fault, or gets well.
    fn hurt(&self) {
        let disk = &self.place.disk;
        self.caller.ledger.borrow_mut().faulty = true;
        match self.dice.below(14) {
            0..3 => disk.fail(Fault::Read, 1),
            3..6 => disk.fail(Fault::ShortRead, 2),
            6 => disk.fail(Fault::Write, 1),
            7 => disk.fail(Fault::Sync, 1),
            8 => disk.fail(Fault::Allocate, 1),
            9 | 10 => disk.set_capacity(Some(disk.used_bytes() + self.dice.below(300_000))),
            _ => disk.set_capacity(None),
        }
    }

    /// The clock goes on, or jumps back.
    fn turn_clock(&self) {
        let now = self.place.clock.now();
        let to =
            if self.dice.chance(30) { now.0.saturating_sub(self.dice.below(90_000_000)) } else { now.0 + 1_500_000 };
        self.place.clock.set(Timestamp(to));
    }

    /// While nobody asks: everything is compared, and the bucket's versioning may change.
    async fn pause(&mut self, store: &mut Store) {
        self.place.heal();
        store.steps.prepare();
        if self.place.disk.crashed() {
            return;
        }
        if store.steps.has_failed() {
            return compare(self.caller, self.dice, store, Stage::Serving).await;
        }
        check_at_rest(self.caller, self.dice, store, &self.place.disk).await;
        if store.steps.has_failed() || self.place.disk.crashed() || self.dice.chance(40) {
            return;
        }
        let to = if self.dice.chance(60) { Versioning::Enabled } else { Versioning::Suspended };
        let grant = self.caller.on_bucket();
        let switched = drive(&mut store.steps, self.caller.objects.put_bucket_versioning(&grant, to)).await;
        let mut ledger = self.caller.ledger.borrow_mut();
        ledger.event(format!("versioning is to be {to:?}: {switched:?}"));
        match switched {
            Ok(Ok(())) => ledger.versioning = to,
            // A loss of power in just this moment leaves it open; the next life may have either.
            _ if self.place.disk.crashed() => ledger.versioning_in_doubt = Some(to),
            other => ledger.violate(format!("versioning can not be changed: {other:?}")),
        }
    }

    /// Everything is compared once more before the store is closed.
    async fn end(&mut self, store: &mut Store) -> Ending {
        self.place.heal();
        compare(self.caller, self.dice, store, Stage::Serving).await;
        if store.steps.has_failed() || self.place.disk.crashed() { Ending::Crash } else { Ending::Close }
    }
}

/// One request of a client, as its dice fall.
async fn request(caller: &Caller, dice: &Dice, client: usize, inline_bytes: usize) {
    let usable: Vec<&str> = {
        let ledger = caller.ledger.borrow();
        KEYS.into_iter().filter(|key| ledger.keys[*key].lost() < LOST).collect()
    };
    let (Some(key), Some(other)) = (dice.pick(&usable).copied(), dice.pick(&usable).copied()) else { return };
    let kind = dice.below(100);
    if kind < 18 {
        let open = caller.ledger.borrow().uploads.iter().find_map(|(tag, upload)| {
            let usable = upload.state == UploadState::Open && usable.contains(&upload.key.as_str());
            (upload.client == client && usable).then_some(*tag)
        });
        return match open {
            Some(tag) => multipart::go_on(caller, dice, tag, inline_bytes).await,
            None => multipart::create(caller, client, key).await,
        };
    }
    match kind {
        18..50 => client::put(caller, dice, key, client::size(dice, inline_bytes)).await,
        50..72 => client::get(caller, dice, key).await,
        72..84 => client::delete(caller, dice, key).await,
        84..92 => client::list(caller, dice).await,
        _ => client::copy(caller, key, other).await,
    }
}
