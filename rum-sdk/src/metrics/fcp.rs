//! First Contentful Paint: when the page first showed text or an image (W3C Paint Timing). Milliseconds.

/// The value of a load: from its activation, which for an ordinary load is its time origin, to the paint at `start`.
#[must_use]
pub const fn value(start: f64, activation_start: f64) -> f64 {
    (start - activation_start).max(0.0)
}

/// The value of a soft navigation that began at `start`.
#[must_use]
pub const fn soft_value(painted: f64, start: f64) -> f64 {
    (painted - start).max(0.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_paint_counts_from_activation() {
        let values = [0.0, 300.0, 900.0].map(|activation_start| super::value(800.0, activation_start));
        assert_eq!(values.to_vec(), [800.0, 500.0, 0.0]);
    }

    #[test]
    fn a_soft_navigation_counts_from_its_start_and_is_zero_without_a_paint() {
        let values = [900.0, 0.0].map(|painted| super::soft_value(painted, 800.0));
        assert_eq!(values.to_vec(), [100.0, 0.0]);
    }
}
