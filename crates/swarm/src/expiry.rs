//! `X-User-Token-Expires-Meta`: until when a token works.
//!
//! Source: the Content Gateway's page "Token-based Authentication", and what clients send.

use types::Timestamp;

use crate::error::SwarmError;

/// Without a header: `tokenTTLHours` of the Content Gateway, by default.
const DEFAULT_SECONDS: u64 = 24 * 3600;
const DAY_SECONDS: u64 = 24 * 3600;
/// The most days from now, a hundred years.
const MAX_DAYS: u64 = 36_525;
/// The years that four digits alone can mean; other numbers are seconds.
const YEARS: std::ops::RangeInclusive<u64> = 1970..=9999;

/// Reads `+365` (days), `1444419929` (seconds since the epoch), `2027` (its first moment), `2027-01-31` and
/// `2027-01-31T12:00:00.000Z`. A day from now where there is nothing.
///
/// # Errors
/// [`SwarmError::Invalid`] for anything else. Whether the moment is to come is looked at where a token is made.
pub(crate) fn parse(text: Option<&str>, now: Timestamp) -> Result<Timestamp, SwarmError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(now.plus_secs(DEFAULT_SECONDS));
    };
    let number =
        |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    let moment = match text.strip_prefix('+') {
        Some(days) => number(days).filter(|days| *days <= MAX_DAYS).map(|days| now.plus_secs(days * DAY_SECONDS)),
        None => match number(text) {
            Some(year) if text.len() == 4 && YEARS.contains(&year) => {
                Timestamp::parse_iso8601(&format!("{text}-01-01"))
            }
            Some(seconds) => Some(Timestamp::from_secs(seconds)),
            None => Timestamp::parse_iso8601(text),
        },
    };
    moment.ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        SwarmError::Invalid(format!(
            "{text:?} is no expiry: write +30 (days), seconds since 1970, 2027, 2027-01-31 or 2027-01-31T12:00:00Z"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let now = Timestamp::from_secs(1_800_000_000);
        for (text, expected) in [
            (None, Some("2027-01-16T08:00:00.000Z")),
            (Some(""), Some("2027-01-16T08:00:00.000Z")),
            (Some("1444419929"), Some("2015-10-09T19:45:29.000Z")),
            (Some("+365"), Some("2028-01-15T08:00:00.000Z")),
            (Some("+90"), Some("2027-04-15T08:00:00.000Z")),
            (Some("2015"), Some("2015-01-01T00:00:00.000Z")),
            (Some("2027-05-29"), Some("2027-05-29T00:00:00.000Z")),
            (Some("2025-01-01T00:00:00.000Z"), Some("2025-01-01T00:00:00.000Z")),
            (Some(" 2027-01-31T12:00:00+01:00 "), Some("2027-01-31T11:00:00.000Z")),
            (Some("+"), None),
            (Some("+-1"), None),
            (Some("+99999999999"), None),
            (Some("-1"), None),
            (Some("tomorrow"), None),
            (Some("2027-13-01"), None),
            (Some("99999999999999999999999"), None),
        ] {
            let read = parse(text, now).ok().map(Timestamp::to_iso8601);
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }
}
