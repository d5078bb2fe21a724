use super::Measured;
use crate::entry::LayoutShift;

/// A session window ends when nothing shifted for this long, milliseconds (WICG Layout Instability, web.dev/articles/cls).
const LONGEST_GAP_MS: f64 = 1000.0;
/// A session window is never longer than this, milliseconds.
const LONGEST_WINDOW_MS: f64 = 5000.0;

/// Cumulative Layout Shift: the largest sum of shifts in one session window.
#[derive(Clone, Debug)]
pub struct Cls<E> {
    window: Window<E>,
    largest: Measured<E>,
}

#[derive(Clone, Debug)]
struct Window<E> {
    sum: f64,
    first_start: f64,
    last_start: f64,
    entries: Vec<E>,
}

impl<E> Default for Cls<E> {
    fn default() -> Self {
        Self {
            window: Window { sum: 0.0, first_start: 0.0, last_start: 0.0, entries: Vec::new() },
            largest: Measured { value: 0.0, entries: Vec::new() },
        }
    }
}

impl<E: Clone> Cls<E> {
    /// Takes one batch of shifts, in the order of their start. Shifts the user caused do not count.
    pub fn observe(&mut self, batch: &[LayoutShift<E>]) {
        for shift in batch {
            if !shift.had_recent_input {
                self.window.add(shift);
            }
        }
        if self.window.sum > self.largest.value {
            self.largest = Measured { value: self.window.sum, entries: self.window.entries.clone() };
        }
    }

    /// The largest window so far; 0 with no entries when nothing shifted.
    #[must_use]
    pub const fn value(&self) -> &Measured<E> {
        &self.largest
    }
}

impl<E: Clone> Window<E> {
    fn add(&mut self, shift: &LayoutShift<E>) {
        // A window without any shift yet takes the first one whatever its time.
        let belongs =
            self.sum != 0.0 && shift.start - self.last_start < LONGEST_GAP_MS && shift.start - self.first_start < LONGEST_WINDOW_MS;
        if belongs {
            self.sum += shift.value;
        } else {
            self.sum = shift.value;
            self.first_start = shift.start;
            self.entries.clear();
        }
        self.last_start = shift.start;
        self.entries.push(shift.entry.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shift(start: f64, value: f64, entry: u32) -> LayoutShift<u32> {
        LayoutShift { start, value, had_recent_input: false, entry }
    }

    fn cls(shifts: &[LayoutShift<u32>]) -> Measured<u32> {
        let mut cls = Cls::default();
        for &shift in shifts {
            cls.observe(&[shift]);
        }
        cls.value().clone()
    }

    #[test]
    fn nothing_shifted_is_zero() {
        assert_eq!(cls(&[]), Measured { value: 0.0, entries: vec![] });
    }

    #[test]
    fn a_gap_of_exactly_a_second_starts_a_new_window() {
        assert_eq!(cls(&[shift(100.0, 0.5, 1), shift(1099.9, 0.25, 2)]), Measured { value: 0.75, entries: vec![1, 2] });
        assert_eq!(cls(&[shift(100.0, 0.5, 1), shift(1100.0, 0.25, 2)]), Measured { value: 0.5, entries: vec![1] });
    }

    #[test]
    fn a_window_is_shorter_than_five_seconds() {
        let steady: Vec<_> = (0..12_u32).map(|index| shift(f64::from(index) * 900.0, 0.125, index)).collect();
        assert_eq!(cls(&steady), Measured { value: 0.75, entries: (0..6).collect() });
    }

    #[test]
    fn the_largest_window_keeps_its_own_entries() {
        let shifts = [shift(0.0, 0.5, 1), shift(5000.0, 0.25, 2), shift(5100.0, 0.5, 3), shift(9000.0, 0.125, 4)];
        assert_eq!(cls(&shifts), Measured { value: 0.75, entries: vec![2, 3] });
    }

    #[test]
    fn shifts_the_user_caused_do_not_count() {
        let caused = LayoutShift { had_recent_input: true, ..shift(100.0, 0.5, 1) };
        assert_eq!(cls(&[caused, shift(200.0, 0.25, 2)]), Measured { value: 0.25, entries: vec![2] });
    }

    /// The definition, read literally: cut the shifts into windows, then take the largest sum.
    fn naive(shifts: &[LayoutShift<u32>]) -> f64 {
        let mut windows: Vec<Vec<LayoutShift<u32>>> = Vec::new();
        for &shift in shifts.iter().filter(|shift| !shift.had_recent_input) {
            match windows.last_mut() {
                Some(window) if shift.start - window[window.len() - 1].start < 1000.0 && shift.start - window[0].start < 5000.0 => {
                    window.push(shift);
                }
                _ => windows.push(vec![shift]),
            }
        }
        windows.iter().map(|window| window.iter().fold(0.0, |sum, shift| sum + shift.value)).fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn it_is_the_largest_window_of_the_definition(
            gaps in proptest::collection::vec((0_u32..1500, 1_u32..100, any::<bool>()), 0..60),
        ) {
            let mut start = 0.0;
            let shifts: Vec<_> = gaps
                .iter()
                .enumerate()
                .map(|(index, &(gap, value, had_recent_input))| {
                    start += f64::from(gap);
                    let entry = u32::try_from(index).unwrap();
                    LayoutShift { had_recent_input, ..shift(start, f64::from(value) / 64.0, entry) }
                })
                .collect();
            let measured = cls(&shifts);
            prop_assert_eq!(measured.value.to_bits(), naive(&shifts).to_bits());
            let of_its_entries = measured.entries.iter().fold(0.0, |sum, &entry| sum + shifts[entry as usize].value);
            prop_assert_eq!(measured.value.to_bits(), of_its_entries.to_bits());
        }
    }
}
