//! Days and months, in UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// A day in UTC, written `2026-11-29`; as it is written it sorts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

const DAY_SECONDS: u64 = 24 * 60 * 60;

impl Day {
    /// The day of a moment.
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.to_date())
    }

    /// The day so many days before that of `moment`, at the earliest that of the epoch.
    pub fn before(moment: Timestamp, days: u64) -> Self {
        Self::of(Timestamp::from_secs(moment.as_secs().saturating_sub(days.saturating_mul(DAY_SECONDS))))
    }

    /// Its month, as `2026-11`.
    pub fn month(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }

    /// `2026-11-29`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was given is no day.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no day; give one as 2026-11-29")]
pub struct NoDay(String);

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let is_day = text.len() == "2026-11-29".len() && Timestamp::parse_iso8601(text).is_some();
        if is_day { Ok(Self(text.to_owned())) } else { Err(NoDay(text.to_owned())) }
    }
}

impl TryFrom<String> for Day {
    type Error = NoDay;

    fn try_from(text: String) -> Result<Self, NoDay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_of_the_calendar() {
        let moment = Timestamp::from_secs(1_795_942_353);
        assert_eq!((Day::of(moment).as_str(), Day::of(moment).month()), ("2026-11-29", "2026-11"));
        assert_eq!(Day::before(moment, 29).as_str(), "2026-10-31");
        assert_eq!(Day::before(Timestamp(0), 5).as_str(), "1970-01-01");
        assert_eq!("2024-02-29".parse(), Ok(Day("2024-02-29".to_owned())));
        for text in ["2025-02-29", "2025-13-01", "2025-1-1", "", "2026-11-29T00:00:00Z", "20261129"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
