//! Blobs: small ones in the log, large ones as files.
//!
//! A blob that is being made is known to [`making`] until a batch keeps it: a small one as its bytes, which travel in
//! the record of that batch; a large one as a file that is already durable ([`file`]). [`writer`] decides which, and
//! [`file_writer`] writes the file. The index then has the blob's [`place`]. [`reader`] reads either kind and verifies all
//! that it hands on. Both fill [`buffers`]. [`retirement`] holds what was retired until no pin needs it.

pub(crate) mod buffers;
pub(crate) mod file;
pub(crate) mod file_writer;
pub(crate) mod making;
pub(crate) mod place;
pub(crate) mod reader;
pub(crate) mod retirement;
pub(crate) mod writer;
