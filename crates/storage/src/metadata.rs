//! Ordered keys and values with small atomic batches.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use types::BlobId;

use crate::{CommitError, StorageError};

/// The bounds that every engine grants and every caller keeps.
pub mod limits {
    /// The longest key, in bytes: an escaped object key of 1024 bytes (at most doubled) with its suffixes.
    pub const KEY_BYTES: usize = 2304;
    /// The longest value, in bytes.
    pub const VALUE_BYTES: usize = 64 * 1024;
    /// The most keys that one batch puts and deletes.
    pub const BATCH_KEYS: usize = 1024;
    /// The most bytes of keys, values and inline bodies in one batch.
    pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
    /// The most pairs that one scan returns, whatever is asked.
    pub const SCAN_KEYS: usize = 1024;
    /// The longest name of a counter, in bytes.
    pub const COUNTER_BYTES: usize = 512;
}

/// A keyspace of its own: the control plane, or one bucket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Space(pub u64);

impl Space {
    /// Where tenancies, people, keys and the buckets' own records live.
    pub const CONTROL: Self = Self(0);
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A mark of the state of a space, to be compared with a later one of the same space and process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(pub u64);

/// A moment in the life of this process's store: [`Metadata::moment`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment(pub u64);

/// What a batch relies on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expect {
    /// There is no such key.
    Absent(Vec<u8>),
    /// The key has exactly this value.
    Value(Vec<u8>, Bytes),
    /// The key is there, with whatever value.
    Present(Vec<u8>),
}

impl Expect {
    /// The key that the expectation is about.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Absent(key) | Self::Value(key, _) | Self::Present(key) => key,
        }
    }

    /// Whether it holds where the key has `current`.
    pub fn holds(&self, current: Option<&[u8]>) -> bool {
        match (self, current) {
            (Self::Absent(_), current) => current.is_none(),
            (Self::Present(_), current) => current.is_some(),
            (Self::Value(_, wanted), current) => current == Some(wanted.as_ref()),
        }
    }
}

/// A blob that a batch takes into keeping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NewBlob {
    /// A small body that travels inside the commit and becomes a blob with it. At most
    /// [`crate::Blobs::inline_limit`] bytes.
    Inline(BlobId, Bytes),
    /// A blob that [`crate::Blobs::create`] or [`crate::Blobs::link`] has made durable.
    Made(BlobId),
}

impl NewBlob {
    /// The blob's name.
    pub fn id(&self) -> BlobId {
        match self {
            Self::Inline(id, _) | Self::Made(id) => *id,
        }
    }
}

/// A change of a counter. Counters are sums that batches of any group add to: exact with the commit, and the one thing
/// that is not cut into groups. A counter that never was touched is 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounded {
    /// The counter's name, in one namespace for the whole store; at most 512 bytes.
    pub name: Vec<u8>,
    /// What is added.
    pub delta: i64,
    /// The batch fails with [`CommitError::OverLimit`] where a positive `delta` would lift the counter above this.
    pub at_most: Option<i64>,
}

/// Changes that happen together or not at all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    /// What must hold, checked in the same step as the changes.
    pub expect: Vec<Expect>,
    /// A moment after which the caller has read all that is expected, and found it so. An engine that knows of a key
    /// that it did not change since need not look at it again. `None` where something that is expected was not read.
    pub read_after: Option<Moment>,
    /// Keys and their new values. No key or value is empty. Deletes happen before puts, and the last put of a key wins.
    pub put: Vec<(Vec<u8>, Bytes)>,
    /// Keys that go; one that is absent is no error.
    pub delete: Vec<Vec<u8>>,
    /// Blobs taken into keeping. Their names are new: random, or else sure to be nobody's. One that is kept already is an error of
    /// the caller, which an engine answers with [`StorageError::Bounds`] where it notices; in a debug build it does. One that
    /// never was made is [`StorageError::NoSuchBlob`].
    pub keep: Vec<NewBlob>,
    /// Blobs no longer named by any record. They stay readable to whoever holds a [`crate::Pin`] taken before. A blob
    /// that is gone is no error; one that was made and never kept is discarded, which is how to give up a blob.
    pub retire: Vec<BlobId>,
    /// Counters and what is added to them.
    pub count: Vec<Bounded>,
}

/// Ordered byte keys to byte values, in spaces.
///
/// A *group* is a key prefix chosen by the caller: one object key with all its versions, one multipart upload, one
/// tenancy. Every key of a batch (expected, put or deleted) belongs to the batch's group. Two groups in use never
/// contain one another.
///
/// A space has two *sides*, told apart by the highest bit of a key's first byte: the front without it, the back with it. A
/// key's *place* is the key without that bit. Sides do not divide groups: a key belongs to a group if their places say so.
/// So a caller can lay on the back what scans over many groups pass over, and still change it in one batch with the
/// rest of its group. [`crate::side`] makes and compares such keys. An engine that divides a space among nodes divides it
/// by places.
///
/// Once `commit` returned `Ok`, the batch survives the loss of power and every later call sees it. What is not yet
/// durable is seen by nobody.
#[async_trait]
pub trait Metadata: Send + Sync + 'static {
    /// The value of `key`.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] where it is there but does not verify.
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The pairs with `from <= key < to` in key order (to the space's end where `to` is `None`): up to `limit`, and
    /// never more than [`limits::SCAN_KEYS`]. Fewer than both means that the range ends there. One call sees one
    /// moment; two calls may see two.
    async fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError>;

    /// The pairs of both sides whose places lie in `from..to`, in the order of places ([`crate::side::order`]), as if there
    /// were no sides; `from` and `to` are keys of the front. Limits are those of [`Self::scan`], and one call sees one
    /// moment, of both sides.
    async fn scan_both(
        &self,
        space: Space,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError>;

    /// A mark of the state that `space` is in. While two calls answer the same mark, `get`, `scan` and `scan_both` of that space answer
    /// between them, and at the moment of the second, what they did at the moment of the first. `None` where the space
    /// changes at this moment, and always from an engine that can not say.
    ///
    /// So what was read between two equal marks may be told again as long as a new call answers that mark, and is as
    /// good as read anew: every write that was acknowledged before that call is in it, and every state that anybody saw
    /// before is not later than it.
    fn stamp(&self, _space: Space) -> Option<Stamp> {
        None
    }

    /// The present moment, for [`Batch::read_after`]: every call that begins later sees all that was committed until now.
    /// `None` from an engine that looks at everything again.
    fn moment(&self) -> Option<Moment> {
        None
    }

    /// Commits `batch` to the group `group` of `space`.
    ///
    /// What is wrong is looked for in this order: bounds, a closed space, expectations, counters, blobs to keep.
    ///
    /// # Errors
    /// [`CommitError`] says whether anything may have changed.
    async fn commit(&self, space: Space, group: &[u8], batch: Batch) -> Result<(), CommitError>;

    /// The values of counters, as of one moment.
    async fn counters(&self, names: &[Vec<u8>]) -> Result<Vec<i64>, StorageError>;

    /// Closes `space`, if none of its keys lies in `from..to`: every later commit to it fails with
    /// [`StorageError::Closed`]. Answers whether it is closed now; closing a closed space is `true`.
    async fn close(&self, space: Space, from: &[u8], to: Option<&[u8]>) -> Result<bool, StorageError>;

    /// Removes every key of a closed space. Idempotent; blobs that its records named must have been retired before. A
    /// space that is not closed is an error of the caller ([`StorageError::Bounds`]).
    async fn erase(&self, space: Space) -> Result<(), StorageError>;
}
