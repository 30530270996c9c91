//! Dates, sizes and counts as people read them.

use std::fmt;

use askama::filters::HtmlSafe;
use types::Timestamp;

/// A moment as a day, `3 Nov 2026`, with the moment itself for who points at it and for programs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Day(pub(crate) Timestamp);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, http) = (self.0.to_iso8601(), self.0.to_http_date());
        // `Tue, 03 Nov 2026 10:00:00 GMT`
        let day = http.get(5..16).unwrap_or_default();
        let day = day.strip_prefix('0').unwrap_or(day);
        let moment = http.get(5..22).unwrap_or_default();
        write!(f, "<time datetime=\"{iso}\" title=\"{moment} UTC\">{day}</time>")
    }
}

/// It writes a fixed element around digits and names of months.
impl HtmlSafe for Day {}

/// A moment to the minute, `3 Nov 2026, 10:05`, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, http) = (self.0.to_iso8601(), self.0.to_http_date());
        let (day, time) = (http.get(5..16).unwrap_or_default(), http.get(17..22).unwrap_or_default());
        let day = day.strip_prefix('0').unwrap_or(day);
        write!(f, "<time datetime=\"{iso}\" title=\"{iso}\">{day}, {time}</time>")
    }
}

/// It writes a fixed element around digits and names of months.
impl HtmlSafe for Moment {}

/// How long something takes, in the two largest units: `3 days 4 h`, `2 min 5 s`.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        (1, ..) => format!("1 day {hours} h"),
        _ => format!("{days} days {hours} h"),
    }
}

/// A size that a form can take back without a rounding: in the largest unit that makes it whole.
pub(crate) fn exact_size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 5] = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = UNITS.into_iter().find(|(_, bits)| bytes > 0 && bytes.trailing_zeros() >= *bits);
    unit.map_or_else(|| format!("{bytes} B"), |(name, bits)| format!("{} {name}", bytes >> bits))
}

/// When something ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End(pub(crate) Option<Timestamp>);

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(moment) => Day(moment).fmt(f),
            None => f.write_str("never"),
        }
    }
}

impl HtmlSafe for End {}

/// A number with its noun: `1 key`, `1,024 keys`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A number with a comma after each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_can_read_them() {
        let moment = Timestamp::parse_iso8601("2026-11-03T10:05:00Z").expect("a date");
        let day = Day(moment).to_string();
        assert!(day.contains(">3 Nov 2026<") && day.contains("title=\"03 Nov 2026 10:05 UTC\""), "{day}");
        assert_eq!(End(None).to_string(), "never");
        assert!(Moment(moment).to_string().contains(">3 Nov 2026, 10:05<"), "{}", Moment(moment));
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (125, "2 min 5 s"),
            (3_600, "1 h 0 min"),
            (90_000, "1 day 1 h"),
            (180_000, "2 days 2 h"),
        ] {
            assert_eq!(span(seconds), expected);
        }
        for bytes in [0, 1, 1023, 1024, 1 << 40, 3 << 40, (1 << 40) + 1, (1 << 53) + 512] {
            assert_eq!(types::size::parse_size(&exact_size(bytes)), Ok(bytes), "{}", exact_size(bytes));
        }
        assert_eq!((exact_size(10 << 40).as_str(), exact_size(1500).as_str()), ("10 TiB", "1500 B"));
        for (number, expected) in
            [(0, "0 keys"), (1, "1 key"), (999, "999 keys"), (1_000, "1,000 keys"), (12_345_678, "12,345,678 keys")]
        {
            assert_eq!(count(number, "key"), expected);
        }
    }
}
