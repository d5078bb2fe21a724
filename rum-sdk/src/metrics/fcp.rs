//! First Contentful Paint: when the page first showed text or an image (W3C Paint Timing). Milliseconds.

use crate::visibility::FirstHidden;

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

/// First Contentful Paint: when the page first showed text or an image (W3C Paint Timing).
#[derive(Clone, Debug, Default)]
pub struct Fcp {
    done: bool,
}

impl Fcp {
    /// Takes the `first-contentful-paint` entry's start. The value is there at once, or never: a page that was hidden before has
    /// none.
    pub const fn observe(&mut self, start: f64, activation_start: f64, first_hidden: FirstHidden) -> Option<f64> {
        if self.done {
            return None;
        }
        self.done = true;
        if first_hidden.is_after(start) { Some((start - activation_start).max(0.0)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden_at(at: f64) -> FirstHidden {
        FirstHidden::at_start(Some(at), 0.0)
    }

    #[test]
    fn the_first_paint_counts_from_activation() {
        assert_eq!(Fcp::default().observe(800.0, 0.0, hidden_at(f64::INFINITY)), Some(800.0));
        assert_eq!(Fcp::default().observe(800.0, 300.0, hidden_at(f64::INFINITY)), Some(500.0));
        assert_eq!(Fcp::default().observe(800.0, 900.0, hidden_at(f64::INFINITY)), Some(0.0));
    }

    #[test]
    fn a_page_that_was_hidden_before_has_none() {
        let mut fcp = Fcp::default();
        assert_eq!(fcp.observe(800.0, 0.0, hidden_at(800.0)), None);
        assert_eq!(fcp.observe(700.0, 0.0, hidden_at(800.0)), None, "the observer is gone");
    }

    #[test]
    fn r6_raw_times_are_compared_before_activation_is_subtracted() {
        assert_eq!(Fcp::default().observe(800.0, 500.0, hidden_at(600.0)), None);
    }
}
