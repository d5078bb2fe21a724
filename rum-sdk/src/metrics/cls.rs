use core::mem::take;

use crate::entry::LayoutShift;

/// A session window ends when nothing shifted for this long, milliseconds (WICG Layout Instability, web.dev/articles/cls).
const LONGEST_GAP_MS: f64 = 1000.0;
/// A session window is never longer than this, milliseconds.
const LONGEST_WINDOW_MS: f64 = 5000.0;

/// Cumulative Layout Shift: the largest sum of shifts in one session window.
///
/// It is the largest of all windows, as the definition has it. `web-vitals` looks only at the window that runs at the end of a
/// batch of entries, and so misses a larger one that ended inside the batch.
#[derive(Clone, Debug)]
pub struct Cls<E> {
    running: Window<E>,
    /// The largest of the windows that ended.
    ended: Window<E>,
}

#[derive(Clone, Debug)]
struct Window<E> {
    sum: f64,
    shifts: Vec<LayoutShift<E>>,
}

impl<E> Default for Cls<E> {
    fn default() -> Self {
        Self { running: Window::default(), ended: Window::default() }
    }
}

impl<E> Default for Window<E> {
    fn default() -> Self {
        Self { sum: 0.0, shifts: Vec::new() }
    }
}

impl<E> Cls<E> {
    /// Takes a shift, in the order of their start. Shifts the user caused do not count.
    pub fn observe(&mut self, shift: LayoutShift<E>) {
        if shift.had_recent_input {
            return;
        }
        if !self.running.takes(shift.start) {
            let ended = take(&mut self.running);
            if ended.sum > self.ended.sum {
                self.ended = ended;
            }
        }
        self.running.sum += shift.value;
        self.running.shifts.push(shift);
    }

    /// The sum of the largest window; 0 when nothing shifted.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.largest().sum
    }

    /// The shifts of the largest window, of windows of the same sum the earliest; none when nothing shifted.
    #[must_use]
    pub fn entries(&self) -> &[LayoutShift<E>] {
        &self.largest().shifts
    }

    /// The shifts that may still count: those of the running window, and of the largest that ended.
    pub fn kept(&self) -> impl Iterator<Item = &LayoutShift<E>> {
        self.ended.shifts.iter().chain(&self.running.shifts)
    }

    fn largest(&self) -> &Window<E> {
        if self.running.sum > self.ended.sum { &self.running } else { &self.ended }
    }
}

impl<E> Window<E> {
    fn takes(&self, start: f64) -> bool {
        match (self.shifts.first(), self.shifts.last()) {
            // Shifts of no size do not begin a window.
            (Some(first), Some(last)) if self.sum != 0.0 => {
                start - last.start < LONGEST_GAP_MS && start - first.start < LONGEST_WINDOW_MS
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shift(start: f64, value: f64, entry: usize) -> LayoutShift<usize> {
        LayoutShift { start, value, had_recent_input: false, entry }
    }

    /// The value, and the places of the entries, of shifts.
    fn of(shifts: &[(f64, f64)]) -> (f64, Vec<usize>) {
        let mut cls = Cls::default();
        for (place, &(start, value)) in shifts.iter().enumerate() {
            cls.observe(shift(start, value, place));
        }
        (cls.value(), places(&cls))
    }

    fn places(cls: &Cls<usize>) -> Vec<usize> {
        cls.entries().iter().map(|shift| shift.entry).collect()
    }

    #[test]
    fn nothing_shifted_is_zero() {
        assert_eq!(of(&[]), (0.0, vec![]));
    }

    #[test]
    fn a_gap_of_exactly_a_second_starts_a_new_window() {
        assert_eq!(of(&[(100.0, 0.5), (1099.9, 0.25)]), (0.75, vec![0, 1]));
        assert_eq!(of(&[(100.0, 0.5), (1100.0, 0.25)]), (0.5, vec![0]));
    }

    #[test]
    fn a_window_is_shorter_than_five_seconds() {
        let steady: Vec<_> = (0..12).map(|index| (f64::from(index) * 900.0, 0.125)).collect();
        assert_eq!(of(&steady), (0.75, (0..6).collect()));
        let nothing = (1..6).map(|index| (f64::from(index) * 999.0, 0.0));
        let shifts: Vec<_> = [(0.0, 0.25)].into_iter().chain(nothing).chain([(5000.0, 0.25)]).collect();
        assert_eq!(of(&shifts), (0.25, (0..6).collect()), "though something shifted all the time");
    }

    #[test]
    fn the_largest_window_counts_though_it_ended() {
        assert_eq!(of(&[(0.0, 0.5), (5000.0, 0.25), (5100.0, 0.5), (9000.0, 0.125)]), (0.75, vec![1, 2]));
    }

    #[test]
    fn of_equal_windows_the_earlier_stays() {
        assert_eq!(of(&[(0.0, 0.5), (5000.0, 0.25), (5100.0, 0.25)]), (0.5, vec![0]));
        assert_eq!(of(&[(0.0, 0.5), (5000.0, 0.5), (9000.0, 0.125)]), (0.5, vec![0]));
    }

    #[test]
    fn shifts_the_user_caused_do_not_count() {
        let mut cls = Cls::default();
        cls.observe(LayoutShift { had_recent_input: true, ..shift(100.0, 0.5, 1) });
        cls.observe(shift(200.0, 0.25, 2));
        assert_eq!((cls.value(), places(&cls)), (0.25, vec![2]));
    }

    #[test]
    fn a_window_does_not_begin_with_a_shift_of_no_size() {
        assert_eq!(of(&[(100.0, 0.0), (200.0, 0.5)]), (0.5, vec![1]));
        assert_eq!(of(&[(100.0, 0.5), (200.0, 0.0), (300.0, 0.25)]), (0.75, vec![0, 1, 2]), "but may have some");
    }

    /// The definition, read literally: cut the shifts into windows, then take the first with the largest sum.
    fn naive(shifts: &[LayoutShift<usize>]) -> (f64, Vec<usize>) {
        let mut windows: Vec<Vec<LayoutShift<usize>>> = Vec::new();
        for &shift in shifts.iter().filter(|shift| !shift.had_recent_input) {
            match windows.last_mut() {
                Some(window) if shift.start - window[window.len() - 1].start < 1000.0 && shift.start - window[0].start < 5000.0 => {
                    window.push(shift);
                }
                _ => windows.push(vec![shift]),
            }
        }
        windows.into_iter().fold((0.0, Vec::new()), |largest, window| {
            let sum = window.iter().fold(0.0, |sum, shift| sum + shift.value);
            if sum > largest.0 { (sum, window.iter().map(|shift| shift.entry).collect()) } else { largest }
        })
    }

    proptest! {
        #[test]
        fn it_is_the_largest_window_of_the_definition_after_each_shift(
            steps in proptest::collection::vec((0_u32..1500, 1_u32..100, any::<bool>()), 0..60),
        ) {
            let (mut cls, mut shifts, mut start) = (Cls::default(), Vec::new(), 0.0);
            for (place, &(gap, value, had_recent_input)) in steps.iter().enumerate() {
                start += f64::from(gap);
                let shift = LayoutShift { had_recent_input, ..shift(start, f64::from(value) / 70.0, place) };
                shifts.push(shift);
                cls.observe(shift);
                let (value, entries) = naive(&shifts);
                prop_assert_eq!(cls.value().to_bits(), value.to_bits());
                prop_assert_eq!(places(&cls), entries);
            }
        }
    }
}
