//! First Input Delay: how long the first input waited for its handler (W3C Event Timing). Succeeded by INP. Milliseconds.

use super::Measured;
use crate::entry::EventTiming;
use crate::visibility::FirstHidden;

/// The value of the first input.
#[must_use]
pub const fn value<E>(input: &EventTiming<E>) -> f64 {
    input.processing_start - input.start
}

/// First Input Delay: how long the first input waited for its handler (W3C Event Timing). Succeeded by INP.
#[derive(Clone, Debug, Default)]
pub struct Fid {
    done: bool,
}

impl Fid {
    /// Takes the `first-input` entry. The value is there at once, or never.
    pub fn observe<E: Clone>(&mut self, input: &EventTiming<E>, first_hidden: FirstHidden) -> Option<Measured<E>> {
        if self.done {
            return None;
        }
        self.done = true;
        let value = input.processing_start - input.start;
        first_hidden.is_after(input.start).then(|| Measured { value, entries: vec![input.entry.clone()] })
    }

    /// The page was hidden: a later input does not count.
    pub const fn finalize(&mut self) {
        self.done = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f64 = f64::INFINITY;

    fn input(start: f64) -> EventTiming<u32> {
        EventTiming {
            start,
            duration: 48.0,
            processing_start: start + 12.0,
            processing_end: start + 12.0,
            interaction_id: 7.0,
            is_first_input: true,
            entry: 1,
        }
    }

    fn hidden_at(at: f64) -> FirstHidden {
        FirstHidden::at_start(Some(at), 0.0)
    }

    #[test]
    fn the_first_inputs_delay_is_the_value() {
        assert_eq!(Fid::default().observe(&input(500.0), hidden_at(NEVER)), Some(Measured { value: 12.0, entries: vec![1] }));
    }

    #[test]
    fn an_input_after_the_page_was_hidden_has_no_value() {
        assert_eq!(Fid::default().observe(&input(500.0), hidden_at(400.0)), None);
        let mut fid = Fid::default();
        fid.finalize();
        assert_eq!(fid.observe(&input(500.0), hidden_at(NEVER)), None);
    }
}
