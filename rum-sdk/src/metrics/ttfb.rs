//! Time to First Byte: from navigation (or activation) to the first byte of the response (W3C Navigation Timing 2). Milliseconds.

use crate::navigation::NavigationTiming;

/// The value of a load; `navigation` is its credible entry (R4).
#[must_use]
pub const fn value(navigation: &NavigationTiming) -> f64 {
    navigation.since_activation(navigation.response_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_activation_and_is_never_negative() {
        let values = [0.0, 100.0, 500.0].map(|activation_start| {
            value(&NavigationTiming { response_start: 180.5, activation_start, ..NavigationTiming::default() })
        });
        assert_eq!(values.to_vec(), [180.5, 80.5, 0.0]);
    }
}
