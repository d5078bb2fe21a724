//! Order among the few things the SDK keeps. The standard library's ways are several times the size of what they would order.

/// Sorts stably: `goes_before` says whether its first argument must come before its second.
pub fn sort<T>(items: &mut [T], goes_before: impl Fn(&T, &T) -> bool) {
    for length in 1..=items.len() {
        if let Some(start) = items.get_mut(..length) {
            settle_last(start, &goes_before);
        }
    }
}

/// Moves the last item forward to its place among the others, which are sorted.
pub fn settle_last<T>(items: &mut [T], goes_before: impl Fn(&T, &T) -> bool) {
    let mut rest = items;
    while let [.., before, last] = &mut *rest {
        if !goes_before(last, before) {
            return;
        }
        core::mem::swap(before, last);
        let Some((_, shorter)) = rest.split_last_mut() else { return };
        rest = shorter;
    }
}

/// Drops those that are not to be kept.
pub fn keep<T>(items: &mut Vec<T>, is_kept: &mut dyn FnMut(&T) -> bool) {
    for item in core::mem::take(items) {
        if is_kept(&item) {
            items.push(item);
        }
    }
}

/// `Vec::remove`, without its panic. Absent without a position.
pub fn take<T>(items: &mut Vec<T>, position: Option<usize>) -> Option<T> {
    let (_, rest) = items.split_at_mut_checked(position?)?;
    // Its place moves to the end, step by step.
    let mut place = rest;
    while let [one, next, ..] = place {
        core::mem::swap(one, next);
        place = place.split_first_mut()?.1;
    }
    items.pop()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_like_the_standard_library(items in proptest::collection::vec((0..5, any::<u8>()), 0..30)) {
            let mut ours = items.clone();
            sort(&mut ours, |a, b| a.0 < b.0);
            let mut expected = items;
            expected.sort_by_key(|item| item.0);
            prop_assert_eq!(ours, expected);
        }
    }
}
