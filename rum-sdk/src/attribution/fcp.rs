use crate::navigation::NavigationTiming;

/// The parts of First Contentful Paint, which sum up to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FcpParts {
    /// From the navigation, or the activation, to the first byte of the response.
    pub time_to_first_byte: f64,
    /// From there to the paint.
    pub first_byte_to_fcp: f64,
}

/// The parts of `value`. `navigation` is the credible entry of the load (R4); without one, after a restore from the back/forward
/// cache and on a soft navigation nothing is known of a first byte.
#[must_use]
pub const fn fcp_parts(value: f64, navigation: Option<&NavigationTiming>) -> FcpParts {
    let time_to_first_byte = match navigation {
        Some(navigation) => navigation.since_activation(navigation.response_start),
        None => 0.0,
    };
    FcpParts { time_to_first_byte, first_byte_to_fcp: value - time_to_first_byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_is_counted_from_the_activation() {
        let navigation = NavigationTiming { response_start: 120.0, ..NavigationTiming::default() };
        assert_eq!(fcp_parts(500.0, Some(&navigation)), FcpParts { time_to_first_byte: 120.0, first_byte_to_fcp: 380.0 });
        let prerendered = NavigationTiming { activation_start: 300.0, ..navigation };
        assert_eq!(fcp_parts(500.0, Some(&prerendered)), FcpParts { time_to_first_byte: 0.0, first_byte_to_fcp: 500.0 });
    }

    #[test]
    fn r4_without_a_credible_navigation_entry_there_is_no_first_byte() {
        assert_eq!(fcp_parts(500.0, None), FcpParts { time_to_first_byte: 0.0, first_byte_to_fcp: 500.0 });
    }
}
