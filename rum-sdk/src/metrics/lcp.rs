//! Largest Contentful Paint: when the largest text or image so far was shown (W3C Largest Contentful Paint). Milliseconds.

use super::Measured;
use crate::entry::LargestPaint;
use crate::visibility::FirstHidden;

/// The value of a load: from its activation, which for an ordinary load is its time origin, to the paint at `start`.
#[must_use]
pub const fn value(start: f64, activation_start: f64) -> f64 {
    (start - activation_start).max(0.0)
}

/// The value of a soft navigation: from `start`, that of the interaction's entry, to the paint.
#[must_use]
pub const fn soft_value(rendered: f64, start: f64) -> f64 {
    (rendered - start).max(0.0)
}

/// Largest Contentful Paint: when the largest text or image so far was shown (W3C Largest Contentful Paint).
#[derive(Clone, Debug)]
pub struct Lcp<E> {
    largest: Option<Measured<E>>,
    is_final: bool,
}

impl<E> Default for Lcp<E> {
    fn default() -> Self {
        Self { largest: None, is_final: false }
    }
}

impl<E> Lcp<E> {
    /// Takes the last candidate of a batch. Each is larger than the one before, so the others do not count.
    pub fn observe(&mut self, candidate: LargestPaint<E>, activation_start: f64, first_hidden: FirstHidden) {
        if !self.is_final && first_hidden.is_after(candidate.start) {
            let value = (candidate.start - activation_start).max(0.0);
            self.largest = Some(Measured { value, entries: vec![candidate.entry] });
        }
    }

    /// The candidate that stands, if any.
    #[must_use]
    pub const fn value(&self) -> Option<&Measured<E>> {
        self.largest.as_ref()
    }

    /// The user acted or left: later paints do not count. Returns the final value the first time.
    pub const fn finalize(&mut self) -> Option<&Measured<E>> {
        if self.is_final {
            return None;
        }
        self.is_final = true;
        self.largest.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f64 = f64::INFINITY;

    fn observe(lcp: &mut Lcp<u32>, start: f64, entry: u32, first_hidden: f64) {
        lcp.observe(LargestPaint { start, entry }, 100.0, FirstHidden::at_start(Some(first_hidden), 0.0));
    }

    #[test]
    fn the_last_candidate_counts_with_its_own_entry() {
        let mut lcp = Lcp::default();
        observe(&mut lcp, 500.0, 1, NEVER);
        observe(&mut lcp, 900.0, 2, NEVER);
        assert_eq!(lcp.value(), Some(&Measured { value: 800.0, entries: vec![2] }));
        observe(&mut lcp, 1500.0, 3, NEVER);
        assert_eq!(lcp.finalize(), Some(&Measured { value: 1400.0, entries: vec![3] }));
    }

    #[test]
    fn a_candidate_after_the_page_was_hidden_leaves_the_one_before() {
        let mut lcp = Lcp::default();
        observe(&mut lcp, 500.0, 1, NEVER);
        observe(&mut lcp, 900.0, 3, 800.0);
        assert_eq!(lcp.value(), Some(&Measured { value: 400.0, entries: vec![1] }));
    }

    #[test]
    fn nothing_counts_after_it_is_final_and_it_is_final_once() {
        let mut lcp = Lcp::default();
        observe(&mut lcp, 500.0, 1, NEVER);
        assert!(lcp.finalize().is_some());
        observe(&mut lcp, 900.0, 2, NEVER);
        assert_eq!(lcp.finalize(), None);
        assert_eq!(lcp.value(), Some(&Measured { value: 400.0, entries: vec![1] }));
    }

    #[test]
    fn without_a_candidate_there_is_no_value() {
        assert_eq!(Lcp::<u32>::default().finalize(), None);
    }
}
