//! Buffers that large reads fill, used again and again.
//!
//! A buffer of this size from the allocator is new memory of the operating system each time: it is zeroed, and every page
//! of it faults once. Both together cost as much as the read itself where the page cache has the bytes.

use bytes::Bytes;
use parking_lot::Mutex;

/// The length of a buffer, in bytes: one piece of a large read, with the blocks that it begins and ends in.
pub(crate) const BUFFER_BYTES: usize = 640 << 10;
/// A read of fewer bytes is no reason to hold a buffer of that length.
const LEAST_BYTES: usize = 64 << 10;
/// The most buffers that wait for their next use: 20 MiB.
const WAITING_MOST: usize = 32;

static WAITING: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Bytes to be filled. What they hold before is arbitrary.
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    length: usize,
}

impl Buffer {
    /// A buffer of `length` bytes, from those that wait where there is one.
    pub(crate) fn new(length: usize) -> Self {
        let memory = match length {
            LEAST_BYTES..=BUFFER_BYTES => WAITING.lock().pop().unwrap_or_else(|| vec![0; BUFFER_BYTES].into()),
            _ => vec![0; length].into(),
        };
        Self { memory, length }
    }

    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.length]
    }

    /// The bytes, shared without a copy. The buffer waits for its next use as soon as nobody holds them any more.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.memory.len() == BUFFER_BYTES {
            let mut waiting = WAITING.lock();
            if waiting.len() < WAITING_MOST {
                waiting.push(std::mem::take(&mut self.memory));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, Buffer, LEAST_BYTES, WAITING, WAITING_MOST};

    #[test]
    fn a_buffer_is_as_long_as_was_asked_whatever_it_was_before() {
        for length in [0, 1, LEAST_BYTES - 1, LEAST_BYTES, BUFFER_BYTES, BUFFER_BYTES + 1, LEAST_BYTES] {
            let mut buffer = Buffer::new(length);
            buffer.as_mut().fill(7);
            let bytes = buffer.freeze();
            assert_eq!(bytes.len(), length);
            assert!(bytes.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn bytes_that_somebody_holds_are_not_used_again() {
        let mut first = Buffer::new(LEAST_BYTES);
        first.as_mut().fill(1);
        let held = first.freeze().slice(5..10);
        let mut others: Vec<_> = (0..WAITING_MOST + 5).map(|_| Buffer::new(LEAST_BYTES)).collect();
        others.iter_mut().for_each(|other| other.as_mut().fill(2));
        drop(others);
        assert_eq!(held, [1; 5].as_slice());
        assert!(WAITING.lock().len() <= WAITING_MOST);
    }
}
