//! Counting what test programs report.

use std::fmt;

/// Whose summary lines a step prints.
#[derive(Clone, Copy, Debug)]
pub(super) enum Report {
    /// Nobody's.
    None,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    Cargo,
    /// `=== 1 failed, 3 passed, 2 skipped, 1 error in 0.1s ===`.
    Pytest,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Adds what the line sums up, if it is a summary line of this report.
    pub(super) fn count(&mut self, report: Report, line: &str) {
        let summary = match report {
            Report::None => None,
            Report::Cargo => line.strip_prefix("test result: "),
            Report::Pytest => line.strip_prefix('=').filter(|rest| rest.contains(" in ")),
        };
        for part in summary.into_iter().flat_map(|text| text.split([',', ';', '.'])) {
            self.add_part(part);
        }
    }

    /// Adds a test that is a step of its own.
    pub(super) fn add_one(&mut self, passed: bool) {
        *(if passed { &mut self.passed } else { &mut self.failed }) += 1;
    }

    pub(super) fn add_skipped(&mut self, tests: u64) {
        self.skipped += tests;
    }

    /// Adds a part such as ` 3 passed`.
    fn add_part(&mut self, part: &str) {
        let mut words = part.split_whitespace().skip_while(|word| word.starts_with('='));
        let (Some(number), Some(kind)) = (words.next(), words.next()) else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        match kind {
            "passed" | "xpassed" => self.passed += number,
            "failed" | "error" | "errors" => self.failed += number,
            "skipped" | "ignored" | "xfailed" => self.skipped += number,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_summary_lines_only() {
        let cases = [
            (Report::Cargo, "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out", (12, 0, 1)),
            (Report::Cargo, "test result: FAILED. 2 passed; 3 failed; 0 ignored", (2, 3, 0)),
            (Report::Cargo, "test passes::3_passed ... ok", (0, 0, 0)),
            (Report::Pytest, "====== 1 failed, 30 passed, 2 skipped, 1 error in 12.30s (0:00:12) ======", (30, 2, 2)),
            (Report::Pytest, "=== 5 passed in 0.10s ===", (5, 0, 0)),
            (Report::Pytest, "=== short test summary info ===", (0, 0, 0)),
            (Report::None, "test result: ok. 12 passed", (0, 0, 0)),
        ];
        for (report, line, (passed, failed, skipped)) in cases {
            let mut tally = Tally::default();
            tally.count(report, line);
            assert_eq!(tally, Tally { passed, failed, skipped }, "{line}");
        }
    }

    #[test]
    fn the_sum_is_one_plain_line() {
        let tally = Tally { passed: 3, failed: 0, skipped: 1 };
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 1 skipped");
    }
}
