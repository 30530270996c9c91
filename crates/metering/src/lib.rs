//! What was used, day by day: storage, traffic and requests, by tenancy, bucket and person.
//!
//! A request adds a few numbers to the [`Meters`] in memory and pays for nothing else. A job writes what they gathered
//! into the record of the day ([`Metering::flush`]) every minute and when the server ends, and notes what is stored
//! ([`Metering::note_stored`]). Whoever asks for the history ([`Metering::history`]) has what is in memory written first, so
//! that the answer is exact. A crash loses the traffic of the last minute; storage is counted elsewhere and loses nothing.
//!
//! # Bounds
//! A record takes some 300 bytes. Days are kept for [`KEPT_DAYS`] and up to two months more, then added up by months,
//! which are kept for [`KEPT_MONTHS`]: at most 1,110 records for a tenancy, a bucket or a person, whether it still is
//! there or not. In a tenancy [`SERIES`] buckets and as many people have a meter at a time; the traffic of further ones
//! counts in the tenancy's.

mod day;
mod error;
mod flush;
mod history;
mod keyspace;
mod meters;
mod record;
mod retention;
mod series;

use std::sync::Arc;

use storage::Metadata;
use types::Clock;

pub use day::Day;
pub use error::MeteringError;
pub use history::{History, Of, Period, Query, Row};
pub use meters::{Class, Request, SERIES};
pub use record::{Requests, Stored, Traffic};
pub use retention::{KEPT_DAYS, KEPT_MONTHS};
pub use series::{Series, Subject};

use meters::Meters;

/// Bytes of request bodies, by `tenancy`.
pub const RECEIVED_BYTES: &str = "commonhold_tenancy_received_bytes_total";
/// Bytes of response bodies, by `tenancy`.
pub const SENT_BYTES: &str = "commonhold_tenancy_sent_bytes_total";
/// Requests, by `tenancy` and `class`.
pub const REQUESTS: &str = "commonhold_tenancy_requests_total";

/// The history of use. One process at a time writes it.
pub struct Metering {
    metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    meters: Meters,
    /// Held while records are read and written: what is added to one must not get lost.
    writing: tokio::sync::Mutex<()>,
}

impl Metering {
    /// The history in the control space of `metadata`.
    pub fn new(metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Self {
        Self { metadata, clock, meters: Meters::default(), writing: tokio::sync::Mutex::default() }
    }

    /// Counts a request that has ended.
    pub fn count(&self, request: &Request<'_>) {
        self.meters.count(request);
    }

    /// Today, in UTC.
    pub fn today(&self) -> Day {
        Day::of(self.clock.now())
    }
}

impl std::fmt::Debug for Metering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metering")
    }
}

#[cfg(test)]
mod tests;
