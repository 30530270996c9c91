//! Dates as people and JSON write them: ISO 8601.

use types::Timestamp;

/// A text is not a date.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is no date: write one like 2027-01-31 or 2027-01-31T12:00:00Z")]
pub struct DateError {
    text: String,
}

/// Reads an ISO 8601 date, which stands for its first moment in UTC, or date and time.
///
/// # Errors
/// [`DateError`] for anything else.
pub fn parse_date(text: &str) -> Result<Timestamp, DateError> {
    Timestamp::parse_iso8601(text).ok_or_else(|| DateError { text: text.to_owned() })
}

/// A moment in JSON.
pub(crate) mod iso8601 {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use types::Timestamp;

    pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        super::parse_date(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A moment or none in JSON.
pub(crate) mod iso8601_option {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use types::Timestamp;

    pub(crate) fn serialize<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.collect_str(moment),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.as_deref().map(super::parse_date).transpose().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_iso_8601() {
        assert_eq!(parse_date("2009-10-12"), Ok(Timestamp::from_secs(1_255_305_600)));
        let error = parse_date("next week").expect_err("no date");
        assert!(error.to_string().contains("2027-01-31"));
    }
}
