//! The numbers that stand for words in the tables' enumerations.

use rum_protocol::{Metric, Rating};

/// The value of `metric`.
pub(super) const fn metric_value(metric: Metric) -> i8 {
    match metric {
        Metric::Fcp => 1,
        Metric::Lcp => 2,
        Metric::Fid => 3,
        Metric::Cls => 4,
        Metric::Inp => 5,
        Metric::Ttfb => 6,
    }
}

/// The value of `rating` and `prev_rating`.
pub(super) const fn rating_value(rating: Rating) -> i8 {
    match rating {
        Rating::Good => 1,
        Rating::NeedsImprovement => 2,
        Rating::Poor => 3,
    }
}
