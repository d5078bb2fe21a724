//! First Input Delay: how long the first input waited for its handler (W3C Event Timing). Succeeded by INP. Milliseconds.

/// The value of an input that happened at `start`.
#[must_use]
pub const fn value(start: f64, processing_start: f64) -> f64 {
    processing_start - start
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_time_until_the_first_handler_begins() {
        assert_eq!(super::value(500.0, 512.5).to_bits(), 12.5_f64.to_bits());
    }
}
