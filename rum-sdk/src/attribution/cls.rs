use crate::entry::LayoutShift;

/// The largest shift of a session window, of equally large ones the last. Absent without shifts.
#[must_use]
pub fn largest_shift<E>(shifts: &[LayoutShift<E>]) -> Option<&LayoutShift<E>> {
    let (mut largest, others) = shifts.split_first()?;
    for shift in others {
        if shift.value >= largest.value {
            largest = shift;
        }
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(values: &[f64]) -> Option<usize> {
        let shift = |(entry, &value)| LayoutShift { start: 1.0, value, had_recent_input: false, entry };
        let shifts: Vec<_> = values.iter().enumerate().map(shift).collect();
        largest_shift(&shifts).map(|shift| shift.entry)
    }

    #[test]
    fn the_largest_shift_is_the_last_of_equally_large_ones() {
        assert_eq!(largest(&[]), None);
        assert_eq!(largest(&[0.5]), Some(0));
        assert_eq!(largest(&[0.25, 0.5, 0.125, 0.5, 0.25]), Some(3));
    }
}
