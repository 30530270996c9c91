//! What can be tuned. The defaults suit a machine with a few gigabytes of memory.

/// Settings of the engine. All may differ from one opening to the next.
#[derive(Clone, Debug)]
pub struct Options {
    /// The length of a segment of the log in bytes, at most 2 GiB. Default: 64 MiB. Space comes back a segment at a
    /// time.
    pub segment_bytes: u64,
    /// The size in bytes at which the index's part in memory is written to disk. Default: 16 MiB.
    pub memtable_bytes: u64,
    /// The most bytes of log that opening may have to replay, beyond what the memtable bounds. Default: 256 MiB.
    pub replay_bytes: u64,
    /// The largest body in bytes that is packed into the log; a larger one is a file. Default: 64 KiB.
    pub inline_bytes: usize,
    /// The memory in bytes for blocks of the index. Default: 16 MiB.
    pub cache_bytes: u64,
    /// Free space in bytes below which new bodies are refused, so that deletes and the index still have room. Default:
    /// 256 MiB.
    pub reserve_bytes: u64,
    /// How segments are made ready. Default: [`Preparation::Zeroed`].
    pub preparation: Preparation,
    /// Called by each thread of the store that goes to rest after it had work: for allocators that keep what is free for
    /// the thread that allocated it, until that one is asked. Default: does nothing.
    pub at_rest: fn(),
}

/// How a segment of the log is made ready before it is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preparation {
    /// Filled with zeros: syncs are two to three times quicker, and do not wait for what else the file system has to
    /// write; the log's bytes are written twice.
    Zeroed,
    /// Its space is only set aside: for devices whose wear matters more than latency.
    Reserved,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            memtable_bytes: 16 << 20,
            replay_bytes: 256 << 20,
            inline_bytes: 64 << 10,
            cache_bytes: 16 << 20,
            reserve_bytes: 256 << 20,
            preparation: Preparation::Zeroed,
            at_rest: || {},
        }
    }
}
