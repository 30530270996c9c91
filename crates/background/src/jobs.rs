//! The jobs.

mod expire_keys;
mod finish_interrupted;

pub use expire_keys::ExpireKeys;
pub use finish_interrupted::FinishInterrupted;
