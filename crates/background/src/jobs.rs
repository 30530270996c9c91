//! The jobs.

mod expire_keys;
mod finish_interrupted;
mod scrub;

pub use expire_keys::ExpireKeys;
pub use finish_interrupted::FinishInterrupted;
pub use scrub::{Scrub, scrub};
