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
