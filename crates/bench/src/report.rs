//! Tables for people.

use std::fmt::Write as _;

use crate::limits::Limit;
use crate::measurement::Measurement;
use crate::scale::Finding;
use crate::targets::{Outcome, Verdict};

/// `4 KiB`, `1 GiB`: the largest unit that divides the size, else bytes.
pub fn size(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fits = units.iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{bytes} B"), |(name, unit)| format!("{} {name}", bytes / unit))
}

/// One line a measurement.
pub fn measurements(rows: &[(String, Measurement)]) -> String {
    let mut table =
        vec![["TARGET", "WORK", "REQ/S", "MB/S", "P50 MS", "P90 MS", "P99 MS", "MAX MS", "ERRORS"].map(String::from)];
    table.extend(rows.iter().map(|(target, row)| {
        let latency = row.latency;
        [
            target.clone(),
            row.name.clone(),
            format!("{:.1}", row.rate()),
            format!("{:.1}", row.throughput() / 1e6),
            format!("{:.3}", latency.p50_ms),
            format!("{:.3}", latency.p90_ms),
            format!("{:.3}", latency.p99_ms),
            format!("{:.3}", latency.max_ms),
            row.errors.to_string(),
        ]
    }));
    let mut text = columns(&table);
    for (target, row) in rows {
        if let Some(error) = &row.first_error {
            let _ = writeln!(text, "{target}: the first error: {error}");
        }
    }
    text
}

/// The machine's limits.
pub fn limits(rows: &[Limit]) -> String {
    let mut table = vec![["LIMIT", "VALUE", "UNIT"].map(String::from)];
    table.extend(rows.iter().map(|row| [row.name.clone(), format!("{:.3}", row.value), row.unit.to_owned()]));
    columns(&table)
}

/// The targets with what was achieved.
pub fn outcomes(rows: &[Outcome]) -> String {
    let mut table = vec![["WORK", "OURS", "LIMIT", "RATIO", "SPREAD", "TARGET", ""].map(String::from)];
    table.extend(rows.iter().map(|row| {
        let sign = if row.at_most { "<=" } else { ">=" };
        [
            row.name.clone(),
            format!("{:.2} {}", row.ours, row.unit),
            format!("{:.2} {}", row.limit, row.unit),
            format!("{:.2}", row.ratio),
            format!("{:.2}-{:.2}", row.lowest, row.highest),
            if row.target > 0.0 { format!("{sign} {:.2}", row.target) } else { "none".to_owned() },
            if row.target > 0.0 || row.verdict == Verdict::Failed { verdict(row.verdict) } else { "" }.to_owned(),
        ]
    }));
    let mut text = columns(&table);
    for row in rows.iter().filter(|row| row.error.is_some()) {
        let _ = writeln!(text, "{}: {}", row.name, row.error.as_deref().unwrap_or_default());
    }
    text
}

/// The rows of a full store, each with what is behind it.
pub fn findings(rows: &[Finding]) -> String {
    let mut table = vec![["WORK", "VALUE", "TARGET", ""].map(String::from)];
    table.extend(rows.iter().map(|row| {
        let value = format!("{:.2} {}", row.value, row.unit);
        [row.name.clone(), value, format!("<= {:.2}", row.at_most), verdict(row.verdict).to_owned()]
    }));
    let mut text = columns(&table);
    for row in rows {
        let _ = writeln!(text, "{}: {}", row.name, row.note);
    }
    text
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Missed => "MISSED",
        Verdict::Failed => "FAILED",
    }
}

fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_their_unit() {
        for (bytes, text) in [(0, "0 B"), (1, "1 B"), (4096, "4 KiB"), (1 << 30, "1 GiB"), ((1 << 20) + 1, "1048577 B")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
