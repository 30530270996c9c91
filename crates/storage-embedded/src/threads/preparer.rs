//! Makes the next segment of the log ahead of need, and watches the free space.
//!
//! A segment is filled with zeros before it is used ([`Preparation::Zeroed`]): a sync then only writes data. Into space
//! that was merely set aside, each sync also commits the file system's journal, and waits for whatever else is in it.
//! The first segment after opening is not filled, so that opening and small stores stay cheap, and filling ends early
//! where the segment is needed at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use storage::StorageError;

use crate::disk::{DIRECT_ALIGNMENT, Disk, File, OpenMode};
use crate::error::from_io;
use crate::log::segments::{DIRECTORY, path};
use crate::options::{Options, Preparation};
use crate::threads::Pace;

/// How often the free space is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// The zeros that are written at a time.
const ZERO_BYTES: usize = 1 << 20;

/// A segment with nothing in it, whose space and name are durable.
pub(crate) struct Prepared {
    pub(crate) segment: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) capacity: u64,
}

/// The thread that makes segments, as others see it.
pub(crate) struct Preparer {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    reserve_bytes: u64,
    preparation: Preparation,
    pace: Pace,
    state: Mutex<State>,
    changed: Condvar,
    /// The committer waits: no more zeros.
    urgent: AtomicBool,
    short_of_space: AtomicBool,
}

struct State {
    next: u64,
    ready: Option<Result<Prepared, StorageError>>,
    wanted: bool,
    stopped: bool,
}

impl Preparer {
    /// A preparer whose first segment is `next`.
    pub(crate) fn new(disk: Arc<dyn Disk>, options: &Options, next: u64, pace: Pace) -> Self {
        let reserve_bytes = options.reserve_bytes;
        let short_of_space = AtomicBool::new(disk.free_bytes().is_ok_and(|free| free < reserve_bytes));
        Self {
            disk,
            segment_bytes: options.segment_bytes,
            reserve_bytes,
            preparation: options.preparation,
            pace,
            state: Mutex::new(State { next, ready: None, wanted: true, stopped: false }),
            changed: Condvar::new(),
            urgent: AtomicBool::new(true),
            short_of_space,
        }
    }

    /// A segment will be needed soon.
    pub(crate) fn want(&self) {
        self.state.lock().wanted = true;
        self.changed.notify_all();
    }

    /// The next segment; waits while it is being made.
    ///
    /// # Errors
    /// What went wrong at making it; the next call finds the outcome of another attempt.
    pub(crate) fn take(&self) -> Result<Prepared, StorageError> {
        let mut state = self.state.lock();
        loop {
            if let Some(outcome) = state.ready.take() {
                state.wanted = false;
                self.urgent.store(false, Ordering::Relaxed);
                return outcome;
            }
            if state.stopped {
                return Err(super::queue::gone());
            }
            self.urgent.store(true, Ordering::Relaxed);
            if self.pace == Pace::Steps {
                self.make_ready(&mut state);
                continue;
            }
            state.wanted = true;
            self.changed.notify_all();
            self.changed.wait(&mut state);
        }
    }

    /// Whether there is so little space that new bodies must be refused.
    pub(crate) fn is_short_of_space(&self) -> bool {
        self.short_of_space.load(Ordering::Relaxed)
    }

    /// Whether `bytes` can be written without touching the reserve.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        !self.is_short_of_space()
            && self.disk.free_bytes().is_ok_and(|free| free >= bytes.saturating_add(self.reserve_bytes))
    }

    /// Looks at the free space now.
    pub(crate) fn measure(&self) {
        if let Ok(free) = self.disk.free_bytes() {
            metrics::gauge!("commonhold_storage_free_bytes").set(free as f64);
            let short = free < self.reserve_bytes;
            if self.short_of_space.swap(short, Ordering::Relaxed) != short {
                tracing::warn!(free, reserve = self.reserve_bytes, short, "free space passed the reserve");
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// The thread.
    pub(crate) fn run(&self) {
        let mut state = self.state.lock();
        while !state.stopped {
            if state.wanted && state.ready.is_none() {
                self.make_ready(&mut state);
            } else {
                self.changed.wait_for(&mut state, INTERVAL);
                self.look_again(&mut state);
            }
        }
    }

    /// What the thread does until it waits.
    pub(crate) fn step(&self) {
        let mut state = self.state.lock();
        self.look_again(&mut state);
        if state.wanted && state.ready.is_none() {
            self.make_ready(&mut state);
        }
    }

    fn make_ready(&self, state: &mut MutexGuard<'_, State>) {
        let segment = state.next;
        MutexGuard::unlocked(state, || self.measure());
        let outcome = MutexGuard::unlocked(state, || self.prepare(segment));
        if outcome.is_ok() {
            state.next += 1;
        }
        state.ready = Some(outcome.map_err(|error| from_io(&error)));
        self.changed.notify_all();
    }

    fn look_again(&self, state: &mut MutexGuard<'_, State>) {
        MutexGuard::unlocked(state, || self.measure());
        // What went wrong may be over, such as a full disk.
        state.ready.take_if(|outcome| outcome.is_err());
    }

    fn prepare(&self, segment: u64) -> io::Result<Prepared> {
        let path = path(segment);
        let file = self.disk.open(&path, OpenMode::CreateNew)?;
        let outcome = file
            .allocate(self.segment_bytes)
            .and_then(|()| self.fill(&path, &*file))
            .and_then(|()| file.sync_data())
            .and_then(|()| self.disk.sync_dir(DIRECTORY));
        match outcome {
            Ok(()) => Ok(Prepared { segment, file, capacity: self.segment_bytes }),
            Err(error) => {
                self.disk.remove(&path).unwrap_or_else(|second| {
                    tracing::warn!(path, %second, "a segment that could not be prepared can not be removed");
                });
                Err(error)
            }
        }
    }

    /// Writes zeros, past the page cache where that can be done: through it, the copying costs more than the appends
    /// that it makes cheaper.
    fn fill(&self, path: &str, file: &dyn File) -> io::Result<()> {
        if self.preparation == Preparation::Reserved {
            return Ok(());
        }
        let zeros = vec![0; ZERO_BYTES + DIRECT_ALIGNMENT];
        let zeros = &zeros[zeros.as_ptr().align_offset(DIRECT_ALIGNMENT)..][..ZERO_BYTES];
        let mut direct = self.disk.open(path, OpenMode::WriteDirect).ok();
        let mut at = 0;
        while at < self.segment_bytes && !self.urgent.load(Ordering::Relaxed) {
            let count = (ZERO_BYTES as u64).min(self.segment_bytes - at);
            let zeros = &zeros[..usize::try_from(count).expect("at most ZERO_BYTES")];
            let past = direct.as_ref().filter(|_| zeros.len().is_multiple_of(DIRECT_ALIGNMENT));
            match past.map(|direct| direct.write_at(zeros, at)) {
                // The file system has other ideas of alignment.
                Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                    direct = None;
                    continue;
                }
                Some(written) => written?,
                None => file.write_at(zeros, at)?,
            }
            at += count;
        }
        Ok(())
    }
}
