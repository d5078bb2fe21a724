//! Counts what test runners report.

use std::iter::Sum;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that passed or failed as a whole.
    pub(crate) const fn one(passed: bool) -> Self {
        if passed { Self { passed: 1, failed: 0 } } else { Self { passed: 0, failed: 1 } }
    }

    /// Sums the `test result:` lines of cargo's test harness. An ignored test counts as failed: nothing is left out silently.
    pub(crate) fn of_libtest(output: &str) -> Self {
        output
            .lines()
            .filter_map(|line| line.split_once("test result: "))
            .map(|(_, result)| Self::of_counts(result.split(['.', ';'])))
            .sum()
    }

    /// Reads the closing `# pass 3` and `# fail 0` lines of TAP. Cancelled, skipped and unfinished tests count as failed.
    pub(crate) fn of_tap(output: &str) -> Self {
        // What tests print comes before, with the same mark.
        let closing = output.rfind("\n# tests ").map_or("", |at| &output[at..]);
        let counts = closing.lines().filter_map(|line| line.strip_prefix("# ")).filter_map(|line| line.split_once(' '));
        counts.map(|(name, count)| Self::of_count(count, name)).sum()
    }

    /// The tally of a run that must have tests: a run that failed without a failed test, or that had no test, is one failure.
    pub(crate) fn of_run(self, success: bool) -> Self {
        let ran = self.passed + self.failed > 0;
        if (success && ran) || self.failed > 0 { self } else { self + Self::one(false) }
    }

    fn of_counts<'r>(parts: impl Iterator<Item = &'r str>) -> Self {
        parts.filter_map(|part| part.trim().split_once(' ')).map(|(count, name)| Self::of_count(count, name)).sum()
    }

    fn of_count(count: &str, name: &str) -> Self {
        let count = count.trim().parse().unwrap_or(0);
        match name.trim() {
            "passed" | "pass" => Self { passed: count, failed: 0 },
            "failed" | "fail" | "ignored" | "cancelled" | "skipped" | "todo" => Self { passed: 0, failed: count },
            _ => Self::default(),
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| sum + tally)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn results_of_all_test_binaries_are_summed() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests x
test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.20s
";
        assert_eq!(Tally::of_libtest(output), tally(5, 3));
    }

    #[test]
    fn the_closing_lines_of_tap_are_read() {
        let output = "ok 1 - a\n# pass 9\n# tests 7\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n# duration_ms 2864.07\n";
        assert_eq!(Tally::of_tap(output), tally(3, 4));
    }

    #[test]
    fn a_run_that_broke_or_tested_nothing_is_a_failure() {
        assert_eq!(tally(0, 0).of_run(true), tally(0, 1));
        assert_eq!(tally(3, 0).of_run(false), tally(3, 1));
        assert_eq!(tally(3, 2).of_run(false), tally(3, 2));
        assert_eq!(tally(3, 0).of_run(true), tally(3, 0));
    }

    #[test]
    fn the_closing_line_reads_so() {
        assert_eq!(tally(12, 0).to_string(), "12 passed, 0 failed");
    }
}
