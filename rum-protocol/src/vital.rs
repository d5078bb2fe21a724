//! The web vitals and how their values are rated.

use serde::{Deserialize, Serialize};

/// A web vital. Every value is in milliseconds, except [`Metric::Cls`], which has no unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Metric {
    /// First Contentful Paint (W3C Paint Timing).
    Fcp,
    /// Largest Contentful Paint (W3C Largest Contentful Paint).
    Lcp,
    /// First Input Delay (W3C Event Timing), kept for comparison; succeeded by INP.
    Fid,
    /// Cumulative Layout Shift (WICG Layout Instability), largest session window.
    Cls,
    /// Interaction to Next Paint (W3C Event Timing).
    Inp,
    /// Time to First Byte (W3C Navigation Timing).
    Ttfb,
}

/// How a value feels to users, by the published thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// At most the first threshold.
    Good,
    /// Above the first, at most the second threshold.
    NeedsImprovement,
    /// Above the second threshold.
    Poor,
}

/// The two bounds of a metric, in its unit. Source: web.dev/articles/vitals, npm `web-vitals` `*Thresholds`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The largest good value.
    pub good: f64,
    /// The largest value that is not poor.
    pub needs_improvement: f64,
}

impl Metric {
    /// Every metric, in the order they are documented.
    pub const ALL: [Self; 6] = [Self::Fcp, Self::Lcp, Self::Fid, Self::Cls, Self::Inp, Self::Ttfb];

    /// The name on the wire and in documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fcp => "FCP",
            Self::Lcp => "LCP",
            Self::Fid => "FID",
            Self::Cls => "CLS",
            Self::Inp => "INP",
            Self::Ttfb => "TTFB",
        }
    }

    /// The metric of that name in upper or lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name().eq_ignore_ascii_case(name))
    }

    /// The bounds by which values are rated.
    #[must_use]
    pub const fn thresholds(self) -> Thresholds {
        let (good, needs_improvement) = match self {
            Self::Fcp => (1800.0, 3000.0),
            Self::Lcp => (2500.0, 4000.0),
            Self::Fid => (100.0, 300.0),
            Self::Cls => (0.1, 0.25),
            Self::Inp => (200.0, 500.0),
            Self::Ttfb => (800.0, 1800.0),
        };
        Thresholds { good, needs_improvement }
    }

    /// Rates a value. A value equal to a bound belongs to the better side.
    #[must_use]
    pub fn rate(self, value: f64) -> Rating {
        let bounds = self.thresholds();
        if value <= bounds.good {
            Rating::Good
        } else if value <= bounds.needs_improvement {
            Rating::NeedsImprovement
        } else {
            Rating::Poor
        }
    }

    /// Whether values are milliseconds; false only for CLS.
    #[must_use]
    pub const fn is_duration(self) -> bool {
        !matches!(self, Self::Cls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_gets_the_better_rating() {
        for metric in Metric::ALL {
            let Thresholds { good, needs_improvement } = metric.thresholds();
            assert_eq!(metric.rate(0.0), Rating::Good, "{metric:?}");
            assert_eq!(metric.rate(good), Rating::Good, "{metric:?}");
            assert_eq!(metric.rate(good.next_up()), Rating::NeedsImprovement, "{metric:?}");
            assert_eq!(metric.rate(needs_improvement), Rating::NeedsImprovement, "{metric:?}");
            assert_eq!(metric.rate(needs_improvement.next_up()), Rating::Poor, "{metric:?}");
        }
    }

    #[test]
    fn names_are_found_in_either_case() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_name(metric.name()), Some(metric));
            assert_eq!(Metric::from_name(&metric.name().to_lowercase()), Some(metric));
        }
        assert_eq!(Metric::from_name("speed index"), None);
    }
}
