//! Hashing of large bodies, of several uploads side by side.
//!
//! MD5 is what bounds a large body, so it should wait for neither the socket nor the connection's task. A body comes in
//! runs, which wait here for a thread of those for blocking work while the task receives the next. A core hashes eight
//! bodies in the time of two ([`Md5::update_each`]): so where several are under way, their runs wait until enough of
//! them can go together, or until one needs room or its end. One by itself waits for nobody. A thread hashes what there
//! is to hash and goes, so slow clients hold none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use storage::StorageError;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use types::Md5;

use crate::digest::Hashers;

/// The most runs of a body that wait: enough for a thread to be always busy.
const WAITING_RUNS: usize = 3;
/// A body with so many has to go on, or its task would soon wait for room.
const PRESSING_RUNS: usize = 2;

/// A stretch of a body, in pieces as they were received.
pub(crate) type Run = Vec<Bytes>;

/// The large bodies under way. Shared by all uploads.
pub(crate) struct LargeBodies {
    state: Mutex<State>,
    most_threads: usize,
}

impl Default for LargeBodies {
    fn default() -> Self {
        let most_threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { state: Mutex::default(), most_threads }
    }
}

impl LargeBodies {
    /// Begins a body, for which `hashers` are.
    pub(crate) fn begin(self: &Arc<Self>, hashers: Hashers) -> LargeBody {
        let changed = Arc::new(Notify::new());
        let hashers = Place::Here(Box::new(hashers));
        let body = Body { runs: VecDeque::new(), hashers, ending: false, changed: Arc::clone(&changed) };
        let mut state = self.state.lock();
        let number = state.begun;
        state.begun += 1;
        state.bodies.insert(number, body);
        LargeBody { all: Arc::clone(self), number, changed }
    }

    /// Sees to it that a thread is at work if one has to be. Whatever changes the state ends with this.
    fn see_to(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.threads >= self.most_threads || !state.has_work() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        state.threads += 1;
        // A runtime that is ending drops the worker at once, and that locks the state.
        drop(state);
        let worker = Worker { all: Arc::clone(self), batch: Vec::new(), is_done: false };
        runtime.spawn_blocking(move || worker.run());
    }
}

/// One large body, until this is dropped.
pub(crate) struct LargeBody {
    all: Arc<LargeBodies>,
    number: u64,
    /// A run was taken, or the hashers came back.
    changed: Arc<Notify>,
}

impl LargeBody {
    /// Takes in `run`. Waits while [`WAITING_RUNS`] wait already, so memory stays bounded.
    ///
    /// # Errors
    /// Where a thread ended with the hashers.
    pub(crate) async fn push(&self, run: Run) -> Result<(), StorageError> {
        let mut run = Some(run);
        loop {
            {
                let mut state = self.all.state.lock();
                let body = state.body(self.number)?;
                if body.runs.len() < WAITING_RUNS {
                    body.runs.extend(run.take());
                }
                self.all.see_to(state);
            }
            if run.is_none() {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }

    /// The hashers, once they have taken in all runs.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub(crate) async fn end(self) -> Result<Hashers, StorageError> {
        loop {
            {
                let mut state = self.all.state.lock();
                let body = state.body(self.number)?;
                body.ending = true;
                if body.runs.is_empty()
                    && let Some(hashers) = body.hashers.take()
                {
                    return Ok(*hashers);
                }
                self.all.see_to(state);
            }
            self.changed.notified().await;
        }
    }
}

impl Drop for LargeBody {
    fn drop(&mut self) {
        let mut state = self.all.state.lock();
        state.bodies.remove(&self.number);
        // Those that are left may have nobody to wait for any more.
        self.all.see_to(state);
    }
}

#[derive(Default)]
struct State {
    /// By number, in which they take turns.
    bodies: BTreeMap<u64, Body>,
    /// How many bodies began, which is the number of the next.
    begun: u64,
    /// The number from which on it is whose turn.
    turn: u64,
    /// Those that are at work.
    threads: usize,
}

struct Body {
    runs: VecDeque<Run>,
    hashers: Place,
    /// Its task waits for the last run.
    ending: bool,
    changed: Arc<Notify>,
}

/// Where the hashers of a body are.
enum Place {
    Here(Box<Hashers>),
    /// With a thread, which brings them back, or with who asked for the end.
    Away,
    /// A thread ended with them.
    Lost,
}

impl Place {
    fn take(&mut self) -> Option<Box<Hashers>> {
        match std::mem::replace(self, Self::Away) {
            Self::Here(hashers) => Some(hashers),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Body {
    fn is_ready(&self) -> bool {
        !self.runs.is_empty() && matches!(self.hashers, Place::Here(_))
    }

    fn is_pressing(&self) -> bool {
        self.ending || self.runs.len() >= PRESSING_RUNS
    }
}

impl State {
    fn body(&mut self, number: u64) -> Result<&mut Body, StorageError> {
        let body = self.bodies.get_mut(&number).filter(|body| !matches!(body.hashers, Place::Lost));
        body.ok_or_else(|| StorageError::Io("hashing was broken off".to_owned()))
    }

    /// Whether there is something to hash that does not better wait for more.
    fn has_work(&self) -> bool {
        let mut ready = 0;
        for body in self.bodies.values().filter(|body| body.is_ready()) {
            if body.is_pressing() {
                return true;
            }
            ready += 1;
        }
        ready > 0 && (self.bodies.len() < Md5::WORTH_LANES || ready >= self.bodies.len().min(Md5::LANES))
    }

    /// A run of each of the bodies whose turn it is, as many as are worth it to go together.
    fn take_runs(&mut self) -> Vec<Taken> {
        let (before, after) = (self.bodies.range(..self.turn), self.bodies.range(self.turn..));
        let ready = after.chain(before).filter(|(_, body)| body.is_ready()).map(|(number, _)| *number);
        let mut numbers: Vec<u64> = ready.take(Md5::LANES).collect();
        if numbers.len() < Md5::WORTH_LANES {
            numbers.truncate(1);
        }
        self.turn = numbers.last().map_or(0, |number| number + 1);
        numbers.into_iter().filter_map(|number| self.take_run(number)).collect()
    }

    fn take_run(&mut self, number: u64) -> Option<Taken> {
        let body = self.bodies.get_mut(&number)?;
        let hashers = body.hashers.take()?;
        let run = body.runs.pop_front().unwrap_or_default();
        body.changed.notify_one();
        Some(Taken { number, hashers, run })
    }

    /// The hashers of a body come back, or are known not to. It may be given up by now.
    fn put_back(&mut self, number: u64, hashers: Place) {
        if let Some(body) = self.bodies.get_mut(&number) {
            body.hashers = hashers;
            body.changed.notify_one();
        }
    }
}

/// A run with the hashers that take it in.
struct Taken {
    number: u64,
    hashers: Box<Hashers>,
    run: Run,
}

/// A thread. Wherever it ends, the hashers that it has come back or are known to be lost.
struct Worker {
    all: Arc<LargeBodies>,
    batch: Vec<Taken>,
    is_done: bool,
}

impl Worker {
    fn run(mut self) {
        while self.goes_on() {
            let pairs = self.batch.iter_mut().map(|taken| (&mut *taken.hashers, &taken.run));
            Hashers::update_each(&mut pairs.collect::<Vec<_>>());
        }
    }

    /// Gives back what it has and takes more; `false` where there is nothing to hash now.
    fn goes_on(&mut self) -> bool {
        let mut state = self.all.state.lock();
        for taken in self.batch.drain(..) {
            state.put_back(taken.number, Place::Here(taken.hashers));
        }
        if state.has_work() {
            self.batch = state.take_runs();
        } else {
            state.threads -= 1;
            self.is_done = true;
        }
        !self.is_done
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = self.all.state.lock();
        state.threads -= 1;
        for taken in self.batch.drain(..) {
            state.put_back(taken.number, Place::Lost);
        }
        // Otherwise the runtime is going, and with it whoever waits.
        if std::thread::panicking() {
            self.all.see_to(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use types::Md5;

    use super::{Hashers, LargeBodies, LargeBody, Place, WAITING_RUNS, Worker};

    fn run(number: usize) -> Vec<Bytes> {
        let bytes: Bytes = (0..10_000 + number * 37 % 5000).map(|at| (at * number % 251) as u8).collect();
        vec![bytes.slice(..number), bytes.slice(number..)]
    }

    /// Bodies with nobody at work: as if all threads were busy elsewhere.
    fn without_threads() -> Arc<LargeBodies> {
        Arc::new(LargeBodies { most_threads: 0, ..LargeBodies::default() })
    }

    fn worker(all: &Arc<LargeBodies>) -> Worker {
        all.state.lock().threads += 1;
        Worker { all: Arc::clone(all), batch: Vec::new(), is_done: false }
    }

    async fn with_runs(all: &Arc<LargeBodies>, runs: usize) -> LargeBody {
        let body = all.begin(Hashers::new(&[]));
        for number in 0..runs {
            body.push(run(number)).await.unwrap();
        }
        body
    }

    fn waiting(body: &LargeBody) -> usize {
        body.all.state.lock().bodies[&body.number].runs.len()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn each_of_many_gets_its_own_hash() {
        let all = Arc::new(LargeBodies::default());
        let bodies = (0..60).map(|first| {
            let body = all.begin(Hashers::new(&[]));
            tokio::spawn(async move {
                let mut alone = Md5::default();
                for number in first..first + 1 + first % 13 {
                    run(number).iter().for_each(|piece| alone.update(piece));
                    body.push(run(number)).await.unwrap();
                }
                assert_eq!(body.end().await.unwrap().finish().md5, alone.finish());
            })
        });
        for body in bodies.collect::<Vec<_>>() {
            body.await.unwrap();
        }
        assert!(all.state.lock().bodies.is_empty());
        // A thread that came late may still have to find that there is nothing left.
        while all.state.lock().threads > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_or_two_wait_for_nobody_and_more_for_each_other() {
        let all = without_threads();
        let mut bodies = vec![with_runs(&all, 1).await];
        assert!(all.state.lock().has_work());
        bodies.push(with_runs(&all, 0).await);
        assert!(all.state.lock().has_work());
        bodies.push(with_runs(&all, 0).await);
        assert!(!all.state.lock().has_work());
        bodies[1].push(run(7)).await.unwrap();
        assert!(!all.state.lock().has_work());
        bodies[2].push(run(8)).await.unwrap();
        assert!(all.state.lock().has_work());
        bodies.push(with_runs(&all, 0).await);
        assert!(!all.state.lock().has_work());
        // One that has to have room soon takes the others along.
        bodies[0].push(run(9)).await.unwrap();
        worker(&all).run();
        assert_eq!(bodies.iter().map(waiting).collect::<Vec<_>>(), [1, 0, 0, 0]);
        // And so does one that ends.
        bodies[2].push(run(8)).await.unwrap();
        assert!(!all.state.lock().has_work());
        assert!(bodies.swap_remove(0).end().now_or_never().is_none());
        assert!(!all.state.lock().has_work(), "who gave up is not waited for");
    }

    #[tokio::test]
    async fn no_more_than_the_bound_waits() {
        let all = without_threads();
        let body = with_runs(&all, WAITING_RUNS).await;
        let mut more = Box::pin(body.push(run(5)));
        assert!(more.as_mut().now_or_never().is_none());
        assert_eq!(waiting(&body), WAITING_RUNS);
        worker(&all).run();
        more.await.unwrap();
        worker(&all).run();
        let mut alone = Md5::default();
        [0, 1, 2, 5].iter().for_each(|number| run(*number).iter().for_each(|piece| alone.update(piece)));
        assert_eq!(body.end().await.unwrap().finish().md5, alone.finish());
    }

    #[tokio::test]
    async fn all_take_turns() {
        let all = without_threads();
        let mut bodies = Vec::new();
        for _ in 0..2 * Md5::LANES {
            bodies.push(with_runs(&all, 2).await);
        }
        let mut worker = worker(&all);
        assert!(worker.goes_on() && worker.goes_on());
        assert!(bodies.iter().all(|body| waiting(body) == 1));
    }

    #[test]
    fn a_runtime_that_is_gone_leaves_no_thread_behind() {
        let all = Arc::new(LargeBodies::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _within = handle.enter();
        let body = all.begin(Hashers::new(&[]));
        body.push(run(1)).now_or_never().unwrap().unwrap();
        assert_eq!(all.state.lock().threads, 0);
        drop(body);
        assert!(all.state.lock().bodies.is_empty());
    }

    #[tokio::test]
    async fn hashers_that_a_thread_ended_with_are_an_error_and_no_wait() {
        let all = without_threads();
        let body = with_runs(&all, 1).await;
        let mut worker = worker(&all);
        assert!(worker.goes_on());
        drop(worker);
        assert!(matches!(all.state.lock().bodies[&body.number].hashers, Place::Lost));
        body.push(run(1)).await.expect_err("the hashers are lost");
        body.end().await.expect_err("the hashers are lost");
        assert_eq!(all.state.lock().threads, 0);
    }
}
