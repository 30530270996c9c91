//! A disk in memory that remembers what was synced, for tests of crashes and faults.
//!
//! [`MemoryDisk::crash`] answers the disk as it may look after a loss of power: what was synced is there; of the rest,
//! each 512-byte sector of each write and each change of a name was kept or lost, by the dice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use types::{Entropy, SeededEntropy};

use super::{DIRECT_ALIGNMENT, Disk, DiskLock, File, MAX_PIECES, OpenMode};

/// The unit that a device writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What can be made to fail, besides running out of room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// [`File::write_at`] and [`File::write_uncached_at`].
    Write,
    /// [`File::sync_data`]; what was unsynced is lost then, as operating systems do.
    Sync,
    /// [`File::read_at`].
    Read,
    /// [`File::read_at`] too, which then answers half of what it was asked for.
    ShortRead,
    /// [`File::allocate`].
    Allocate,
}

/// A [`Disk`] in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: HashMap<u64, Content>,
    names: BTreeMap<String, u64>,
    dirs: BTreeSet<String>,
    durable_names: BTreeMap<String, u64>,
    /// Changes of names that no `sync_dir` covers yet: a name, and the file that it then stood for.
    pending_names: Vec<(String, Option<u64>)>,
    next_file: u64,
    locked: bool,
    capacity: Option<u64>,
    /// Writes, syncs and changes of names so far.
    operations: u64,
    crash_at: Option<u64>,
    faults: HashMap<Fault, u32>,
    longest_read: usize,
}

#[derive(Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl MemoryDisk {
    /// An empty disk without bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writes, syncs and changes of names there were.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// The most bytes that one read asked for since this was asked last.
    pub fn longest_read(&self) -> usize {
        std::mem::take(&mut self.state.lock().longest_read)
    }

    /// The power fails at the operation with this number: it and all later ones fail.
    pub fn crash_at(&self, operation: u64) {
        self.state.lock().crash_at = Some(operation);
    }

    /// Whether the power failed.
    pub fn crashed(&self) -> bool {
        self.state.lock().crashed()
    }

    /// The disk as it may look after the power failed now. The dice fall by `seed`.
    pub fn crash(&self, seed: u64) -> Self {
        let dice = SeededEntropy::new(seed);
        let state = self.state.lock();
        let mut after = State { dirs: state.dirs.clone(), next_file: state.next_file, ..State::default() };
        let mut ids: Vec<_> = state.files.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let durable = state.files[&id].after_crash(&dice);
            after.files.insert(id, Content { current: durable.clone(), durable, pending: Vec::new() });
        }
        let mut names = state.durable_names.clone();
        for (name, file) in &state.pending_names {
            if coin(&dice) {
                match file {
                    Some(file) => names.insert(name.clone(), *file),
                    None => names.remove(name),
                };
            }
        }
        after.durable_names.clone_from(&names);
        after.names = names;
        Self { state: Arc::new(Mutex::new(after)) }
    }

    /// The next `count` operations of this kind fail.
    pub fn fail(&self, fault: Fault, count: u32) {
        self.state.lock().faults.insert(fault, count);
    }

    /// Bounds the sum of all lengths; `None` lifts the bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// Flips bits of one byte, as a failing device does.
    ///
    /// # Panics
    /// Where there is no such byte.
    pub fn damage(&self, path: &str, offset: u64, mask: u8) {
        let mut state = self.state.lock();
        let id = state.names[path];
        let content = state.files.get_mut(&id).expect("a name stands for a file");
        let at = usize::try_from(offset).expect("an offset in memory");
        content.current[at] ^= mask;
        if at < content.durable.len() {
            content.durable[at] ^= mask;
        }
    }

    /// The sum of all lengths, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used()
    }

    /// The names below `prefix`, with their lengths.
    pub fn files(&self, prefix: &str) -> Vec<(String, u64)> {
        let state = self.state.lock();
        let found = state.names.iter().filter(|(name, _)| name.starts_with(prefix));
        found.map(|(name, id)| (name.clone(), state.files[id].current.len() as u64)).collect()
    }
}

fn coin(dice: &SeededEntropy) -> bool {
    let mut byte = [0];
    dice.fill(&mut byte);
    byte[0] & 1 == 0
}

impl Content {
    fn after_crash(&self, dice: &SeededEntropy) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::Length(length) if coin(dice) => content.resize(to_usize(*length), 0),
                Change::Length(_) => {}
                Change::Write(offset, data) => {
                    let mut at = to_usize(*offset);
                    let mut rest = data.as_slice();
                    while !rest.is_empty() {
                        let sector = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
                        if coin(dice) {
                            write(&mut content, at, &rest[..sector]);
                        }
                        at += sector;
                        rest = &rest[sector..];
                    }
                }
            }
        }
        content
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            match change {
                Change::Write(offset, data) => write(&mut self.durable, to_usize(offset), &data),
                Change::Length(length) => self.durable.resize(to_usize(length), 0),
            }
        }
    }
}

fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn write(content: &mut Vec<u8>, at: usize, data: &[u8]) {
    if content.len() < at + data.len() {
        content.resize(at + data.len(), 0);
    }
    content[at..at + data.len()].copy_from_slice(data);
}

impl State {
    fn crashed(&self) -> bool {
        self.crash_at.is_some_and(|at| self.operations >= at)
    }

    /// Counts an operation that changes something.
    fn operate(&mut self, fault: Option<Fault>) -> io::Result<()> {
        self.operations += 1;
        self.check(fault)
    }

    fn check(&mut self, fault: Option<Fault>) -> io::Result<()> {
        if self.crashed() {
            return Err(io::Error::other("the power is off"));
        }
        if fault.is_some_and(|fault| self.is_due(fault)) {
            return Err(io::Error::other("planned fault"));
        }
        Ok(())
    }

    /// Whether this operation is one of those that are to fail.
    fn is_due(&mut self, fault: Fault) -> bool {
        match self.faults.get_mut(&fault) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    fn find(&self, path: &str) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, path: &str, file: Option<u64>) {
        match file {
            Some(file) => self.names.insert(path.to_owned(), file),
            None => self.names.remove(path),
        };
        self.pending_names.push((path.to_owned(), file));
    }

    fn used(&self) -> u64 {
        let named: BTreeSet<_> = self.names.values().collect();
        named.into_iter().map(|id| self.files[id].current.len() as u64).sum()
    }

    fn check_room(&self, more: u64) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if more > 0 && self.used() + more > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Disk for MemoryDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        let id = match (mode, state.find(path)) {
            (OpenMode::CreateNew, Ok(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (OpenMode::CreateNew, Err(_)) => {
                state.operate(None)?;
                state.next_file += 1;
                let id = state.next_file;
                state.files.insert(id, Content::default());
                state.name(path, Some(id));
                id
            }
            (OpenMode::Read | OpenMode::Write | OpenMode::WriteDirect, found) => {
                state.check(None)?;
                found?
            }
        };
        Ok(Arc::new(MemoryFile { state: Arc::clone(&self.state), id, is_direct: mode == OpenMode::WriteDirect }))
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.check(None)?;
        state.dirs.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.check(None)?;
        if !dir.is_empty() && !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let names = state.names.range(inside.clone()..).map(|(name, _)| name);
        let dirs = state.dirs.range(inside.clone()..);
        let all =
            names.take_while(|name| name.starts_with(&inside)).chain(dirs.take_while(|name| name.starts_with(&inside)));
        let all = all.filter(|path| parent(path) == dir && !path.is_empty());
        Ok(all.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let id = state.find(from)?;
        state.name(from, None);
        state.name(to, Some(id));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        state.find(path)?;
        state.name(path, None);
        Ok(())
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let id = state.find(from)?;
        if state.find(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.name(to, Some(id));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let (synced, pending) =
            std::mem::take(&mut state.pending_names).into_iter().partition(|(name, _)| parent(name) == dir);
        state.pending_names = pending;
        let synced: Vec<(String, Option<u64>)> = synced;
        for (name, file) in synced {
            match file {
                Some(file) => state.durable_names.insert(name, file),
                None => state.durable_names.remove(&name),
            };
        }
        Ok(())
    }

    fn lock(&self, _path: &str) -> io::Result<DiskLock> {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(DiskLock::new(Unlock(Arc::clone(&self.state))))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state.lock();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }
}

struct Unlock(Arc<Mutex<State>>);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.lock().locked = false;
    }
}

struct MemoryFile {
    state: Arc<Mutex<State>>,
    id: u64,
    is_direct: bool,
}

impl MemoryFile {
    fn change(&self, fault: Option<Fault>, change: Change) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(fault)?;
        let current = state.files.get(&self.id).map_or(0, |content| content.current.len() as u64);
        let end = match &change {
            Change::Write(offset, data) => offset + data.len() as u64,
            Change::Length(length) => *length,
        };
        state.check_room(end.saturating_sub(current))?;
        let content = state.files.entry(self.id).or_default();
        match &change {
            Change::Write(offset, data) => write(&mut content.current, to_usize(*offset), data),
            Change::Length(length) => content.current.resize(to_usize(*length), 0),
        }
        content.pending.push(change);
        Ok(())
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().files[&self.id].current.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.check(Some(Fault::Read))?;
        state.longest_read = state.longest_read.max(buffer.len());
        let wanted = if state.is_due(Fault::ShortRead) { buffer.len().div_ceil(2) } else { buffer.len() };
        let content = &state.files[&self.id].current;
        let start = to_usize(offset).min(content.len());
        let count = wanted.min(content.len() - start);
        buffer[..count].copy_from_slice(&content[start..start + count]);
        Ok(count)
    }

    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
        Ok(self.read_at(buffer, offset)? == buffer.len())
    }

    /// # Panics
    /// Where a direct write is not aligned: a device would refuse it, and nobody would see.
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let aligned = [to_usize(offset), data.len(), data.as_ptr().addr()].iter().all(|n| n % DIRECT_ALIGNMENT == 0);
        assert!(aligned || !self.is_direct, "a direct write of {} bytes at {offset}", data.len());
        self.change(Some(Fault::Write), Change::Write(offset, data.to_vec()))
    }

    fn write_uncached_at(&self, pieces: &[Bytes], offset: u64) -> io::Result<()> {
        assert!(pieces.len() <= MAX_PIECES, "a write of {} pieces", pieces.len());
        self.write_at(&pieces.concat(), offset)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        if self.len()? >= length {
            return Ok(());
        }
        self.change(Some(Fault::Allocate), Change::Length(length))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(None, Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let outcome = state.operate(Some(Fault::Sync));
        let crashed = state.crashed();
        let content = state.files.entry(self.id).or_default();
        match outcome {
            Ok(()) => content.sync(),
            Err(_) if crashed => {}
            Err(_) => content.pending.clear(),
        }
        outcome
    }
}
