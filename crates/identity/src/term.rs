//! How long something is to hold: as people choose it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::Timestamp;

/// The longest term that one person grants another, in months.
pub const MAX_TERM_MONTHS: u32 = 120;
/// The most days that a term is written in.
const MAX_TERM_DAYS: u32 = 3660;

/// How long something is to hold, from the moment in which it is granted: `30d`, `6mo`, `1y`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Term {
    /// So many times 24 hours.
    Days(u32),
    /// So many months of the calendar.
    Months(u32),
}

impl Term {
    /// A year: what is granted where nothing is said.
    pub const YEAR: Self = Self::Months(12);
    /// The terms to choose from, as people are offered them: 6 months, 1, 2, 3, 5 and 10 years.
    pub const CHOICES: [Self; 6] = [
        Self::Months(6),
        Self::YEAR,
        Self::Months(24),
        Self::Months(36),
        Self::Months(60),
        Self::Months(MAX_TERM_MONTHS),
    ];

    /// When what is granted at `now` ends.
    pub fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => now.plus_secs(u64::from(days) * 24 * 3600),
            Self::Months(months) => now.plus_months(months),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days}d"),
            Self::Months(months) if months % 12 == 0 => write!(f, "{}y", months / 12),
            Self::Months(months) => write!(f, "{months}mo"),
        }
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number = number.parse::<u32>().ok().filter(|number| *number > 0);
        let term = number.and_then(|number| match unit {
            "d" => Some(Self::Days(number)).filter(|_| number <= MAX_TERM_DAYS),
            "mo" => Some(Self::Months(number)).filter(|_| number <= MAX_TERM_MONTHS),
            "y" => Some(Self::Months(number.saturating_mul(12))).filter(|_| number <= MAX_TERM_MONTHS / 12),
            _ => None,
        });
        term.ok_or_else(|| format!("{text:?} is no term: write one like 30d, 6mo or 1y, of at most 10 years"))
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_are_written() {
        let now = Timestamp::parse_iso8601("2027-01-31").expect("a date");
        for (text, written, end) in [
            ("30d", "30d", "2027-03-02"),
            ("6mo", "6mo", "2027-07-31"),
            ("1y", "1y", "2028-01-31"),
            ("12mo", "1y", "2028-01-31"),
            ("10y", "10y", "2037-01-31"),
        ] {
            let term: Term = text.parse().expect(text);
            assert_eq!((term.to_string().as_str(), Some(term.end(now))), (written, Timestamp::parse_iso8601(end)));
        }
        for text in ["", "y", "0y", "-1y", "1", "1 y", "1w", "11y", "121mo", "99999999999y", "1.5y", "3661d"] {
            assert!(text.parse::<Term>().is_err(), "{text:?}");
        }
        assert!(Term::CHOICES.iter().all(|term| term.to_string().parse() == Ok(*term)));
    }
}
