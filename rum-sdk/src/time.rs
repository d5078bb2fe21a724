//! The two clocks of a page.

/// One moment, by both clocks. Read once for each thing the core is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Milliseconds since the page's time origin (W3C High Resolution Time); never goes back.
    pub page_ms: f64,
    /// Milliseconds since the Unix epoch, by the user's clock.
    pub epoch_ms: f64,
}

impl Time {
    /// The wall-clock time of a moment of the page's clock; zero for moments before 1970.
    #[must_use]
    pub fn epoch_of(self, page_ms: f64) -> u64 {
        whole(self.epoch_ms - self.page_ms + page_ms)
    }
}

/// Rounds to a whole number; zero for anything negative or not a number.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
pub const fn whole(value: f64) -> u64 {
    (value + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_page_have_a_wall_clock_time() {
        let now = Time { page_ms: 2_000.0, epoch_ms: 1_700_000_002_000.4 };
        assert_eq!(now.epoch_of(0.0), 1_700_000_000_000);
        assert_eq!(now.epoch_of(1_500.2), 1_700_000_001_501);
    }

    #[test]
    fn a_clock_before_1970_gives_zero() {
        assert_eq!(Time { page_ms: 10.0, epoch_ms: 5.0 }.epoch_of(1.0), 0);
        assert_eq!(Time { page_ms: f64::NAN, epoch_ms: 5.0 }.epoch_of(1.0), 0);
    }
}
