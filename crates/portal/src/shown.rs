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
        for (number, expected) in
            [(0, "0 keys"), (1, "1 key"), (999, "999 keys"), (1_000, "1,000 keys"), (12_345_678, "12,345,678 keys")]
        {
            assert_eq!(count(number, "key"), expected);
        }
    }
}
