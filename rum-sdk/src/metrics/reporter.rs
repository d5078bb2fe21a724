use rum_protocol::{Metric, Rating};

/// Whether `value` is to be reported after `reported` was, and how (R1, R2): the difference to it, which is the whole value the first
/// time, and its rating. Nothing is reported twice, and a negative value is none.
#[must_use]
pub fn report(metric: Metric, value: f64, reported: Option<f64>) -> Option<(f64, Rating)> {
    #[expect(clippy::float_cmp, reason = "the question is whether it is the very same value")]
    let is_new = reported.is_none_or(|reported| reported != value);
    // Also false for what is not a number.
    (is_new && value >= 0.0).then(|| (value - reported.unwrap_or(0.0), metric.rate(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_first_zero_is_reported_and_a_repeated_value_is_not() {
        assert_eq!(report(Metric::Cls, 0.0, None), Some((0.0, Rating::Good)));
        assert_eq!(report(Metric::Cls, 0.0, Some(0.0)), None);
    }

    #[test]
    fn r1_a_correction_is_told_by_its_difference() {
        assert_eq!(report(Metric::Inp, 120.0, Some(80.0)), Some((40.0, Rating::Good)));
        assert_eq!(report(Metric::Inp, 64.0, Some(120.0)), Some((-56.0, Rating::Good)));
    }

    #[test]
    fn r1_a_negative_value_is_no_value() {
        assert_eq!(report(Metric::Lcp, -1.0, None), None);
        assert_eq!(report(Metric::Lcp, f64::NAN, None), None);
    }

    #[test]
    fn r2_every_metric_has_its_own_bounds() {
        assert_eq!(report(Metric::Lcp, 2500.0, None), Some((2500.0, Rating::Good)));
        assert_eq!(report(Metric::Cls, 2500.0, None), Some((2500.0, Rating::Poor)));
        assert_eq!(report(Metric::Ttfb, 1800.5, None), Some((1800.5, Rating::Poor)));
    }
}
