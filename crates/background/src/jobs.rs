//! The jobs.

mod expire_keys;
mod finish_interrupted;
mod flush_last_uses;
mod meter_usage;
mod prune_audit;
mod review_quotas;
mod scrub;
mod tell_events;
mod tend_membership;
mod write_groups;

pub use expire_keys::ExpireKeys;
pub use finish_interrupted::FinishInterrupted;
pub use flush_last_uses::FlushLastUses;
pub use meter_usage::{MeterUsage, STORED_BYTES, STORED_OBJECTS};
pub use prune_audit::PruneAudit;
pub use review_quotas::ReviewQuotas;
pub use scrub::{Scrub, scrub};
pub use tell_events::TellEvents;
pub use tend_membership::TendMembership;
pub use write_groups::{DIRECTORY_DRIFT, WriteGroups};
