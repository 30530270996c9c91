//! Time as an argument.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// The form of RFC 9110 section 5.6.7, `Sun, 06 Nov 1994 08:49:37 GMT`.
const IMF_FIXDATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
const ISO_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const AMZ_DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

impl Timestamp {
    /// The moment `seconds` after the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch, rounded down. HTTP dates and conditions have this precision.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// This moment plus `seconds`.
    pub const fn plus_secs(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// `2009-10-12T17:50:30.000Z`, the form of S3's XML documents.
    pub fn to_iso8601(self) -> String {
        self.offset().format(ISO_MILLIS).unwrap_or_default()
    }

    /// `Mon, 12 Oct 2009 17:50:30 GMT`, the form of HTTP headers (RFC 9110 section 5.6.7).
    pub fn to_http_date(self) -> String {
        self.offset().format(IMF_FIXDATE).unwrap_or_default()
    }

    /// `20091012T175030Z`, the form of SigV4.
    pub fn to_amz_date(self) -> String {
        self.offset().format(AMZ_DATE).unwrap_or_default()
    }

    /// Reads an HTTP date in any of the three forms of RFC 9110 section 5.6.7, or the e-mail form with an offset that
    /// some clients send; `None` for anything else.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(moment) = httpdate::parse_http_date(text) {
            return u64::try_from(moment.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok().map(Self);
        }
        Self::from_offset(OffsetDateTime::parse(text, &Rfc2822).ok()?)
    }

    /// Reads an ISO 8601 date or date and time (`2027-01-31`, `2027-01-31T12:00:00Z`, with or without fraction
    /// and offset), or `None`. A date alone is its first moment, UTC.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(date) = time::Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Self::from_offset(date.midnight().assume_utc());
        }
        Self::from_offset(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// Reads SigV4's `20091012T175030Z`, or `None`.
    pub fn parse_amz_date(text: &str) -> Option<Self> {
        Self::from_offset(time::PrimitiveDateTime::parse(text, AMZ_DATE).ok()?.assume_utc())
    }

    fn offset(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn from_offset(moment: OffsetDateTime) -> Option<Self> {
        u64::try_from(moment.unix_timestamp_nanos() / 1_000).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso8601())
    }
}

/// The only way to the wall clock.
pub trait Clock: Send + Sync + 'static {
    /// The present moment. It may jump backwards; whoever needs order keeps its own.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is told to move: for tests and simulation.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.0))
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance_secs(&self, seconds: u64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_survive_the_round_trip_in_each_form() {
        let moment = Timestamp::from_secs(1_255_369_830);
        assert_eq!(moment.to_iso8601(), "2009-10-12T17:50:30.000Z");
        assert_eq!(moment.to_http_date(), "Mon, 12 Oct 2009 17:50:30 GMT");
        assert_eq!(moment.to_amz_date(), "20091012T175030Z");
        for (parsed, form) in [
            (Timestamp::parse_http_date(&moment.to_http_date()), "fixdate"),
            (Timestamp::parse_http_date("Monday, 12-Oct-09 17:50:30 GMT"), "rfc850"),
            (Timestamp::parse_http_date("Mon, 12 Oct 2009 17:50:30 +0000"), "rfc2822"),
            (Timestamp::parse_iso8601(&moment.to_iso8601()), "iso"),
            (Timestamp::parse_iso8601("2009-10-12T19:50:30+02:00"), "iso with offset"),
            (Timestamp::parse_amz_date(&moment.to_amz_date()), "amz"),
        ] {
            assert_eq!(parsed, Some(moment), "{form}");
        }
        assert_eq!(Timestamp::parse_iso8601("2009-10-12"), Some(Timestamp::from_secs(1_255_305_600)));
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in ["", "yesterday", "2009-13-01", "1969-12-31", "Mon, 12 Oct 2009"] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
            assert_eq!(Timestamp::parse_iso8601(text), None, "{text}");
        }
    }
}
