//! Every segment of the log: which records it has, how much of it is alive, and how to read it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::disk::{Disk, File, OpenMode};

/// The directory of the segments.
pub(crate) const DIRECTORY: &str = "log";
/// Segments that are held open for readers. Others are opened when read.
const OPEN_SEGMENTS: usize = 256;
/// What every name of a segment ends with.
const SUFFIX: &str = ".segment";

/// The path of a segment.
pub(crate) fn path(segment: u64) -> String {
    format!("{DIRECTORY}/{segment:016x}{SUFFIX}")
}

/// The segment that a name in the directory stands for.
pub(crate) fn number(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(SUFFIX)?, 16).ok()
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The sequence of its last record; `None` while it is written to.
    pub(crate) last: Option<u64>,
    /// The length of what was written.
    pub(crate) used: u64,
    /// The bytes of bodies in it that a blob, kept or retired, still has.
    pub(crate) live: u64,
}

/// The segments of a store.
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    facts: RwLock<BTreeMap<u64, Facts>>,
    handles: Mutex<HashMap<u64, Arc<dyn File>>>,
    /// Held for reading by whoever needs every segment to stay; removal passes while it is.
    stay: RwLock<()>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, facts: RwLock::default(), handles: Mutex::default(), stay: RwLock::default() }
    }

    pub(crate) fn insert(&self, segment: u64, facts: Facts) {
        self.facts.write().insert(segment, facts);
    }

    /// Notes how far a segment is written.
    pub(crate) fn written(&self, segment: u64, used: u64) {
        if let Some(facts) = self.facts.write().get_mut(&segment) {
            facts.used = used;
        }
    }

    /// Notes that nothing more is written to a segment.
    pub(crate) fn seal(&self, segment: u64, last: u64, used: u64) {
        if let Some(facts) = self.facts.write().get_mut(&segment) {
            facts.last = Some(last);
            facts.used = used;
        }
    }

    /// Changes the live bytes of a segment; answers what they are now.
    pub(crate) fn enliven(&self, segment: u64, change: i64) -> u64 {
        match self.facts.write().get_mut(&segment) {
            Some(facts) => {
                facts.live = facts.live.saturating_add_signed(change);
                facts.live
            }
            None => 0,
        }
    }

    /// Sets the live bytes that the index remembers; `false` where there is no such segment.
    pub(crate) fn set_live(&self, segment: u64, live: u64) -> bool {
        self.facts.write().get_mut(&segment).map(|facts| facts.live = live).is_some()
    }

    /// The live bytes of a segment; 0 where it is gone.
    pub(crate) fn live(&self, segment: u64) -> u64 {
        self.facts.read().get(&segment).map_or(0, |facts| facts.live)
    }

    pub(crate) fn all(&self) -> Vec<(u64, Facts)> {
        self.facts.read().iter().map(|(segment, facts)| (*segment, *facts)).collect()
    }

    /// An open file of a segment; `None` where it is gone.
    pub(crate) fn file(&self, segment: u64) -> io::Result<Option<Arc<dyn File>>> {
        if let Some(file) = self.handles.lock().get(&segment) {
            return Ok(Some(Arc::clone(file)));
        }
        match self.disk.open(&path(segment), OpenMode::Read) {
            Ok(file) => {
                self.hold(segment, Arc::clone(&file));
                // A file that was removed meanwhile must not keep its space for the sake of a handle.
                if !self.facts.read().contains_key(&segment) {
                    self.handles.lock().remove(&segment);
                }
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Holds an open file for readers.
    pub(crate) fn hold(&self, segment: u64, file: Arc<dyn File>) {
        let mut handles = self.handles.lock();
        if handles.len() >= OPEN_SEGMENTS {
            // Any will do: the file is opened again when it is read.
            if let Some(other) = handles.keys().next().copied() {
                handles.remove(&other);
            }
        }
        handles.insert(segment, file);
    }

    /// Keeps every segment where it is until the answer is dropped.
    pub(crate) fn stay(&self) -> RwLockReadGuard<'_, ()> {
        self.stay.read()
    }

    /// Removes the segments that nobody needs: without live bytes, and with no record after the checkpoint. The newest
    /// that was written stays, because it says where the log goes on. Answers how many went.
    pub(crate) fn remove_dead(&self, checkpoint: u64) -> io::Result<usize> {
        // Whoever wants them to stay goes first; the next look finds them again.
        let Some(_removing) = self.stay.try_write() else { return Ok(0) };
        let dead: Vec<u64> = {
            let facts = self.facts.read();
            let newest = facts.iter().rev().find(|(_, facts)| facts.used > 0).map_or(0, |(segment, _)| *segment);
            let older = facts.range(..newest);
            let dead = older.filter(|(_, facts)| facts.live == 0 && facts.last.is_some_and(|last| last <= checkpoint));
            dead.map(|(segment, _)| *segment).collect()
        };
        for segment in &dead {
            match self.disk.remove(&path(*segment)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.facts.write().remove(segment);
            self.handles.lock().remove(segment);
        }
        Ok(dead.len())
    }
}
