//! What is counted of a vital: by the classes between the classic bounds, summed, and by the finer cells of its grid.

use rum_protocol::Metric;

use super::{distribution::grid, tracker::Key};

/// Classes between the bounds, and above the last.
pub(super) const CLASSES: usize = 9;

/// The totals of a vital, as they are kept in one list: classes, sum, cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals<'a> {
    pub(super) classes: &'a [f64],
    /// In the vital's own unit.
    pub(super) sum: f64,
    /// None where only classes are kept.
    pub(super) cells: &'a [f64],
}

impl<'a> Totals<'a> {
    /// Absent if it is another list.
    pub(super) fn of(totals: &'a [f64]) -> Option<Self> {
        let (classes, rest) = totals.split_at_checked(CLASSES)?;
        let (sum, cells) = rest.split_first()?;
        Some(Self { classes, sum: *sum, cells })
    }
}

/// Classes and sum are the most they ever were. What a class has more goes to those of its cells that lack something, the highest first, since
/// a value that is reported again has mostly grown: so cells never fall either, and have together what their class has. A value that was
/// taken back stays in its cell until another one of the class is missing.
pub(super) fn follow(key: &Key, exact: &[f64], most: &mut [f64]) {
    let Some(vital) = key.rest.first().and_then(|name| Metric::from_name(name)) else { return };
    let grid = grid(vital);
    let mut more = [0.0; CLASSES];
    for (index, (most, exact)) in most.iter_mut().zip(exact).take(CLASSES + 1).enumerate() {
        let highest = most.max(*exact);
        if let Some(more) = more.get_mut(index) {
            *more = highest - *most;
        }
        *most = highest;
    }
    let cells = most.iter_mut().zip(exact).skip(CLASSES + 1).enumerate();
    for (cell, (most, exact)) in cells.collect::<Vec<_>>().into_iter().rev() {
        let more = &mut more[grid.classic_of(cell)];
        let lacking = (exact - *most).clamp(0.0, *more);
        *most += lacking;
        *more -= lacking;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "counts are whole numbers")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Values come, and some are taken back and come anew elsewhere.
        #[test]
        fn cells_never_fall_and_have_what_their_class_has(steps in prop::collection::vec((0_usize..120, prop::option::of(0_usize..120)), 1..60)) {
            let key = Key { project: "shop".into(), page: "/".into(), release: String::new(), rest: vec!["LCP".into()] };
            let grid = grid(Metric::Lcp);
            let mut exact = vec![0.0; CLASSES + 1 + grid.len()];
            let mut most = exact.clone();
            for (comes, goes) in steps {
                exact[grid.classic_of(comes)] += 1.0;
                exact[CLASSES + 1 + comes] += 1.0;
                if let Some(cell) = goes.filter(|cell| exact[CLASSES + 1 + cell] > 0.0) {
                    exact[grid.classic_of(cell)] -= 1.0;
                    exact[CLASSES + 1 + cell] -= 1.0;
                }
                let before = most.clone();
                follow(&key, &exact, &mut most);
                prop_assert!(most.iter().zip(&before).all(|(now, before)| now >= before));
                let totals = Totals::of(&most).unwrap();
                let mut of_cells = [0.0; CLASSES];
                totals.cells.iter().enumerate().for_each(|(cell, count)| of_cells[grid.classic_of(cell)] += count);
                prop_assert_eq!(&of_cells, totals.classes);
            }
        }

        #[test]
        fn without_corrections_cells_are_exact(values in prop::collection::vec(0_usize..120, 0..60)) {
            let key = Key { project: "shop".into(), page: "/".into(), release: String::new(), rest: vec!["CLS".into()] };
            let grid = grid(Metric::Cls);
            let mut exact = vec![0.0; CLASSES + 1 + grid.len()];
            let mut most = exact.clone();
            for cell in values {
                exact[grid.classic_of(cell)] += 1.0;
                exact[CLASSES + 1 + cell] += 1.0;
                follow(&key, &exact, &mut most);
                prop_assert_eq!(&most, &exact);
            }
        }
    }
}
