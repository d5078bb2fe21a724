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
