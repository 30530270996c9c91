//! `DateEquals`, `DateLessThan` and their kin: dates as in ISO 8601, or seconds since 1970. Moments are compared by the
//! second.

use types::Timestamp;

use super::Test;
use super::numeric::Comparison;
use crate::document::Refusal;
use crate::template::Variables;

/// Moments, and how the request's must stand to one of them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct DateTest {
    comparison: Comparison,
    moments: Vec<Timestamp>,
}

pub(super) fn parse(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    let comparison = Comparison::parse(operator.strip_prefix("Date")?)?;
    let moments = values.iter().map(|value| moment(value));
    Some(moments.collect::<Result<_, _>>().map(|moments| Test::Date(DateTest { comparison, moments })))
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    let seconds = text.trim().parse().ok().map(Timestamp::from_secs);
    seconds.or_else(|| Timestamp::parse_iso8601(text)).ok_or_else(|| {
        Refusal::here(format!("{text:?} is no date like 2027-01-31 or 2027-01-31T12:00:00Z, and no seconds since 1970"))
    })
}

impl DateTest {
    pub(super) fn accepts(&self, moment: Timestamp) -> bool {
        self.moments.iter().any(|listed| self.comparison.accepts(moment.as_secs().cmp(&listed.as_secs())))
    }
}
