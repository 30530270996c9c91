//! The engine's view of a disk: names, files, and what makes them durable.
//!
//! The rules are those of POSIX file systems after a loss of power. What was written to a file is durable after
//! [`File::sync_data`]; a name (created, linked, renamed or removed) is durable after [`Disk::sync_dir`] of its
//! directory. Anything else may be lost, kept or torn, in any order. [`MemoryDisk`] plays that out.

mod memory;
mod real;

use std::any::Any;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
pub use memory::{Fault, MemoryDisk};
pub use real::RealDisk;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// A file that is there, for reading.
    Read,
    /// A file that is there, for reading and writing.
    Write,
    /// A file that is there, for writing past the page cache: what is written goes to the device and takes no memory.
    /// Offsets, lengths and the memory that is written from must be multiples of [`DIRECT_ALIGNMENT`]. An error where
    /// the file system can not do it, here or at the first write.
    WriteDirect,
    /// A new file, for reading and writing; an error where the name is taken.
    CreateNew,
}

/// What writes past the page cache are aligned to, in bytes: the largest block that common devices and file systems
/// ask for.
pub(crate) const DIRECT_ALIGNMENT: usize = 4096;

/// Held while the store is open; dropping it lets others in.
pub struct DiskLock(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>);

impl DiskLock {
    /// A lock that lasts as long as `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

/// A tree of files. Paths are relative to its root, with `/`; the root itself is `""`.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Makes a directory where there is none.
    ///
    /// # Errors
    /// Those of the operating system.
    fn make_dir(&self, path: &str) -> io::Result<()>;

    /// The names in a directory, in no order.
    ///
    /// # Errors
    /// Those of the operating system.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// Those of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    /// Those of the operating system; `NotFound` where it is gone.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Gives a file a second name.
    ///
    /// # Errors
    /// Those of the operating system; `AlreadyExists` where `to` is taken.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Takes the lock that `path` stands for.
    ///
    /// # Errors
    /// `WouldBlock` where another has it.
    fn lock(&self, path: &str) -> io::Result<DiskLock>;

    /// The bytes that can still be written.
    ///
    /// # Errors
    /// Those of the operating system.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// The most pieces that are written with one call: `IOV_MAX` of Linux.
pub const MAX_PIECES: usize = 1024;

/// An open file. All calls may be made from many threads.
#[expect(clippy::len_without_is_empty, reason = "a file is not a collection")]
pub trait File: Send + Sync + 'static {
    /// Its length in bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn len(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file or after an interruption.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buffer` from `offset` if that needs no waiting for the device; answers whether it did.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<bool>;

    /// Writes all of `data` at `offset`, growing the file where needed.
    ///
    /// # Errors
    /// Those of the operating system; a part may have been written then.
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Writes `pieces`, at most [`MAX_PIECES`], one after the other from `offset` on, growing the file where needed. What
    /// they fill begins its way to the device at once and leaves the page cache then, where the system can do that.
    ///
    /// # Errors
    /// Those of the operating system; a part may have been written then.
    fn write_uncached_at(&self, pieces: &[Bytes], offset: u64) -> io::Result<()>;

    /// Makes the file at least `length` bytes long, with space set aside for all of them. New bytes read as zero.
    ///
    /// # Errors
    /// `StorageFull` where there is no room.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Cuts the file, or grows it with zeros.
    ///
    /// # Errors
    /// Those of the operating system.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Makes everything written so far durable, and the length with it. After an error what was written since the last
    /// success must count as lost.
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync_data(&self) -> io::Result<()>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], offset + filled as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(())
    }
}
