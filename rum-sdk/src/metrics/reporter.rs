use rum_protocol::{Id, Metric};

/// A value that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Which vital.
    pub metric: Metric,
    /// The metric instance.
    pub id: Id,
    /// The value, in the metric's unit.
    pub value: f64,
    /// The value last reported under the same id, if any.
    pub previous: Option<f64>,
}

/// Decides which values of one metric instance are reported (R1).
#[derive(Clone, Debug)]
pub struct Reporter {
    metric: Metric,
    id: Id,
    last: Option<f64>,
}

impl Reporter {
    /// A new instance; `id` is random.
    #[must_use]
    pub const fn new(metric: Metric, id: Id) -> Self {
        Self { metric, id, last: None }
    }

    /// The report of `value`, unless nothing changed since the last one.
    pub fn report(&mut self, value: f64) -> Option<Report> {
        #[expect(clippy::float_cmp, reason = "the question is whether it is the very same value")]
        let changed = self.last.is_none_or(|last| last != value);
        if !changed || value.is_nan() || value < 0.0 {
            return None;
        }
        let previous = self.last.replace(value);
        Some(Report { metric: self.metric, id: self.id, value, previous })
    }

    /// Whether anything was reported.
    #[must_use]
    pub const fn has_reported(&self) -> bool {
        self.last.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_first_zero_is_reported_and_a_repeated_value_is_not() {
        let mut reporter = Reporter::new(Metric::Cls, Id(7));
        assert_eq!(reporter.report(0.0), Some(Report { metric: Metric::Cls, id: Id(7), value: 0.0, previous: None }));
        assert_eq!(reporter.report(0.0), None);
    }

    #[test]
    fn r1_a_correction_carries_the_last_reported_value() {
        let mut reporter = Reporter::new(Metric::Inp, Id(7));
        reporter.report(80.0);
        assert_eq!(reporter.report(120.0).and_then(|report| report.previous), Some(80.0));
        assert_eq!(reporter.report(64.0).and_then(|report| report.previous), Some(120.0));
    }

    #[test]
    fn r1_a_negative_value_is_no_value() {
        let mut reporter = Reporter::new(Metric::Lcp, Id(7));
        assert_eq!(reporter.report(-1.0), None);
        assert_eq!(reporter.report(f64::NAN), None);
        assert!(!reporter.has_reported());
    }
}
