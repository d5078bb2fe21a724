//! Time to First Byte: from navigation (or activation) to the first byte of the response (W3C Navigation Timing 2). Milliseconds.

use crate::navigation::NavigationTiming;

/// The value of a load; `navigation` is its credible entry (R4).
#[must_use]
pub const fn value(navigation: &NavigationTiming) -> f64 {
    navigation.since_activation(navigation.response_start)
}

/// Time to First Byte: from navigation (or activation) to the first byte of the response (W3C Navigation Timing 2).
#[derive(Clone, Copy, Debug)]
pub struct Ttfb;

impl Ttfb {
    /// The value, known once the navigation entry is credible.
    #[must_use]
    pub const fn value(navigation: &NavigationTiming) -> f64 {
        navigation.since_activation(navigation.response_start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_activation_and_is_never_negative() {
        let navigation =
            |activation_start| NavigationTiming { response_start: 180.5, activation_start, ..NavigationTiming::default() };
        assert_eq!(Ttfb::value(&navigation(0.0)).to_bits(), 180.5_f64.to_bits());
        assert_eq!(Ttfb::value(&navigation(100.0)).to_bits(), 80.5_f64.to_bits());
        assert_eq!(Ttfb::value(&navigation(500.0)).to_bits(), 0.0_f64.to_bits());
    }
}
