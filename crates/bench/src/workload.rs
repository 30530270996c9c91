//! What to send.

use std::time::Duration;

/// What requests do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Makes objects, a new key each.
    Put,
    /// Makes objects by multipart upload, a new key each; a request is a whole upload.
    PutMultipart {
        /// Bytes of a part, but for the last.
        part_size: u64,
        /// Parts at a time in one upload, each on a connection of its own.
        parallel_parts: usize,
    },
    /// Reads objects.
    Get,
    /// Reads random ranges of objects, aligned to their own length.
    Range {
        /// Bytes of a range.
        range_size: u64,
    },
    /// Asks for objects' headers.
    Head,
    /// Deletes objects, each once.
    Delete,
    /// Lists pages of up to 1,000 keys: the same page again and again.
    List,
    /// Lists pages of up to 1,000 keys, one after the other, so that none is asked for again soon.
    ListEach,
    /// Of ten requests six GET, two HEAD and two PUT.
    Mixed,
}

impl Operation {
    /// As options and reports have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::PutMultipart { .. } => "put-multipart",
            Self::Get => "get",
            Self::Range { .. } => "range",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::List => "list",
            Self::ListEach => "list-each",
            Self::Mixed => "mixed",
        }
    }
}

/// When it is enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// No request starts later than this.
    After(Duration),
    /// So many requests, in all.
    Count(u64),
}

/// A load on a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workload {
    /// What requests do.
    pub operation: Operation,
    /// Bytes of an object.
    pub size: u64,
    /// Connections, each with one request at a time (multipart uploads: each with its parts).
    pub connections: usize,
    /// When it is enough.
    pub stop: Stop,
    /// The objects that are there to be read, listed or deleted.
    pub objects: u64,
    /// What all keys begin with.
    pub prefix: String,
}

impl Workload {
    /// A line for reports.
    pub fn describe(&self) -> String {
        let size = crate::report::size(self.size);
        let connections = self.connections;
        match self.operation {
            Operation::PutMultipart { part_size, parallel_parts } => {
                format!("put {size} in parts of {}, {parallel_parts} at a time", crate::report::size(part_size))
            }
            Operation::Range { range_size } => {
                format!("get {} of {size}, {connections} connections", crate::report::size(range_size))
            }
            Operation::Head | Operation::Delete | Operation::List | Operation::ListEach => {
                format!("{}, {connections} connections", self.operation.name())
            }
            operation => format!("{} {size}, {connections} connections", operation.name()),
        }
    }
}
