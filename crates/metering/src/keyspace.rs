//! Where the history lies in [`storage::Space::CONTROL`]: `h/TENANCY/KIND/NAME/d/2026-11-29`, one group for each tenancy.
//!
//! KIND is `t`, `b` or `p`, for tenancy, bucket and person; the tenancy itself has `-` for NAME. A month is under `m`
//! instead of `d`. No name of a tenancy, bucket or person holds a `/`.

use types::TenancyName;

use crate::series::{Series, Subject};

/// Before everything here.
pub(crate) const HISTORY: &[u8] = b"h/";

/// The group of a tenancy.
pub(crate) fn group(tenancy: &TenancyName) -> Vec<u8> {
    format!("h/{tenancy}/").into_bytes()
}

/// Before every series of a kind in a tenancy.
pub(crate) fn kind(tenancy: &TenancyName, kind: char) -> Vec<u8> {
    format!("h/{tenancy}/{kind}/").into_bytes()
}

/// Before the records of a series.
pub(crate) fn series(series: &Series) -> Vec<u8> {
    let tenancy = &series.tenancy;
    match &series.of {
        Subject::Tenancy => format!("h/{tenancy}/t/-/"),
        Subject::Bucket(bucket) => format!("h/{tenancy}/b/{bucket}/"),
        Subject::Person(person) => format!("h/{tenancy}/p/{person}/"),
    }
    .into_bytes()
}

/// The record of a day.
pub(crate) fn day(of: &Series, day: &str) -> Vec<u8> {
    [&series(of), b"d/".as_slice(), day.as_bytes()].concat()
}

/// The record of a month.
pub(crate) fn month(of: &Series, month: &str) -> Vec<u8> {
    [&series(of), b"m/".as_slice(), month.as_bytes()].concat()
}

/// What comes after every key that begins with `prefix`, which ends in `/`.
pub(crate) fn end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The series of a key, whether it is a month's, and which day or month.
pub(crate) fn parse(key: &[u8]) -> Option<(Series, bool, &str)> {
    let mut parts = std::str::from_utf8(key).ok()?.strip_prefix("h/")?.split('/');
    let (tenancy, kind, name, span, at) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let of = match kind {
        "t" => Subject::Tenancy,
        "b" => Subject::Bucket(name.parse().ok()?),
        "p" => Subject::Person(name.parse().ok()?),
        _ => return None,
    };
    let is_month = match span {
        "d" => false,
        "m" => true,
        _ => return None,
    };
    (parts.next().is_none()).then_some((Series { tenancy: tenancy.parse().ok()?, of }, is_month, at))
}
