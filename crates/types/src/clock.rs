//! Time as an argument.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime};

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// As RFC 9110 section 5.6.7 abbreviates them, from Monday.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// As RFC 9110 section 5.6.7 abbreviates them.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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

    /// The same day of the month and time of day, `months` later; the month's last day where it has no such day. As it is
    /// after the year 9999.
    pub fn plus_months(self, months: u32) -> Self {
        let moment = self.civil();
        let month = u32::from(u8::from(moment.month())) - 1 + months % 12;
        let year = i64::from(moment.year()) + i64::from(months / 12) + i64::from(month / 12);
        let later = i32::try_from(year).ok().and_then(|year| {
            let month = Month::try_from(u8::try_from(month % 12 + 1).ok()?).ok()?;
            Date::from_calendar_date(year, month, moment.day().min(month.length(year))).ok()
        });
        later.and_then(|date| Self::from_offset(moment.replace_date(date))).unwrap_or(self)
    }

    /// `2009-10-12`, for people.
    pub fn to_date(self) -> String {
        let mut text = self.rfc3339(0);
        text.truncate("2009-10-12".len());
        text
    }

    /// `2009-10-12T17:50:30.000Z`, the form of S3's XML documents.
    pub fn to_iso8601(self) -> String {
        self.rfc3339(3)
    }

    /// `2009-10-12T17:50:30.000000Z`, the form of log lines.
    pub fn to_rfc3339_micros(self) -> String {
        self.rfc3339(6)
    }

    /// Date, time, and the fraction of the second in so many digits, at most 6.
    fn rfc3339(self, digits: u32) -> String {
        let moment = self.civil();
        let mut text = String::with_capacity(27);
        push_digits(&mut text, moment.year().unsigned_abs(), 4);
        for (before, number) in [('-', u8::from(moment.month())), ('-', moment.day()), ('T', moment.hour())] {
            text.push(before);
            push_digits(&mut text, number.into(), 2);
        }
        for number in [moment.minute(), moment.second()] {
            text.push(':');
            push_digits(&mut text, number.into(), 2);
        }
        text.push('.');
        push_digits(&mut text, moment.microsecond() / 10u32.pow(6 - digits), digits);
        text.push('Z');
        text
    }

    /// `Mon, 12 Oct 2009 17:50:30 GMT`, the form of HTTP headers (RFC 9110 section 5.6.7).
    pub fn to_http_date(self) -> String {
        let moment = self.civil();
        let mut text = String::with_capacity(29);
        text.push_str(WEEKDAYS[usize::from(moment.weekday().number_days_from_monday())]);
        text.push_str(", ");
        push_digits(&mut text, moment.day().into(), 2);
        text.push(' ');
        text.push_str(MONTHS[usize::from(u8::from(moment.month())) - 1]);
        text.push(' ');
        push_digits(&mut text, moment.year().unsigned_abs(), 4);
        for (before, number) in [(' ', moment.hour()), (':', moment.minute()), (':', moment.second())] {
            text.push(before);
            push_digits(&mut text, number.into(), 2);
        }
        text.push_str(" GMT");
        text
    }

    /// `20091012T175030Z`, the form of SigV4.
    pub fn to_amz_date(self) -> String {
        let moment = self.civil();
        let mut text = String::with_capacity(16);
        push_digits(&mut text, moment.year().unsigned_abs(), 4);
        push_digits(&mut text, u8::from(moment.month()).into(), 2);
        push_digits(&mut text, moment.day().into(), 2);
        text.push('T');
        for number in [moment.hour(), moment.minute(), moment.second()] {
            push_digits(&mut text, number.into(), 2);
        }
        text.push('Z');
        text
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
        if let Ok(date) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Self::from_offset(date.midnight().assume_utc());
        }
        Self::from_offset(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// Reads SigV4's `20091012T175030Z`, or `None`.
    pub fn parse_amz_date(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        if (date.len(), time.len()) != (8, 6) || !date.bytes().chain(time.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let month = Month::try_from(date[4..6].parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(date[..4].parse().ok()?, month, date[6..].parse().ok()?).ok()?;
        let time = [&time[..2], &time[2..4], &time[4..]].map(|digits| digits.parse::<u8>().ok());
        let moment = date.with_hms(time[0]?, time[1]?, time[2]?).ok()?;
        Self::from_offset(moment.assume_utc())
    }

    /// Date and time, UTC; the epoch for moments after the year 9999.
    fn civil(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.as_secs()).unwrap_or(i64::MAX);
        let moment = OffsetDateTime::from_unix_timestamp(seconds);
        let microsecond = u32::try_from(self.0 % 1_000_000).unwrap_or_default();
        moment.and_then(|moment| moment.replace_microsecond(microsecond)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn from_offset(moment: OffsetDateTime) -> Option<Self> {
        u64::try_from(moment.unix_timestamp_nanos() / 1_000).ok().map(Self)
    }
}

/// Writes `number` in `width` decimal digits. Dates stand in every response and a thousand times in a listing, so they
/// are written without a formatter.
fn push_digits(text: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = u8::try_from(number / 10u32.pow(place) % 10).unwrap_or_default();
        text.push(char::from(b'0' + digit));
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
        assert_eq!(moment.to_date(), "2009-10-12");
        assert_eq!(Timestamp(moment.0 + 12_034).to_rfc3339_micros(), "2009-10-12T17:50:30.012034Z");
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
    fn months_end_where_the_calendar_says() {
        let date = |text| Timestamp::parse_iso8601(text).expect("a date");
        for (from, months, to) in [
            ("2027-01-31T12:30:00Z", 1, "2027-02-28T12:30:00Z"),
            ("2027-08-31", 6, "2028-02-29"),
            ("2027-12-01", 1, "2028-01-01"),
            ("2028-02-29", 12, "2029-02-28"),
            ("2027-06-15", 120, "2037-06-15"),
            ("2027-06-15", 0, "2027-06-15"),
        ] {
            assert_eq!(date(from).plus_months(months), date(to), "{from} + {months}");
        }
        let last = date("9999-12-31T00:00:00Z");
        assert_eq!(last.plus_months(1), last);
    }

    #[test]
    fn dates_are_written_as_others_write_them() {
        // A step of a little more than a third of a year, through leap years and past centuries, to the year 9999.
        for seconds in (0..253_402_300_799).step_by(10_999_999) {
            let moment = Timestamp(seconds * 1_000_000 + seconds % 1000 * 1000);
            let system = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            assert_eq!(moment.to_http_date(), httpdate::fmt_http_date(system));
            assert_eq!(Timestamp::parse_iso8601(&moment.to_iso8601()), Some(moment));
            assert_eq!(Timestamp::parse_amz_date(&moment.to_amz_date()), Some(Timestamp::from_secs(seconds)));
        }
        assert_eq!(Timestamp(u64::MAX).to_iso8601(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in ["20091312T175030Z", "20090229T175030Z", "20091012T245030Z", "20091012T175030", "+0091012T175030Z"]
        {
            assert_eq!(Timestamp::parse_amz_date(text), None, "{text}");
        }
        for text in ["", "yesterday", "2009-13-01", "1969-12-31", "Mon, 12 Oct 2009"] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
            assert_eq!(Timestamp::parse_iso8601(text), None, "{text}");
        }
    }
}
